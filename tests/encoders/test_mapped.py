"""Towers with their weights in a file of their own."""

import errno
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from indexer.encoders.mini.graphs import PackedGraph
from indexer.encoders.mini.heads import BUILT_IN
from indexer.encoders.runtime.graphs import Graph, checksum, open_session
from indexer.encoders.runtime.mapped import MappedGraph, SeparatedGraph
from indexer.errors import ModelError
from indexer.files import file_hash

LONG = 1000  # numbers; a shorter tensor would stay in the graph
ONES = np.ones((1, LONG), np.float32)
TOKENS = np.array([[101, 1037, 3899, 1999, 1996, 4586, 102], [101, 4937, 102, 0, 0, 0, 0]])
INPUTS = {"tokens": TOKENS, "mask": (TOKENS > 0).astype(np.int64)}


class AddingGraph(Graph):
    """A tower in small: it adds the numbers from 0 on."""

    def make(self, path):
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", LONG]) for n in "xy")
        numbers = np.arange(LONG, dtype=np.float32)
        added = helper.make_tensor("added", TensorProto.FLOAT, [LONG], numbers.tobytes(), raw=True)
        node = helper.make_node("Add", ["x", "added"], ["y"])
        graph = helper.make_graph([node], "add", [x], [y], [added])
        opset = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
        path.with_suffix(".json").write_text(json.dumps({"xxh3": checksum(path)}))


@pytest.fixture
def tower(tmp_path):
    made = text_tower(tmp_path)
    made.ensure()
    return made


def text_tower(cache):
    return PackedGraph("text", cache, BUILT_IN, file_hash(BUILT_IN), prepacked=False)


def test_separated_tower_gives_what_the_plain_one_gives(tmp_path):
    plain = AddingGraph("text-abc", tmp_path)
    separated = SeparatedGraph(plain)
    assert np.array_equal(separated.run({"x": ONES})[0], plain.run({"x": ONES})[0])
    assert separated.cached
    assert separated.weights.stat().st_size >= 4 * LONG


def test_tower_that_is_asked_often_rearranges_its_weights_once(tower, monkeypatch):
    opened = []

    def watched(path, **options):
        opened.append(options)
        return open_session(path, **options)

    monkeypatch.setattr("indexer.encoders.runtime.mapped.open_session", watched)
    many = {name: np.repeat(tokens, 8, axis=0) for name, tokens in INPUTS.items()}
    for _ in range(5):
        tower.run(many)
    assert opened == [{"prepacked": False}]
    rows = [tower.run(INPUTS)[0] for _ in range(5)]
    assert opened == [{"prepacked": False}, {}]
    assert np.allclose(rows[0], rows[-1], atol=1e-5)
    tower.rest()
    tower.run(INPUTS)
    assert opened[2:] == [{"prepacked": False}]


def test_query_is_answered_even_if_the_weights_cannot_be_rearranged(tower, monkeypatch):
    tower.run(INPUTS)
    tower.path.unlink()
    assert [len(tower.run(INPUTS)[0]) for _ in range(4)] == [2] * 4


def test_cached_tower_is_not_made_again(tower, monkeypatch):
    def refused(*arguments, **options):
        raise AssertionError("made again")

    monkeypatch.setattr(PackedGraph, "write", refused)
    again = text_tower(tower.path.parents[2])
    assert again.run(INPUTS)[0].shape == (2, 768)


@pytest.mark.parametrize("part", ["path", "weights"])
def test_damaged_part_of_a_tower_is_noticed_and_made_again(tower, part):
    (expected,) = tower.run(INPUTS)
    file = getattr(tower, part)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()  # what is open keeps its bytes
    file.write_bytes(content)
    again = text_tower(tower.path.parents[2])
    assert not again.cached
    assert np.array_equal(again.run(INPUTS)[0], expected)
    assert again.cached


def test_missing_receipt_is_no_proof(tower):
    tower.path.with_suffix(".json").unlink()
    assert not tower.cached
    tower.ensure()
    assert tower.cached
    assert not [path for path in tower.path.parent.iterdir() if path.is_dir()]


class FullDiskGraph(MappedGraph):
    """A tower that finds no room when it is made."""

    def write(self, target, weights):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_disk_that_fills_up_is_a_model_error_and_leaves_nothing(tmp_path):
    with pytest.raises(ModelError, match=r"cannot be stored there \(No space left on device\)"):
        FullDiskGraph("text-abc", tmp_path).ensure()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
