"""open_clip encoders, with small random models and no network."""

import json
import os
import pickle
import socket
import time
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from indexer.encoders import Encoder, load_encoder
from indexer.encoders.open_clip.recommended import RECOMMENDED, spelled_out
from indexer.errors import InputError, ModelError

SIDE = 32
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {
        "image_size": SIDE,
        "layers": 1,
        "width": 32,
        "patch_size": 16,
        "head_width": 16,
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 1,
    },
}
WORDS = ("a", "dog", "on", "the", "beach", "hund", "am", "strand")
REPOSITORY = "somebody/tiny"
COMMIT = "0" * 40


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Two sets of random weights for `CONFIG`."""
    import open_clip
    import torch

    path = tmp_path_factory.mktemp("architecture") / "picfuse-test-tiny.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(open_clip.create_model(path.stem).state_dict())
    return states


@pytest.fixture
def weights(tmp_path, states):
    """A file of weights with its configuration beside it."""
    return save(tmp_path / "tiny.safetensors", states[0])


@pytest.fixture
def encoder(weights):
    return load_encoder(f"open_clip:TINY:{weights}", offline=True)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (70, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(autouse=True)
def _in_pytorch(monkeypatch):
    """Each of these models is used for a moment: exporting them is tested in test_exports.py."""
    from indexer.encoders.open_clip import encoder as open_clip

    monkeypatch.setattr(open_clip, "EXPORTS", False)


@pytest.fixture(autouse=True)
def calls(monkeypatch, tmp_path):
    """Attempts to reach the network: every one fails at once. The hub's cache is an empty one."""
    from huggingface_hub import constants

    attempts = []

    def refuse(*arguments, **_options):
        attempts.append(arguments)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return attempts


def save(path, state, config=CONFIG):
    import torch
    from safetensors.torch import save_file

    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save(state, path)
    if config is not None:
        path.with_suffix(".json").write_text(json.dumps(config))
    return path


def cache_folder(tmp_path, repository=REPOSITORY):
    """Folder of a repository in the hub's cache."""
    root = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True, exist_ok=True)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / "main").write_text(COMMIT)
    return folder


@pytest.fixture
def tag(monkeypatch, states):
    """The pretrained weights `picfuse-test-tiny/mine`, to be had from `REPOSITORY`."""
    from open_clip import pretrained

    settings = {
        "hf_hub": f"{REPOSITORY}/",
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "interpolation": "bilinear",
        "resize_mode": "squash",
        "quick_gelu": True,
    }
    monkeypatch.setitem(pretrained._PRETRAINED, "picfuse-test-tiny", {"mine": settings})
    return "open_clip:picfuse-test-tiny/mine"


def write_tokenizer(folder, words=WORDS):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(folder)


# What every encoder promises


def test_encoder_conforms_to_the_protocol(encoder):
    assert isinstance(encoder, Encoder)
    assert encoder.dim == 24
    assert dict(encoder.means) == {}
    assert encoder.transform.size == SIDE


def test_name_opens_the_same_encoder_from_another_folder(weights, monkeypatch, tmp_path):
    monkeypatch.chdir(weights.parent)
    name = load_encoder("open_clip:TINY:tiny.safetensors").name
    monkeypatch.chdir(Path(tmp_path.anchor))
    assert load_encoder(name).name == name == f"open_clip:TINY:{weights}"


@pytest.mark.parametrize("count", [0, 1, 70])
def test_rows_are_unit_float32_and_contiguous(encoder, pixels, count):
    texts = [f"a dog number {number}" for number in range(count)]
    for rows in (encoder.encode_images(pixels[:count]), encoder.encode_texts(texts)):
        assert rows.shape == (count, 24)
        assert rows.dtype == np.float32
        assert rows.flags.c_contiguous
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_batch_size_does_not_change_rows(encoder, pixels):
    texts = ["", "a dog", "a much longer sentence about two dogs that run along the beach " * 5]
    together = encoder.encode_images(pixels)
    alone = np.concatenate([encoder.encode_images(one[None]) for one in pixels])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode_texts(texts), alone, atol=1e-5)


def test_same_text_gives_same_row_and_another_text_another(encoder):
    first, other, again = encoder.encode_texts(["a dog", "a cat", "a dog"])
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert np.abs(first - other).max() > 1e-3


def test_encoder_opened_again_gives_the_same_rows(weights, encoder, pixels):
    again = load_encoder(f"open_clip:OTHERNAME:{weights}")
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode_images(pixels), encoder.encode_images(pixels))


def test_rows_are_those_of_open_clip(encoder, states, pixels):
    import open_clip
    import torch

    model = open_clip.create_model("picfuse-test-tiny").eval()
    model.load_state_dict(states[0])
    prepare = open_clip.image_transform(SIDE, is_train=False)
    with torch.inference_mode():
        batch = torch.stack([prepare(Image.fromarray(one)) for one in pixels[:3]])
        images = model.encode_image(batch, normalize=True).numpy()
        tokens = open_clip.get_tokenizer("picfuse-test-tiny")(["a dog"])
        texts = model.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_images(pixels[:3]), images, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a dog"]), texts, atol=1e-5)


# Fingerprints


def test_fingerprint_depends_on_weights_configuration_and_preparation(tmp_path, states):
    wide = CONFIG | {"quick_gelu": True}
    squashed = {"model_cfg": CONFIG, "preprocess_cfg": {"resize_mode": "squash"}}
    brighter = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.1, 0.1, 0.1]}}
    files = [
        save(tmp_path / "a.safetensors", states[0]),
        save(tmp_path / "b.safetensors", states[1]),
        save(tmp_path / "c.safetensors", states[0], wide),
        save(tmp_path / "d.safetensors", states[0], squashed),
        save(tmp_path / "e.safetensors", states[0], brighter),
    ]
    fingerprints = [load_encoder(f"open_clip:TINY:{file}").fingerprint for file in files]
    assert len(set(fingerprints)) == len(files)


def test_pickled_tensors_give_the_rows_of_safetensors(tmp_path, states, encoder, pixels):
    pickled = load_encoder(f"open_clip:TINY:{save(tmp_path / 'tiny.pt', states[0])}")
    np.testing.assert_array_equal(pickled.encode_images(pixels), encoder.encode_images(pixels))


# Preparation of pictures


def photograph(width, height):
    """Smooth colours with some texture, so that scaling is visible but well defined."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 37 + k) + np.cos(y / 23 - k) + 0.3 * np.sin(x * y / 5000) for k in range(3)]
    return Image.fromarray(np.uint8(127 + 50 * np.stack(waves, -1)))


@pytest.mark.parametrize("size", [(640, 427), (300, 500), (90, 41)])
@pytest.mark.parametrize("resize_mode", ["squash", "shortest", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_prepared_picture_is_nearly_that_of_open_clip(
    tmp_path, states, resize_mode, interpolation, size
):
    from open_clip.transform import PreprocessCfg, image_transform_v2

    preparation = {
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.3, 0.25],
        "interpolation": interpolation,
        "resize_mode": resize_mode,
        "fill_color": 100,
    }
    config = {"model_cfg": CONFIG, "preprocess_cfg": preparation}
    encoder = load_encoder(
        f"open_clip:TINY:{save(tmp_path / 'prepared.safetensors', states[0], config)}"
    )
    picture = photograph(*size)
    ours = encoder.normalised(encoder.transform(picture)[None])[0].cpu().numpy()
    theirs = image_transform_v2(PreprocessCfg(size=SIDE, **preparation), is_train=False)(picture)
    assert ours.shape == (3, SIDE, SIDE)
    difference = np.abs(ours - theirs.numpy())
    assert difference.mean() < 0.03  # of a standard deviation: about 2 of 255 steps
    assert difference.max() < 0.5


def test_photograph_gives_nearly_the_row_of_open_clip(encoder):
    from open_clip import image_transform

    root = Path(__file__).parents[2]
    data = Path(os.environ.get("PICFUSE_TEST_DATA") or root / "../shared/data")
    paths = sorted((data / "photos" / "images").glob("*.jpg"))[:8]
    if not paths:
        pytest.skip(f"no photographs in {data}; set PICFUSE_TEST_DATA")
    prepare = image_transform(SIDE, is_train=False)
    for path in paths:
        picture = Image.open(path).convert("RGB")
        ours = encoder.normalised(encoder.transform(picture)[None])[0].cpu()
        assert (ours - prepare(picture)).abs().mean() < 0.05


def test_weights_file_of_known_architecture_is_prepared_like_its_tags(monkeypatch, tag, weights):
    weights.with_suffix(".json").unlink()
    encoder = load_encoder(f"open_clip:picfuse-test-tiny:{weights}")
    assert encoder.transform.resize == "squash"
    assert encoder.transform.interpolation == "bilinear"


def test_oblong_pictures_are_refused(tmp_path, states):
    import open_clip
    import torch

    config = CONFIG | {"vision_cfg": CONFIG["vision_cfg"] | {"image_size": [32, 64]}}
    path = tmp_path / "picfuse-test-oblong.json"
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    state = open_clip.create_model(path.stem).state_dict()
    with pytest.raises(ModelError, match="only square ones"):
        load_encoder(f"open_clip:TINY:{save(tmp_path / 'oblong.safetensors', state, config)}")


# Pretrained weights


def test_cached_weights_open_without_any_network(tmp_path, states, tag, calls):
    from indexer.encoders.open_clip.encoder import cached

    assert not cached(tag)
    save(cache_folder(tmp_path) / "open_clip_model.safetensors", states[0], None)
    assert cached(tag)
    for offline in (True, False):
        encoder = load_encoder(tag, offline=offline)
        assert encoder.name == tag
        assert encoder.transform.resize == "squash"
    assert calls == []


def test_activation_is_the_one_that_the_pretrained_weights_want(tmp_path, states, tag):
    save(cache_folder(tmp_path) / "open_clip_model.safetensors", states[0], None)
    quick = {"model_cfg": CONFIG | {"quick_gelu": True}}
    file = save(tmp_path / "quick.safetensors", states[0], quick)
    plain = save(tmp_path / "plain.safetensors", states[0])
    rows = [load_encoder(name).encode_texts(["a dog"]) for name in (tag, f"open_clip:T:{file}")]
    np.testing.assert_array_equal(*rows)
    assert np.abs(rows[0] - load_encoder(f"open_clip:T:{plain}").encode_texts(["a dog"])).max() > 0


def test_damaged_download_is_not_loaded(tmp_path, states, tag):
    folder = cache_folder(tmp_path)
    blob = folder.parents[1] / "blobs" / sha256(b"what the hub announced").hexdigest()
    blob.parent.mkdir()
    save(folder / "written.safetensors", states[0], None).rename(blob)
    (folder / "open_clip_model.safetensors").symlink_to(blob)
    with pytest.raises(ModelError, match=r"damaged or replaced.*download or copy it again"):
        load_encoder(tag)


def test_missing_weights_are_downloaded_as_safetensors(tmp_path, states, tag, monkeypatch, caplog):
    """Before that, their size is told."""
    from indexer.encoders.open_clip import hub

    files = ["README.md", "open_clip_pytorch_model.bin", "open_clip_model.safetensors"]
    siblings = [SimpleNamespace(rfilename=name, size=1_510_000_000) for name in files]
    listing = SimpleNamespace(siblings=siblings)
    caplog.set_level("INFO")

    def download(repository, name):
        return save(cache_folder(tmp_path, repository) / name, states[0], None)

    monkeypatch.setattr(hub.HfApi, "model_info", lambda *_arguments, **_options: listing)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert load_encoder(tag).dim == 24
    assert os.listdir(cache_folder(tmp_path)) == ["open_clip_model.safetensors"]
    assert "(1.5 GB) from huggingface.co, once only" in caplog.text


def test_recommended_models_are_in_open_clips_own_table():
    from open_clip import list_pretrained

    known = {f"open_clip:{arch}/{tag}" for arch, tag in list_pretrained()}
    assert {model.name for model in RECOMMENDED} <= known
    assert [spelled_out(model.word) for model in RECOMMENDED] == [m.name for m in RECOMMENDED]
    assert spelled_out("mini") == "mini"


@pytest.mark.parametrize(
    "name",
    [
        "open_clip:ViT-B-32/openai",
        "open_clip:xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k",
        "open_clip:hf-hub:somebody/tiny",
    ],
)
def test_offline_is_said_in_one_line_and_tries_no_network(name, calls):
    with pytest.raises(ModelError) as caught:
        load_encoder(name, offline=True)
    message = str(caught.value)
    assert name in message
    assert "not cached" in message
    assert "--offline" in message
    assert "'mini'" in message
    assert "\n" not in message
    assert calls == []


def test_no_network_is_said_in_one_line_and_quickly(calls):
    started = time.monotonic()
    with pytest.raises(ModelError) as caught:
        load_encoder("open_clip:ViT-B-32/openai")
    assert time.monotonic() - started < 20  # the hub's own retries take longer
    message = str(caught.value)
    assert "not cached" in message
    assert "no network" in message
    assert "'mini'" in message
    assert "\n" not in message
    assert calls


def test_models_are_listed_with_their_tags(calls):
    from indexer.encoders.open_clip.encoder import cached, list_models

    models = list_models()
    assert ("ViT-B-32", "openai") in models
    assert ("xlm-roberta-base-ViT-B-32", "laion5b_s13b_b90k") in models
    assert not any(cached(f"open_clip:{architecture}/{tag}") for architecture, tag in models)
    assert not cached("open_clip:NOSUCH/tag")
    assert calls == []


# Tokenizers of other languages, and folders that hold a whole model


@pytest.fixture
def multilingual(tmp_path, states):
    """Weights whose configuration names a tokenizer and a text tower of transformers."""
    import open_clip
    import torch
    from transformers import BertConfig

    folder = tmp_path / "text"
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertConfig(vocab_size=20, intermediate_size=16, **small).save_pretrained(folder)
    text = {"hf_pooler_type": "mean_pooler", "hf_proj_type": "linear", "context_length": 16}
    path = tmp_path / "picfuse-test-multilingual.json"
    config = CONFIG | {"text_cfg": text | {"hf_model_name": str(folder)}}
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)
    torch.manual_seed(0)
    state = open_clip.create_model(path.stem, pretrained_text=False).state_dict()
    names = {"hf_model_name": "somebody/bert", "hf_tokenizer_name": "somebody/bert"}
    config = CONFIG | {"text_cfg": text | names}
    return save(tmp_path / "multilingual.safetensors", state, config), folder


def test_multilingual_model_opens_from_the_cache(tmp_path, multilingual, calls):
    weights, folder = multilingual
    cached_text = cache_folder(tmp_path, "somebody/bert")
    (cached_text / "config.json").write_bytes((folder / "config.json").read_bytes())
    write_tokenizer(cached_text)
    encoder = load_encoder(f"open_clip:TINY:{weights}")
    german, english, again = encoder.encode_texts(
        ["hund am strand", "the dog on the beach", "hund am strand"]
    )
    np.testing.assert_allclose(german, again, atol=1e-6)
    assert np.abs(german - english).max() > 1e-3
    assert calls == []


def test_multilingual_model_opens_with_its_tokenizer_beside_it(multilingual, calls):
    weights, folder = multilingual
    (weights.parent / "config.json").write_bytes((folder / "config.json").read_bytes())
    write_tokenizer(weights.parent)
    first = load_encoder(f"open_clip:TINY:{weights}", offline=True)
    write_tokenizer(weights.parent, WORDS[::-1])
    assert load_encoder(f"open_clip:TINY:{weights}").fingerprint != first.fingerprint
    assert calls == []


@pytest.mark.parametrize(("offline", "reason"), [(True, "--offline"), (False, "no network")])
def test_missing_tokenizer_is_said_in_one_line(tmp_path, multilingual, offline, reason, calls):
    from indexer.encoders.open_clip.encoder import cached

    weights, folder = multilingual
    (weights.parent / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(ModelError, match=f"somebody/bert is not cached.*{reason}.*'mini'"):
        load_encoder(f"open_clip:TINY:{weights}", offline=offline)
    assert not cached(f"open_clip:TINY:{weights}")
    assert not (offline and calls)


def test_damaged_tokenizer_is_a_model_error(multilingual):
    weights, folder = multilingual
    (weights.parent / "config.json").write_bytes((folder / "config.json").read_bytes())
    (weights.parent / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="its tokenizer cannot be loaded"):
        load_encoder(f"open_clip:TINY:{weights}")


def test_folder_and_repository_in_the_form_of_open_clip_open(tmp_path, states, calls):
    for folder in (tmp_path / "exported", cache_folder(tmp_path)):
        folder.mkdir(exist_ok=True)
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG}))
        save(folder / "open_clip_model.safetensors", states[0], None)
    local = load_encoder(f"open_clip:local-dir:{tmp_path / 'exported'}", offline=True)
    hub = load_encoder(f"open_clip:hf-hub:{REPOSITORY}", offline=True)
    assert local.fingerprint == hub.fingerprint
    assert calls == []


# Files that cannot be trusted or do not fit


class Code:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_with_code_is_refused_before_it_runs(tmp_path, zipped):
    import torch

    path = tmp_path / "weights.pt"
    content = {"state_dict": Code(tmp_path / "it-ran")}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    path.with_suffix(".json").write_text(json.dumps(CONFIG))
    with pytest.raises(ModelError, match=r"weights\.pt: not loaded.*safetensors"):
        load_encoder(f"open_clip:TINY:{path}")
    assert not (tmp_path / "it-ran").exists()


def test_weights_must_have_the_hash_that_is_noted_beside_them(weights):
    note = weights.with_name("tiny.safetensors.sha256")
    note.write_text(f"{sha256(weights.read_bytes()).hexdigest()}  tiny.safetensors\n")
    assert load_encoder(f"open_clip:TINY:{weights}").dim == 24
    note.write_text("0" * 64)
    with pytest.raises(ModelError, match="damaged or replaced"):
        load_encoder(f"open_clip:TINY:{weights}")
    note.write_text("unknown")
    with pytest.raises(ModelError, match="has no SHA-256"):
        load_encoder(f"open_clip:TINY:{weights}")


def test_weights_of_another_architecture_are_named_with_a_remedy(tmp_path, states):
    deeper = CONFIG | {"vision_cfg": CONFIG["vision_cfg"] | {"layers": 2}}
    missing = save(tmp_path / "missing.safetensors", states[0], deeper)
    wider = CONFIG | {"text_cfg": CONFIG["text_cfg"] | {"width": 32}}
    shaped = save(tmp_path / "shaped.safetensors", states[0], wider)
    extra = save(
        tmp_path / "extra.safetensors", states[0] | {"more": states[0]["logit_scale"].clone()}
    )
    for path in (missing, shaped, extra):
        with pytest.raises(ModelError, match=r"does not fit open_clip:TINY .*name the arch"):
            load_encoder(f"open_clip:TINY:{path}")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_damaged_file_is_a_model_error(tmp_path, states, suffix, keep):
    path = save(tmp_path / f"cut{suffix}", states[0])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ModelError, match=f"cut{suffix}"):
        load_encoder(f"open_clip:TINY:{path}")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"embed_dim": 8}',
        json.dumps(CONFIG | {"text_cfg": 3}),
        json.dumps(CONFIG | {"text_cfg": {"colour": 3}}),
        json.dumps(CONFIG | {"vision_cfg": {"timm_model_name": "hf-hub:somebody/else"}}),
        json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"mean": "grey"}}),
        json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"std": [0, 0, 0]}}),
        json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"resize_mode": "melt"}}),
    ],
)
def test_unusable_configuration_beside_the_weights_is_a_model_error(weights, text, calls):
    weights.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match="tiny"):
        load_encoder(f"open_clip:TINY:{weights}")
    assert calls == []


def test_missing_file_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match=r"nothing\.pt: no such weights file"):
        load_encoder(f"open_clip:ViT-B-32:{tmp_path / 'nothing.pt'}")
    with pytest.raises(ModelError, match=r"lacks open_clip_config\.json"):
        load_encoder(f"open_clip:local-dir:{tmp_path}")


# Names that cannot exist


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("vit-b32/openai", r"no architecture 'vit-b32' \(did you mean ViT-B-32"),
        ("zzzzzzzz/openai", "no architecture 'zzzzzzzz';"),
        ("", "no architecture ''"),
        ("TINY:nowhere.safetensors", "put its configuration beside the file: .*nowhere.json"),
        ("MobileCLIP-S1/openai", "no weights 'openai' for MobileCLIP-S1: there are datacompdr"),
        ("ViT-B-32", "names no weights: write open_clip:ViT-B-32/TAG .*openai.*ViT-B-32:FILE"),
        ("ViT-B-32:", "ends in a colon"),
        ("hf-hub:a//b", "'a//b' is not a repository name"),
    ],
)
def test_impossible_name_is_an_input_error_with_the_right_spelling(rest, message):
    with pytest.raises(InputError, match=message):
        load_encoder(f"open_clip:{rest}")
