"""The text tower with its weights in a file of their own."""

import shutil

import numpy as np
import pytest

from indexer.encoders.mini.graphs import MiniGraph
from indexer.encoders.mini.heads import BUILT_IN
from indexer.encoders.mini.packages import TEXT_TOWER
from indexer.encoders.runtime import graphs
from indexer.encoders.runtime.mapped import MappedGraph
from indexer.files import file_hash
from indexer.locations import cache_directory

NAME = f"text-{TEXT_TOWER.sha256[:12]}-{file_hash(BUILT_IN)[:12]}"
TOKENS = np.array([[101, 1037, 3899, 1999, 1996, 4586, 102], [101, 4937, 102, 0, 0, 0, 0]])
INPUTS = {"tokens": TOKENS, "mask": (TOKENS > 0).astype(np.int64)}


def plain_graph(cache) -> MiniGraph:
    graph = MiniGraph(NAME, cache, BUILT_IN)
    graph.ensure()
    return graph


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache with the exported tower and nothing else."""
    found = tmp_path_factory.mktemp("cache")
    kept = plain_graph(cache_directory())
    (found / "towers").mkdir()
    for suffix in (".onnx", ".json"):
        shutil.copy(kept.path.with_suffix(suffix), found / "towers")
    return found


@pytest.fixture
def tower(cache):
    made = MappedGraph(MiniGraph(NAME, cache, BUILT_IN))
    made.ensure()
    return made


def test_mapped_tower_gives_what_the_plain_one_gives(cache, tower):
    (expected,), (found,) = plain_graph(cache).run(INPUTS), tower.run(INPUTS)
    assert found.shape == (2, 768)
    assert np.abs(expected - found).max() < 1e-5


def test_cached_tower_is_not_made_again(tower, monkeypatch):
    def refused(*arguments, **options):
        raise AssertionError("made again")

    monkeypatch.setattr(graphs.subprocess, "run", refused)
    again = MappedGraph(MiniGraph(NAME, tower.path.parents[1], BUILT_IN))
    assert again.run(INPUTS)[0].shape == (2, 768)


@pytest.mark.parametrize("part", ["path", "weights"])
def test_damaged_part_of_a_tower_is_noticed_and_made_again(tower, part):
    (expected,) = tower.run(INPUTS)
    file = getattr(tower, part)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()  # what is open keeps its bytes
    file.write_bytes(content)
    again = MappedGraph(MiniGraph(NAME, tower.path.parents[1], BUILT_IN))
    assert not again.cached
    assert np.array_equal(again.run(INPUTS)[0], expected)
    assert again.cached


def test_missing_receipt_is_no_proof(tower):
    tower.path.with_suffix(".json").unlink()
    assert not tower.cached
    tower.ensure()
    assert tower.cached
    assert not [path for path in tower.path.parent.iterdir() if path.is_dir()]
