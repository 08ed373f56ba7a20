"""Layouts of graphs on this machine: measured once, kept with the facts of the machine."""

import json
import threading
import time

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from indexer.encoders.runtime.graphs import Graph, checksum
from indexer.encoders.runtime.layout import (
    BATCHES,
    Layout,
    LayoutTrials,
    Streams,
    keep_layout,
    kept_layout,
    splits,
)

FOUND = Layout(2, 1, 8, 61.5)


class SummingGraph(Graph):
    """A tower in small: the sum of a picture's numbers."""

    def make(self, path):
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 2, 2, 3])
        total = helper.make_tensor_value_info("total", TensorProto.FLOAT, ["batch", 1, 1, 1])
        nodes = [
            helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["numbers", "axes"], ["total"]),
        ]
        axes = helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3])
        made = helper.make_graph(nodes, "sum", [pixels], [total], [axes])
        opset = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(made, opset_imports=opset, ir_version=10), path)
        path.with_suffix(".json").write_text(json.dumps({"xxh3": checksum(path)}))


@pytest.fixture
def graph(tmp_path, monkeypatch):
    """A function that opens the small tower, on a machine that counts as idle."""
    monkeypatch.setattr("indexer.encoders.runtime.layout.LEAST_SHARE", 0)
    return lambda: SummingGraph("image-abc", tmp_path)


def pictures(count):
    return np.random.default_rng(0).integers(0, 256, (count, 2, 2, 3), np.uint8)


def sums(graph, pixels):
    return np.concatenate([part[0].ravel() for part in graph.run_pixels(pixels)]).tolist()


def used(graph, batches=64):
    """Run large batches until the layout is known; the number of batches that it took."""
    for count in range(batches):
        if graph.layout() is not None:
            return count
        pixels = pictures(32)
        assert sums(graph, pixels) == pixels.reshape(32, -1).sum(1).tolist()
    raise AssertionError("no layout was chosen")


def test_layout_is_found_at_work_and_kept(graph):
    opened = graph()
    for count in (1, 3, 5):  # too few to tell anything
        assert len(sums(opened, pictures(count))) == count
    assert opened.layout() is None
    assert used(opened) > 2
    assert opened.layout().rate > 0
    assert used(graph()) == 0
    assert len(sums(graph(), pictures(40))) == 40


def test_layout_found_on_a_busy_machine_is_used_but_not_kept(graph, monkeypatch):
    monkeypatch.setattr("indexer.encoders.runtime.layout.LEAST_SHARE", 1e9)  # of a core's time
    opened, tries = graph(), []
    run_of = opened._run_of
    monkeypatch.setattr(opened, "_run_of", lambda threads: tries.append(threads) or run_of(threads))
    for _ in range(64):
        assert len(sums(opened, pictures(32))) == 32
    assert len(tries) < 10  # and then no more
    assert graph().layout() is None


@pytest.mark.parametrize("slow", [Layout(1, 2), Layout(2, 1)])
def test_slower_layouts_are_not_chosen(monkeypatch, slow):
    monkeypatch.setattr("indexer.encoders.runtime.layout.cores", lambda: 2)

    def opened(threads):
        def run(part):
            if threads == slow.threads:
                time.sleep(0.05)
            return [part]

        return run

    trials, count = LayoutTrials(opened), 0
    while trials.found is None and count < 40:
        trials(pictures(32))
        count += 1
    assert trials.found.threads != slow.threads
    assert trials.found.batch in BATCHES


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"streams": ', '"streams": -'),
        lambda text: text.replace('"batch": ', '"batch": 0.5'),
        lambda text: text.replace('"threads"', '"trheads"'),
        lambda text: text.replace('"cores": ', '"cores": 10'),  # another machine's
        lambda text: text.replace('"graph": "', '"graph": "0'),  # another graph's
    ],
)
def test_damaged_or_foreign_measurement_is_made_anew(graph, damage):
    used(graph())
    path = graph().path.with_suffix(".layout")
    text = path.read_text()
    assert damage(text) != text
    path.write_text(damage(text))
    assert used(graph()) > 0
    assert used(graph()) == 0


def test_measurement_that_cannot_be_kept_is_no_obstacle(tmp_path):
    (tmp_path / "file").touch()
    keep_layout(tmp_path / "file" / "x.layout", "hash", FOUND)
    assert kept_layout(tmp_path / "file" / "x.layout", "hash") is None


def test_kept_layout_is_read_as_it_was(tmp_path):
    keep_layout(tmp_path / "x.layout", "hash", FOUND)
    assert kept_layout(tmp_path / "x.layout", "hash") == FOUND
    assert kept_layout(tmp_path / "x.layout", "other") is None


@given(
    count=st.integers(0, 50),
    streams=st.integers(1, 5),
    batch=st.integers(1, 20),
)
def test_streams_run_every_picture_once_and_in_order(count, streams, batch):
    pixels = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    sizes = []

    def run(part):
        sizes.append(len(part))
        return [part.astype(np.float32).ravel()]

    opened = Streams(run, Layout(streams, 1, batch))
    parts = opened(pixels)
    opened.close()
    found = np.concatenate([np.zeros(0, np.float32), *(part[0] for part in parts)])
    assert found.tolist() == list(range(count))
    assert all(1 <= size <= batch for size in sizes)
    assert len(sizes) >= min(streams, count)  # no stream is idle for the sake of larger batches


def test_streams_run_side_by_side():
    meeting = threading.Barrier(2, timeout=20)

    def run(part):
        meeting.wait()
        return [part]

    opened = Streams(run, Layout(2, 1, 8))
    assert len(opened(pictures(2))) == 2
    opened.close()


@given(count=st.integers(1, 256))
def test_splits_use_the_cores_that_there_are_and_no_more(count):
    found = splits(count)
    assert found[0] == Layout(1, count)
    assert len(found) == len(set(found)) <= 4
    assert all(one.streams * one.threads <= count and one.streams <= 8 for one in found)
