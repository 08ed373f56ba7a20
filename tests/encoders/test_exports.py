"""Towers of open_clip as ONNX graphs: exported once, compared with PyTorch, else not used."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from test_open_clip import CONFIG, SIDE

from indexer.encoders import load_encoder
from indexer.encoders.open_clip import encoder as encoders
from indexer.encoders.open_clip import exports
from indexer.encoders.open_clip.exports import TowerGraph
from indexer.encoders.pair.export import export_pair
from indexer.encoders.runtime.graphs import open_session, receipt_of, shortened
from indexer.errors import InputError, ModelError

TEXTS = ["a dog", "", "two dogs on a beach with a much longer sentence behind them " * 3] * 15


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights for `CONFIG`, with its configuration beside it."""
    import open_clip

    folder = tmp_path_factory.mktemp("weights")
    described = folder / "picfuse-test-exported.json"
    described.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(described)
    torch.manual_seed(3)
    state = open_clip.create_model(described.stem).state_dict()
    path = folder / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    path.with_suffix(".json").write_text(json.dumps(CONFIG))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def opened(weights, cache):
    """The encoder in PyTorch, with its exports."""
    return encoders.open_encoder("open_clip:TINY", f"TINY:{weights}", cache, offline=True)


@pytest.fixture(scope="module")
def encoder(weights, cache):
    return opened(weights, cache)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 3), np.uint8)


def in_pytorch(encoder, monkeypatch, pixels):
    monkeypatch.setattr(encoders, "EXPORTS", False)
    return encoder.encode_images(pixels), encoder.encode_texts(TEXTS)


def test_exported_towers_give_the_rows_of_pytorch(encoder, pixels, monkeypatch):
    found = encoder.encode_images(pixels), encoder.encode_texts(TEXTS)
    assert encoder._image_graph.usable
    assert encoder._text_graph.usable
    for rows, expected in zip(found, in_pytorch(encoder, monkeypatch, pixels), strict=True):
        assert rows.flags.c_contiguous
        np.testing.assert_allclose(rows, expected, atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_query_of_a_causal_model_runs_its_own_words_alone(encoder):
    encoder.encode_texts(TEXTS)
    (wanted,) = open_session(encoder._text_graph.path).get_inputs()
    assert not isinstance(wanted.shape[1], int)
    tokens = encoder._tokens(["a dog", "", "red"]).numpy()
    whole = encoder._text_graph.run({"tokens": tokens})[0]
    assert shortened(tokens).shape[1] < tokens.shape[1]
    np.testing.assert_allclose(encoder._text_graph.run_tokens(tokens), whole, atol=1e-5)


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=4))
def test_only_blanks_at_the_end_of_all_texts_are_left_out(rows):
    tokens = np.array(rows)
    kept = shortened(tokens)
    assert kept.shape[1] >= 2
    np.testing.assert_array_equal(kept, tokens[:, : kept.shape[1]])
    assert not tokens[:, kept.shape[1] :].any()
    assert kept.shape[1] == 2 or kept[:, -1].any()


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_exported_towers_take_any_number(encoder, pixels, count):
    every = encoder.encode_images(pixels)
    np.testing.assert_allclose(encoder.encode_images(pixels[:count]), every[:count], atol=1e-5)
    assert encoder.encode_texts(TEXTS[:count]).shape == (count, 24)


def test_exported_towers_are_used_again_without_another_export(
    encoder, weights, cache, pixels, monkeypatch
):
    before = encoder.encode_images(pixels)
    monkeypatch.setattr(exports, "export_module", None)
    again = opened(weights, cache)
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_allclose(again.encode_images(pixels), before, atol=1e-5)


def test_towers_that_are_first_used_at_once_are_both_exported(weights, tmp_path, pixels, caplog):
    """Both belong to one model, and neither can be used while the other is exported."""
    encoder = opened(weights, tmp_path)
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor() as pool:
        images = [pool.submit(encoder.encode_images, pixels) for _ in range(2)]
        texts = [pool.submit(encoder.encode_texts, TEXTS) for _ in range(2)]
        assert {future.result().shape for future in (*images, *texts)} == {(40, 24), (45, 24)}
    assert encoder._image_graph.usable
    assert encoder._text_graph.usable
    assert caplog.text == ""


def test_export_that_gives_other_embeddings_is_not_used(
    weights, tmp_path, pixels, monkeypatch, caplog
):
    """The exporter is given other weights: whatever the reason, a wrong graph must be noticed."""
    encoder = opened(weights, tmp_path)
    expected = in_pytorch(encoder, monkeypatch, pixels)[0]
    monkeypatch.setattr(encoders, "EXPORTS", True)
    export = exports.export_module

    def disturbed(module, example, path):
        kept = module.model.visual.proj.detach().clone()
        with torch.no_grad():
            module.model.visual.proj += 0.01 * torch.randn_like(kept)
        export(module, example, path)
        module.model.visual.proj.data = kept

    monkeypatch.setattr(exports, "export_module", disturbed)
    with caplog.at_level(logging.WARNING):
        rows = encoder.encode_images(pixels)
    np.testing.assert_array_equal(rows, expected)
    assert (
        "runs in PyTorch, which is slower: the exported graph gives other embeddings" in caplog.text
    )
    assert not encoder._image_graph.path.exists()


@pytest.fixture
def halver(tmp_path):
    """A function that makes a graph of a module that halves pixels."""

    class Halves(torch.nn.Module):
        def forward(self, pixels):
            return pixels.float().flatten(1) / 2

    example = torch.arange(24, dtype=torch.uint8).reshape(2, 2, 2, 3)
    return lambda: TowerGraph("halver", tmp_path, Halves(), example, Lock())


def test_export_that_failed_is_not_tried_at_each_start(halver, pixels, monkeypatch):
    tries = []

    def failing(*_arguments):
        tries.append(1)
        raise RuntimeError("unsupported\noperator")

    monkeypatch.setattr(exports, "export_module", failing)
    for _ in range(2):
        graph = halver()
        with pytest.raises(ModelError, match=r"export failed \(RuntimeError: unsupported operator"):
            graph.ensure()
        assert not graph.usable
    assert len(tries) == 1
    monkeypatch.undo()
    assert not halver().usable  # the note holds for these versions of the packages
    monkeypatch.setattr(exports, "VERSIONS", "later ones")
    assert halver().usable


@pytest.mark.parametrize("damage", ["truncated", "gone", "no receipt"])
def test_damaged_export_is_made_again(halver, damage):
    graph = halver()
    graph.ensure()
    if damage == "truncated":
        graph.path.write_bytes(graph.path.read_bytes()[:-5])
    elif damage == "gone":
        graph.path.unlink()
    else:
        graph.path.with_suffix(".json").write_text("{")
    again = halver()
    again.ensure()
    assert again.cached
    assert receipt_of(again.path)["versions"] == exports.VERSIONS
    (rows,) = again.run_pixels(np.full((1, 2, 2, 3), 8, np.uint8))[0]
    assert rows.tolist() == [[4.0] * 12]


def test_cache_that_cannot_be_written_leaves_pytorch(
    weights, tmp_path, pixels, monkeypatch, caplog
):
    (tmp_path / "file").touch()
    encoder = opened(weights, tmp_path / "file")
    rows = encoder.encode_images(pixels)
    np.testing.assert_array_equal(rows, in_pytorch(encoder, monkeypatch, pixels)[0])
    assert "runs in PyTorch" in caplog.text


def test_tower_too_large_for_one_graph_stays_in_pytorch(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "LARGEST_TOWER", 1000)
    graph = TowerGraph("large", tmp_path, encoder._images, torch.zeros(2, SIDE, SIDE, 3), Lock())
    assert not graph.usable


# Half precision


def test_half_precision_gives_nearly_the_same_rows(weights, cache, pixels, monkeypatch):
    """Runs what CUDA and MPS would run, on the only device that is here."""
    encoder = opened(weights, cache)
    exact = in_pytorch(encoder, monkeypatch, pixels)
    encoder._half = True
    for rows, expected in zip(in_pytorch(encoder, monkeypatch, pixels), exact, strict=True):
        assert rows.dtype == np.float32
        assert ((rows * expected).sum(axis=1) > 0.999).all()
        assert not np.array_equal(rows, expected)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_cpu_computes_in_float32_whatever_the_weights_are_stored_in(weights, tmp_path, kind):
    from safetensors.torch import load_file

    path = tmp_path / "half.safetensors"
    save_file({name: tensor.to(kind) for name, tensor in load_file(weights).items()}, path)
    path.with_suffix(".json").write_text(json.dumps(CONFIG))
    encoder = opened(path, tmp_path)
    kinds = {p.dtype for p in encoder._images.parameters()}
    if encoder._device.type == "cpu":
        assert not encoder._half
        assert kinds == {torch.float32}


def test_exported_pair_is_the_same_model_without_pytorch(weights, cache, encoder, tmp_path):
    """`picfuse models --export`."""
    pixels = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)
    export_pair(f"open_clip:TINY:{weights}", tmp_path / "pair", cache=cache, offline=True)
    pair = load_encoder(f"onnx:{tmp_path / 'pair'}", cache=tmp_path / "another cache")
    assert pair.transform == encoder.transform
    np.testing.assert_allclose(pair.encode_images(pixels), encoder.encode_images(pixels), atol=1e-4)
    np.testing.assert_allclose(pair.encode_texts(TEXTS), encoder.encode_texts(TEXTS), atol=1e-4)


def test_only_a_model_of_open_clip_is_exported_and_only_into_a_new_folder(weights, tmp_path):
    with pytest.raises(InputError, match="mini is no model of open_clip"):
        export_pair("mini", tmp_path / "pair", cache=tmp_path)
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        export_pair(f"open_clip:TINY:{weights}", tmp_path, cache=tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
