"""The built-in encoder on its real towers: ONNX against PyTorch, batches, and what it finds."""

import csv
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from indexer import IndexOptions, Library, index_folder
from indexer.encoders import Encoder, load_encoder
from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.heads import BUILT_IN, IMAGE_ONLY, read_heads, write_heads
from indexer.encoders.mini.packages import TEXT_TOWER, TowerFile
from indexer.encoders.mini.towers import Towers
from indexer.errors import ModelError
from indexer.locations import cache_directory
from indexer.pictures.images import decode
from search import Query, Searcher, Term

SAMPLE = ROOT / "data" / "sample"
SENTENCES = [
    "a dog",
    "Two children play football on a beach while their parents watch from a distance.",
    "",
    "An espresso, ein Käffchen, 日本語 and 🐼!",
    "red " * 300,
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("mini", offline=True)


@pytest.fixture(scope="module")
def towers():
    """The two towers in PyTorch, as they are exported."""
    from indexer.encoders.mini import image_tower as towers

    return towers


@pytest.fixture(scope="module")
def pixels():
    names = ["giant-panda.jpg", "red-goldfish.webp", "espresso-cup.jpg"]
    return np.stack([TRANSFORM(decode(SAMPLE / name, min_side=320)) for name in names])


def cosines(one, other):
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(1) / lengths


def assert_unit_rows(rows, n, dim=512):
    assert rows.shape == (n, dim)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_mini_follows_the_protocol(encoder):
    assert isinstance(encoder, Encoder)
    assert encoder.name == "mini"
    assert encoder.dim == 512
    assert {mean.shape for mean in encoder.means.values()} == {(512,)}


@pytest.mark.parametrize("n", [0, 1, 3])
def test_texts_become_unit_rows(encoder, n):
    assert_unit_rows(encoder.encode_texts(SENTENCES[:n]), n)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_pictures_become_unit_rows(encoder, pixels, n):
    assert_unit_rows(encoder.encode_images(pixels[:n]), n)


def test_text_does_not_depend_on_its_batch(encoder):
    together = encoder.encode_texts(SENTENCES * 5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in SENTENCES])
    assert (cosines(together, np.tile(alone, (5, 1))) > 0.9999).all()


def test_picture_does_not_depend_on_its_batch(encoder, pixels):
    together = encoder.encode_images(np.concatenate([pixels] * 6))
    alone = np.concatenate([encoder.encode_images(one[None]) for one in pixels])
    assert (cosines(together, np.tile(alone, (6, 1))) > 0.9999).all()


def test_half_a_surrogate_pair_is_no_obstacle(encoder):
    """A word of the command line that is not UTF-8 holds them."""
    assert_unit_rows(encoder.encode_texts([os.fsdecode(b"caf\xe9")]), 1)


def test_text_tower_gives_what_transformers_gives(encoder):
    from transformers import BertModel, BertTokenizerFast

    folder = TEXT_TOWER.path.parent
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    model = BertModel.from_pretrained(folder).eval()
    found = encoder.towers.text_features(SENTENCES)
    for text, row in zip(SENTENCES, found, strict=True):
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
        expected = model(**tokens).last_hidden_state.mean(1).detach().numpy()
        assert cosines(row[None, :384], expected) > 0.9999


def test_text_tail_gives_what_pytorch_gives(encoder):
    import torch

    from indexer.encoders.mini.text_tower import TextTower

    tower = TextTower(BUILT_IN).eval()
    found = encoder.towers.text_features(SENTENCES)
    assert found.shape == (len(SENTENCES), 768)
    for row, tokens in zip(found, encoder.towers._tokens(SENTENCES), strict=True):
        ids = torch.tensor([tokens])
        with torch.no_grad():
            expected = tower(ids, torch.ones_like(ids)).numpy()
        assert cosines(row[None], expected) > 0.9999
        assert cosines(row[None, :384], row[None, 384:]) < 0.9  # it has learned


def test_words_give_what_the_text_tower_gives_without_its_tail(encoder):
    sentences, read = encoder.towers.word_features(SENTENCES)
    assert np.allclose(sentences, encoder.towers.text_features(SENTENCES)[:, :384], atol=1e-5)
    lengths = [len(tokens) for tokens in encoder.towers._tokens(SENTENCES)]
    assert [states.shape for states in read] == [(length, 384) for length in lengths]


def test_image_tower_gives_what_timm_gives(encoder, towers, pixels):
    import torch

    net = towers.Trunk().net.eval()
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        pooled = net.global_pool(net.forward_features(images)).numpy()
        probabilities = net(images).softmax(1).numpy()
    found = encoder.towers.image_features(pixels)
    assert found.shape == (3, 10064)
    assert (cosines(found[:, 4224:5504], pooled) > 0.9999).all()
    whole, places = found[:, 8064:9064] ** 2, found[:, 9064:] ** 2
    assert np.allclose(whole, probabilities, atol=5e-3)  # in full precision; shipped in half
    assert (places.argmax(1) == probabilities.argmax(1)).all()
    assert (places.sum(1) > 1).all()  # different places show different things
    assert probabilities.argmax(1).tolist() == [388, 1, 967]  # panda, goldfish, espresso


def test_image_features_are_means_and_maxima_of_the_later_stages(encoder, towers, pixels):
    import torch

    net = towers.Trunk().net.eval()
    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
    expected = []
    with torch.no_grad():
        x = net.bn1(net.conv_stem(x))
        for stage, block in enumerate(net.blocks):
            x = block(x)
            expected += [x.mean((2, 3)), x.amax((2, 3))] if stage >= 3 else []
    halves = (slice(5), slice(5, 10))
    quarters = [x[:, :, r, c].mean((2, 3)) for r in halves for c in halves]
    expected = torch.cat([*expected, *quarters], 1).numpy()
    found = encoder.towers.image_features(pixels)[:, : expected.shape[1]]
    assert expected.shape[1] == 2944
    assert (cosines(found, expected) > 0.9999).all()


def test_tail_gives_what_pytorch_gives(encoder, towers, pixels):
    import torch

    tower = towers.ImageTower(BUILT_IN).eval()
    with torch.no_grad():
        expected = tower(torch.from_numpy(pixels))[0].numpy()
    found = encoder.towers.image_features(pixels)
    assert (cosines(found[:, 5504:8064], expected[:, 5504:]) > 0.9999).all()
    assert not np.allclose(found[:, 5504:6784], found[:, 4224:5504], atol=1e-2)  # it has learned


def test_trunk_gives_what_the_image_tower_gives_without_its_tail(encoder, pixels):
    features, read = encoder.towers.trunk_features(pixels)
    whole = encoder.towers.image_features(pixels)
    assert read.shape == (3, 208, 10, 10)
    assert np.allclose(features, np.delete(whole, np.s_[5504:8064], axis=1), atol=1e-3)


def test_tower_with_a_wrong_hash_is_never_loaded(towers, tmp_path, monkeypatch):
    from indexer.encoders.mini import text_tower

    (tmp_path / "some_weights").mkdir()
    (tmp_path / "some_weights" / "__init__.py").touch()
    (tmp_path / "some_weights" / "w.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = TowerFile("some_weights", "some-weights==1", "w.bin", "0" * 64)
    monkeypatch.setattr(towers, "IMAGE_TOWER", file)
    monkeypatch.setattr(text_tower, "TEXT_TOWER", file)
    monkeypatch.setattr(towers.torch, "load", None)
    for module in (towers, text_tower):
        monkeypatch.setattr(module, "load_file", None)
    for tower in (towers.Trunk, text_tower.TextTrunk):
        with pytest.raises(ModelError, match="not the pinned weights"):
            tower()


def test_own_heads_make_another_encoder(encoder, tmp_path):
    path = tmp_path / "mine.safetensors"
    content = BUILT_IN.read_bytes()
    path.write_bytes(content)
    same = load_encoder(f"mini:{path}")
    assert same.name == f"mini:{path}"
    assert same.fingerprint == encoder.fingerprint  # it is about the content
    path.write_bytes(content[:-2] + b"\0\0")
    assert load_encoder(f"mini:{path}").fingerprint != encoder.fingerprint


def test_heads_that_are_not_there_are_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="picfuse train align"):
        load_encoder(f"mini:{tmp_path}/nowhere.safetensors")


def test_towers_share_the_cache_of_the_user():
    assert Towers(cache_directory()).text.path.parents[1] == cache_directory() / "towers"


# On real photographs


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with Library.create(tmp_path_factory.mktemp("sample") / "library", offline=True) as library:
        assert index_folder(library, SAMPLE, options=IndexOptions()).failed == []
        yield library


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a panda", "giant-panda.jpg"),
        ("a red fire engine", "fire-engine.jpg"),
        ("cup of coffee", "espresso-cup.jpg"),
        ("red goldfish", "red-goldfish.webp"),
    ],
)
def test_photograph_is_found_by_what_it_shows(sample, text, name):
    hits = Searcher(sample).search(Query((Term(text),), 1), k=3).hits  # the picture alone
    assert name in [hit.path.name for hit in hits]


def test_captions_find_their_photographs(sample):
    with (SAMPLE / "captions.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    searcher = Searcher(sample)
    ranks = []
    for name, caption, *_ in rows:
        hits = searcher.search(Query((Term(caption),), 1), k=99).hits
        ranks.append([hit.path.name for hit in hits].index(name) + 1)
    assert np.mean(np.array(ranks) <= 5) > 0.6
    found = [searcher.search(caption, k=1).hits[0].path.name for _, caption, *_ in rows]
    assert np.mean([one == row[0] for one, row in zip(found, rows, strict=True)]) > 0.9


def test_text_query_imports_no_heavy_package(sample, tmp_path):
    code = """
import sys
from indexer import Library
from search import Searcher
with Library.open(sys.argv[1], read_only=True, offline=True) as library:
    print(Searcher(library).search("a panda with a caption", k=1).hits[0].path.suffix)
heavy = {"torch", "transformers", "timm", "streamlit", "open_clip", "alembic", "click", "onnx"}
print(sorted(heavy & set(sys.modules)))
"""
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code, sample.path],
        env=os.environ | {"PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_text_reads_no_weights_that_only_pictures_need(encoder):
    made = load_encoder("mini", cache=cache_directory())
    assert np.allclose(made.encode_texts(SENTENCES), encoder.encode_texts(SENTENCES), atol=1e-6)
    assert not set(IMAGE_ONLY) & set(made.weights)
    pixels = np.zeros((1, 320, 320, 3), np.uint8)
    assert np.allclose(made.encode_images(pixels), encoder.encode_images(pixels), atol=1e-6)
    assert set(IMAGE_ONLY) <= set(made.weights)


def test_heads_that_are_replaced_before_the_first_picture_are_refused(tmp_path):
    heads = tmp_path / "heads.safetensors"
    shutil.copy(BUILT_IN, heads)
    made = load_encoder(f"mini:{heads}", cache=cache_directory())
    weights, _ = read_heads(BUILT_IN)
    write_heads(heads, weights, {"seed": 2})
    with pytest.raises(ModelError, match="has been replaced"):
        made.encode_images(np.zeros((0, 320, 320, 3), np.uint8))


def test_end_of_a_long_text_that_is_not_read_is_told(encoder):
    text = "two dogs " * 100 + "on the beach"
    left = encoder.unread(text)
    assert text.endswith(left)
    assert left.endswith("two dogs on the beach")
    rows = encoder.encode_texts([text, text.removesuffix(left)])
    assert np.allclose(rows[0], rows[1], atol=1e-5)
    assert [encoder.unread(short) for short in ("", "two dogs", "dog " * 126)] == [""] * 3
