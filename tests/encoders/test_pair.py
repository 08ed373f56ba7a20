"""`onnx:FOLDER`: two graphs, a tokenizer and a description, with small graphs of random weights."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import answered, run
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from indexer.embedding import unit_rows
from indexer.encoders import load_encoder
from indexer.errors import InputError, ModelError

SIDE, DIM, LENGTH = 8, 6, 5
WORDS = ["[PAD]", "[UNK]", "a", "red", "green", "blue", "dog"]
MEAN, STD = [0.5, 0.4, 0.3], [0.25, 0.2, 0.3]
DESCRIBED = {
    "dim": DIM,
    "image_size": SIDE,
    "mean": MEAN,
    "std": STD,
    "resize": "squash",
    "context_length": LENGTH,
}
RNG = np.random.default_rng(0)
COLOURS = RNG.normal(size=(3, DIM)).astype(np.float32)
MEANINGS = RNG.normal(size=(len(WORDS), DIM)).astype(np.float32)


def graph(path, nodes, inputs, output, weights):
    """Write a graph with one output."""
    made = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(made, opset_imports=opset, ir_version=8), path)


def image_graph(path, weights=COLOURS):
    """The mean of each colour, times weights (3, dim)."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["rows"]),
    ]
    graph(path, nodes, [("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])], "rows", {"w": weights})


def text_graph(path, meanings=MEANINGS, *, masked=False):
    """The sum of the weights of tokens; if `masked`, of those that the mask has."""
    nodes = [helper.make_node("Gather", ["w", "input_ids"], ["each"])]
    inputs = [("input_ids", TensorProto.INT64, ["n", "l"])]
    weights = {"w": meanings, "axis": np.array([1])}
    if masked:
        inputs.append(("attention_mask", TensorProto.INT64, ["n", "l"]))
        weights["last"] = np.array([2])
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["kept"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["kept", "last"], ["wide"]),
            helper.make_node("Mul", ["each", "wide"], ["used"]),
        ]
    nodes.append(
        helper.make_node("ReduceSum", ["used" if masked else "each", "axis"], ["rows"], keepdims=0)
    )
    graph(path, nodes, inputs, "rows", weights)


@pytest.fixture
def folder(tmp_path):
    """A whole pair."""
    made = tmp_path / "a pair"
    made.mkdir()
    image_graph(made / "image.onnx")
    text_graph(made / "text.onnx")
    words = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(made / "tokenizer.json"))
    describe(made)
    return made


def describe(folder, **changed):
    (folder / "model.json").write_text(json.dumps(DESCRIBED | changed))


def opened(folder, tmp_path):
    return load_encoder(f"onnx:{folder}", cache=tmp_path / "cache", offline=True)


def test_pictures_are_normalised_and_projected(folder, tmp_path):
    pixels = RNG.integers(0, 256, (40, SIDE, SIDE, 3), np.uint8)
    rows = opened(folder, tmp_path).encode_images(pixels)
    scaled = (pixels / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(rows, unit_rows(scaled.mean((1, 2)) @ COLOURS), atol=1e-5)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous


@pytest.mark.parametrize("masked", [False, True])
def test_texts_are_padded_and_cut_to_the_length_of_the_model(folder, tmp_path, masked):
    text_graph(folder / "text.onnx", masked=masked)
    encoder = opened(folder, tmp_path)
    rows = encoder.encode_texts(["a red dog", "a red dog a red dog", *["blue"] * 40])
    pads = 0 if masked else MEANINGS[0]
    assert rows.shape == (42, DIM)
    expected = [MEANINGS[[2, 3, 6]].sum(0) + 2 * pads, MEANINGS[[2, 3, 6, 2, 3]].sum(0)]
    np.testing.assert_allclose(rows[:2], unit_rows(np.array(expected)), atol=1e-5)
    assert encoder.unread("a red dog a red dog") == "dog"
    assert encoder.unread("a dog") == ""


def test_nothing_gives_no_rows(folder, tmp_path):
    encoder = opened(folder, tmp_path)
    assert encoder.encode_texts([]).shape == (0, DIM)
    assert encoder.encode_images(np.zeros((0, SIDE, SIDE, 3), np.uint8)).shape == (0, DIM)


def test_fingerprint_covers_every_file(folder, tmp_path):
    known = {opened(folder, tmp_path).fingerprint}
    assert {opened(folder, tmp_path).fingerprint} == known
    image_graph(folder / "image.onnx", 2 * COLOURS)
    known.add(opened(folder, tmp_path).fingerprint)
    describe(folder, mean=[0, 0, 0])
    known.add(opened(folder, tmp_path).fingerprint)
    (folder / "image.onnx.data").write_bytes(b"weights kept apart")
    known.add(opened(folder, tmp_path).fingerprint)
    assert len(known) == 4


def test_moved_pair_is_the_same_model(folder, tmp_path):
    before = opened(folder, tmp_path).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert opened(moved, tmp_path).fingerprint == before


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx", "tokenizer.json", "model.json"])
def test_missing_file_is_named(folder, tmp_path, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        opened(folder, tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dim": None}, "'dim' is None; it has to be a number"),
        ({"dim": True}, "'dim' is True"),
        ({"image_size": 10**9}, "'image_size'"),
        ({"context_length": "77"}, "'context_length' is '77'"),
        ({"mean": [1, 2]}, "'mean' is .*three numbers"),
        ({"std": [1, 1, 0]}, "'std' is .*above 0"),
        ({"mean": [float("nan"), 0, 0]}, "'mean' is .*nan"),
        ({"words": "(", "cleaning": "lower"}, "'words' is no regular expression"),
        ({"std": None}, "only one of 'mean' and 'std'"),
        ({"resize": "crop"}, "'resize' is 'crop'; it has to be one of squash"),
        ({"image": "../image.onnx"}, "'image' is"),
        ({"text": "/etc/passwd"}, "'text' is"),
        ({"text": "other.onnx"}, "other.onnx: no such file"),
        ({"pad": -1}, "'pad'"),
    ],
)
def test_wrong_field_is_named(folder, tmp_path, changed, said):
    describe(folder, **changed)
    with pytest.raises(ModelError, match=said):
        opened(folder, tmp_path)


def test_lacking_field_is_named(folder, tmp_path):
    (folder / "model.json").write_text('{"dim": 6}')
    with pytest.raises(ModelError, match="has no field 'image_size'"):
        opened(folder, tmp_path)
    (folder / "model.json").write_text("[")
    with pytest.raises(ModelError, match="not JSON"):
        opened(folder, tmp_path)


def test_graph_of_another_width_says_both_widths(folder, tmp_path):
    describe(folder, dim=7)
    encoder = opened(folder, tmp_path)
    with pytest.raises(ModelError, match=r"image.onnx: gives \(1, 6\).*\(1, 7\)"):
        encoder.encode_images(np.zeros((1, SIDE, SIDE, 3), np.uint8))
    with pytest.raises(ModelError, match=r"text.onnx: gives \(1, 6\).*\(1, 7\)"):
        encoder.encode_texts(["a dog"])


def test_file_that_is_no_graph_or_no_tokenizer_is_named(folder, tmp_path):
    (folder / "text.onnx").write_bytes(b"text")
    with pytest.raises(ModelError, match=r"text.onnx: not a graph"):
        opened(folder, tmp_path).encode_texts(["a dog"])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer.json: not a tokenizer"):
        opened(folder, tmp_path)


def test_graph_that_takes_something_else_is_named(folder, tmp_path):
    (folder / "image.onnx").write_bytes((folder / "text.onnx").read_bytes())
    with pytest.raises(ModelError, match=r"image.onnx: takes input_ids"):
        opened(folder, tmp_path).encode_images(np.zeros((1, SIDE, SIDE, 3), np.uint8))


def test_name_without_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="onnx:FOLDER"):
        load_encoder("onnx:")
    with pytest.raises(ModelError, match="no such folder"):
        load_encoder(f"onnx:{tmp_path / 'nowhere'}")


def test_library_of_a_pair_is_indexed_and_searched(folder, pictures, paint, tmp_path):
    paint("red.png", "red")
    paint("blue.png", "blue")
    axes = np.eye(3, DIM, dtype=np.float32)
    image_graph(folder / "image.onnx", axes)
    meanings = 0 * MEANINGS
    meanings[[WORDS.index(word) for word in ("red", "green", "blue")]] = axes
    text_graph(folder / "text.onnx", meanings)
    describe(folder, mean=[0, 0, 0], std=[1, 1, 1])
    library = ("--library", tmp_path / "of the pair")
    assert run("index", pictures, *library, "--model", f"onnx:{folder}").exit_code == 0
    found = answered("search", "red", "-k", 1, "--all", *library)
    assert [Path(hit["path"]).name for hit in found["hits"]] == ["red.png"]
    assert answered("status", *library)["encoder"] == f"onnx:{folder}"
