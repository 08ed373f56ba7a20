"""Places of a picture by the image towers of open_clip, with random weights."""

import json

import numpy as np
import open_clip
import pytest
import torch
from test_open_clip import CONFIG, save

from indexer.encoders import LocatingEncoder, load_encoder
from indexer.encoders.open_clip import encoder as encoders
from indexer.encoders.open_clip.places import visual_places
from indexer.errors import ModelError

SIDE = 32
VIT = CONFIG["vision_cfg"]
RESNET = {"layers": [1, 1, 1, 1], "width": 8, "head_width": 16, "image_size": 64}
TIMM_CNN = {
    "timm_model_name": "resnet18",
    "timm_pool": "avg",
    "timm_proj": "linear",
    "image_size": 96,
}
TIMM_VIT = {"timm_model_name": "vit_tiny_patch16_224", "image_size": 224}
TOWERS = {
    "vit": (VIT, (2, 2)),
    "vit-mean": (VIT | {"pool_type": "avg"}, (2, 2)),
    "coca": (VIT | {"attentional_pool": True, "attn_pooler_heads": 2}, (2, 2)),
    "resnet": (RESNET, (2, 2)),
    "timm-cnn": (TIMM_CNN, (3, 3)),
    "timm-vit-token": (TIMM_VIT | {"timm_pool": "token", "timm_proj": "linear"}, (14, 14)),
    "timm-vit-mean": (TIMM_VIT | {"timm_pool": "avg", "timm_proj": "linear"}, (14, 14)),
    "timm-siglip": (
        TIMM_VIT
        | {"timm_model_name": "vit_base_patch32_siglip_256", "image_size": 256, "timm_pool": "map"},
        (8, 8),
    ),
}


def tower(tmp_path, vision, layers=None):
    """The image tower of an architecture, with random weights."""
    path = tmp_path / f"picfuse-places-{abs(hash(json.dumps(vision))):x}.json"
    path.write_text(json.dumps(CONFIG | {"vision_cfg": vision | (layers or {})}))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    model = open_clip.create_model(path.stem).eval()
    return model.visual


def pictures(vision, count=2):
    side = vision["image_size"]
    return torch.from_numpy(
        np.random.default_rng(0).normal(size=(count, 3, side, side)).astype(np.float32)
    )


@pytest.mark.parametrize("name", TOWERS)
def test_every_place_has_a_row_in_the_space_of_pictures(tmp_path, name):
    vision, grid = TOWERS[name]
    visual = tower(tmp_path, vision)
    with torch.inference_mode():
        found = visual_places(visual, pictures(vision), name)
        whole = visual(pictures(vision))
    whole = whole[0] if isinstance(whole, tuple) else whole
    assert found.shape == (2, *grid, CONFIG["embed_dim"])
    assert whole.shape[-1] == CONFIG["embed_dim"]
    assert torch.isfinite(found).all()
    flat = found.flatten(1, 2)
    assert flat.std(dim=1).max() > 1e-4  # places differ


def test_places_of_a_convolutional_tower_are_averaged_to_its_picture(tmp_path):
    visual = tower(tmp_path, TIMM_CNN)
    with torch.inference_mode():
        found = visual_places(visual, pictures(TIMM_CNN), "resnet18")
        whole = visual(pictures(TIMM_CNN))
    assert torch.allclose(found.mean((1, 2)), whole, atol=1e-4)


@pytest.mark.parametrize("name", ["vit", "coca"])
def test_place_of_a_transformer_is_told_by_itself_in_the_last_block(tmp_path, name):
    """With one block, no place knows of the others."""
    vision = TOWERS[name][0]
    visual = tower(tmp_path, vision)
    images = pictures(vision, 1)
    changed = images.clone()
    changed[:, :, :16, 16:] += 1  # the place at the top right
    with torch.inference_mode():
        before, after = (visual_places(visual, x, name)[0] for x in (images, changed))
    differ = (before - after).abs().amax(-1) > 1e-5
    assert differ.tolist() == [[False, True], [False, False]]


def test_the_tower_works_as_before_when_places_were_asked_for(tmp_path):
    visual = tower(tmp_path, VIT)
    with torch.inference_mode():
        before = visual(pictures(VIT))
        visual_places(visual, pictures(VIT), "vit")
        assert torch.equal(visual(pictures(VIT)), before)


def test_tower_without_places_is_a_model_error():
    with pytest.raises(ModelError, match=r"Identity.* cannot locate"):
        visual_places(torch.nn.Identity(), torch.zeros(1, 3, 8, 8), "odd")


def test_encoder_gives_unit_rows_of_places(tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "EXPORTS", False)
    path = tmp_path / "picfuse-places-whole.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)
    weights = save(tmp_path / "tiny.safetensors", open_clip.create_model(path.stem).state_dict())
    encoder = load_encoder(f"open_clip:TINY:{weights}", offline=True)
    assert isinstance(encoder, LocatingEncoder)
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    found = encoder.encode_places(images)
    assert (found.shape, found.dtype) == ((3, 2, 2, 24), np.float32)
    assert np.allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    assert len(encoder.encode_places(images[:0])) == 0
