"""The vector index: rows under the ids of pictures, in blocks that never change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embedding import unit_rows
from indexer.fusion import Mean, RowSums
from indexer.vectors.index import VectorIndex

WIDTH = 4


def rows(n, seed=0):
    """Unit rows that are as precise as float16."""
    made = unit_rows(np.random.default_rng(seed).normal(size=(n, WIDTH)))
    return made.astype(np.float16).astype(np.float32)


def ids(*numbers):
    return np.array(numbers, np.int64)


def flags(*values):
    return np.array(values, np.bool_)


def empty():
    return VectorIndex(Mean(), WIDTH)


def put(index, pictures, rows, has_caption):
    """The index with rows of pictures, in place of their former ones."""
    return index.without(pictures).add(pictures, rows, has_caption)


def index_of(n):
    return put(empty(), ids(*range(1, n + 1)), rows(n), np.arange(n) % 2 == 0)


def content(index):
    """Row and kind by picture."""
    kinds = index.has_caption.tolist()
    return {
        int(key): (tuple(row.tolist()), kind)
        for key, row, kind in zip(index.picture_ids, index.rows, kinds, strict=True)
    }


def test_new_index_is_empty():
    assert len(empty()) == 0
    assert empty().rows.shape == (0, WIDTH)
    assert empty().picture_ids.shape == empty().has_caption.shape == (0,)


def test_rows_are_found_under_their_pictures():
    index = put(empty(), ids(7, 3), rows(2), flags(True, False))
    assert index.picture_ids.tolist() == [7, 3]
    assert np.array_equal(index.rows, rows(2))


def test_row_tells_whether_its_picture_has_a_caption():
    index = put(empty(), ids(0, 1, 2), rows(3), flags(False, True, False))
    assert index.has_caption.tolist() == [False, True, False]
    assert index.picture_ids.tolist() == [0, 1, 2]


def test_put_replaces_what_a_picture_had():
    index = put(index_of(3), ids(2), rows(1, seed=5), flags(True))
    assert len(index) == 3
    assert content(index)[2] == (tuple(rows(1, seed=5)[0].tolist()), True)


def test_picture_that_gains_or_loses_its_caption_keeps_one_row():
    index = empty()
    for has_caption in (True, False, True):
        index = put(index, ids(1), rows(1), flags(has_caption))
        assert content(index) == {1: (tuple(rows(1)[0].tolist()), has_caption)}


def test_removed_pictures_are_gone_and_unknown_ones_passed_over():
    index = index_of(4)
    before = content(index)
    index = index.without(ids(1, 4, 99))
    assert content(index) == {key: before[key] for key in (2, 3)}
    assert len(index.without(ids())) == 2


def test_putting_nothing_changes_nothing():
    assert len(put(index_of(2), ids(), rows(0), flags())) == 2


def test_index_in_use_is_left_alone():
    index = index_of(3)
    before = content(index)
    other = put(index.without(ids(1)), ids(8, 9), rows(2), flags(True, False))
    assert content(index) == before
    assert sorted(other.picture_ids) == [2, 3, 8, 9]


CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 8), st.booleans(), st.integers(0, 99)), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(CHANGES)
def test_index_holds_what_a_dictionary_would(changes):
    index, expected = empty(), {}
    for adds, key, has_caption, seed in changes:
        if adds:
            index = put(index, ids(key), rows(1, seed), flags(has_caption))
            expected[key] = (tuple(rows(1, seed)[0].tolist()), has_caption)
        else:
            index = index.without(ids(key))
            expected.pop(key, None)
    assert content(index) == expected
    assert len(index) == len(expected)
    for key in range(10):
        (*found,) = index.positions(ids(key))
        assert [index.keys_at(place) in (key, ~key) for place in found] == [True] * (
            key in expected
        )


@settings(max_examples=60, deadline=None)
@given(CHANGES)
def test_sums_are_those_of_the_rows_that_count(changes):
    index = empty()
    for adds, key, has_caption, seed in changes:
        one = ids(key)
        index = put(index, one, rows(1, seed), flags(has_caption)) if adds else index.without(one)
    expected = RowSums.of(index.rows, index.has_caption)
    assert np.array_equal(index.sums.captioned, expected.captioned)  # exact: they are float16
    assert np.array_equal(index.sums.plain, expected.plain)
    assert index.sums.with_caption == expected.with_caption
    assert index.sums.without_caption == expected.without_caption


@given(st.sets(st.integers(0, 5)))
def test_positions_are_split_by_block(chosen):
    index = VectorIndex(
        Mean(), WIDTH, [*index_of(2).blocks, *index_of(1).blocks, *index_of(3).blocks]
    )
    positions = ids(*sorted(chosen))
    found = [
        start + row
        for block, numbers in index.split(positions)
        for start, other in zip(index.starts, index.blocks, strict=False)
        if other is block
        for row in numbers
    ]
    assert found == positions.tolist()
    assert np.array_equal(index.take(positions), index.rows[positions])


def test_rows_are_float32_and_contiguous():
    view = index_of(3).rows
    assert view.dtype == np.float32
    assert view.flags.c_contiguous


def test_rows_lose_no_more_than_float16_does():
    exact = unit_rows(np.random.default_rng(3).normal(size=(100, WIDTH)))
    index = put(empty(), np.arange(100), exact, np.ones(100, np.bool_))
    assert np.abs(index.rows - exact).max() == pytest.approx(0, abs=2**-11)
