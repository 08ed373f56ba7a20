"""The vector index: rows under the ids of pictures, saved as a whole or not at all."""

import gc
import os
import tempfile
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_pictures import damaged

from indexer.encoders import unit_rows
from indexer.errors import LibraryDamaged, LibraryError
from indexer.vectors import VectorIndex, verify

WIDTH = 4


def rows(n, seed=0):
    return unit_rows(np.random.default_rng(seed).normal(size=(n, WIDTH)))


def ids(*numbers):
    return np.array(numbers, np.int64)


def flags(*values):
    return np.array(values, np.bool_)


def index_of(n):
    index = VectorIndex(WIDTH)
    index.put(ids(*range(1, n + 1)), rows(n), np.arange(n) % 2 == 0)
    return index


def content(index):
    """Row and kind by picture."""
    kinds = index.has_caption.tolist()
    return {
        int(key): (tuple(row.tolist()), kind)
        for key, row, kind in zip(index.picture_ids, index.rows, kinds, strict=True)
    }


def test_new_index_is_empty():
    index = VectorIndex(WIDTH)
    assert len(index) == 0
    assert index.rows.shape == (0, WIDTH)
    assert index.picture_ids.shape == index.has_caption.shape == (0,)


def test_rows_are_found_under_their_pictures():
    index = VectorIndex(WIDTH)
    index.put(ids(7, 3), rows(2), flags(True, False))
    assert index.picture_ids.tolist() == [7, 3]
    assert np.array_equal(index.rows, rows(2))


def test_row_tells_whether_its_picture_has_a_caption():
    index = VectorIndex(WIDTH)
    index.put(ids(0, 1, 2), rows(3), flags(False, True, False))
    assert index.has_caption.tolist() == [False, True, False]
    assert index.picture_ids.tolist() == [0, 1, 2]


def test_put_replaces_what_a_picture_had():
    index = index_of(3)
    index.put(ids(2), rows(1, seed=5), flags(True))
    assert len(index) == 3
    assert content(index)[2] == (tuple(rows(1, seed=5)[0].tolist()), True)


def test_picture_that_gains_or_loses_its_caption_keeps_one_row():
    index = VectorIndex(WIDTH)
    for has_caption in (True, False, True):
        index.put(ids(1), rows(1), flags(has_caption))
        assert content(index) == {1: (tuple(rows(1)[0].tolist()), has_caption)}


def test_removed_pictures_are_gone_and_unknown_ones_passed_over():
    index = index_of(4)
    before = content(index)
    index.remove(ids(1, 4, 99))
    assert content(index) == {key: before[key] for key in (2, 3)}
    index.remove(ids())
    assert len(index) == 2


def test_putting_nothing_changes_nothing():
    index = index_of(2)
    index.put(ids(), rows(0), flags())
    assert len(index) == 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 8), st.booleans(), st.integers(0, 99)), max_size=30
    )
)
def test_index_holds_what_a_dictionary_would(changes):
    index, expected = VectorIndex(WIDTH), {}
    for adds, key, has_caption, seed in changes:
        if adds:
            index.put(ids(key), rows(1, seed), flags(has_caption))
            expected[key] = (tuple(rows(1, seed)[0].tolist()), has_caption)
        else:
            index.remove(ids(key))
            expected.pop(key, None)
    assert content(index) == expected


def saved(index, folder) -> Path:
    """The file of a saved index."""
    return folder / index.save(folder)[0]


def test_saved_index_comes_back_the_same(tmp_path):
    index = index_of(5)
    path = saved(index, tmp_path)
    assert content(VectorIndex.load(path, WIDTH)) == content(index)
    assert os.listdir(tmp_path) == [path.name]


def test_file_is_named_by_its_checksum(tmp_path):
    name, checksum = index_of(5).save(tmp_path)
    assert name == f"vectors-{checksum[:16]}.faiss"
    verify(tmp_path / name, checksum)
    assert index_of(5).save(tmp_path) == (name, checksum)
    assert index_of(6).save(tmp_path) != (name, checksum)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_damage_to_a_file_is_noticed_before_faiss_reads_it(data):
    with tempfile.TemporaryDirectory() as folder:
        name, checksum = index_of(9).save(Path(folder))
        path = Path(folder, name)
        path.write_bytes(data.draw(damaged(path.read_bytes())))
        with pytest.raises(LibraryDamaged, match="will be built again"):
            verify(path, checksum)


def test_missing_file_is_damaged(tmp_path):
    with pytest.raises(LibraryDamaged, match="No such file"):
        verify(tmp_path / "vectors-1.faiss", "0")
    with pytest.raises(LibraryDamaged):
        VectorIndex.load(tmp_path / "vectors-1.faiss", WIDTH)


def test_loaded_index_can_be_changed(tmp_path):
    loaded = VectorIndex.load(saved(index_of(5), tmp_path), WIDTH)
    loaded.remove(ids(1))
    loaded.put(ids(9), rows(1), flags(True))
    assert sorted(loaded.picture_ids) == [2, 3, 4, 5, 9]


def test_empty_index_is_saved_and_loaded(tmp_path):
    assert len(VectorIndex.load(saved(VectorIndex(WIDTH), tmp_path), WIDTH)) == 0


def test_index_is_saved_under_a_name_that_is_not_utf8(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    assert len(VectorIndex.load(saved(index_of(3), folder), WIDTH)) == 3


def test_index_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / f"vectors-{os.getpid()}.tmp").mkdir()
    with pytest.raises(LibraryError, match="cannot be written"):
        index_of(3).save(tmp_path)
    with pytest.raises(LibraryError, match="cannot be written"):
        index_of(3).save(tmp_path / "nowhere")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_is_an_error_with_a_remedy_and_leaves_nothing_behind(tmp_path):
    (tmp_path / f"vectors-{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(LibraryError, match="free some space"):
        index_of(3).save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("size", [0, 1, 10, 40, 90, -1])
def test_truncated_file_is_damaged(tmp_path, size):
    path = saved(index_of(5), tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(LibraryDamaged, match="will be built again"):
        VectorIndex.load(path, WIDTH)


def test_index_of_another_width_is_damaged(tmp_path):
    path = saved(index_of(5), tmp_path)
    with pytest.raises(LibraryDamaged, match="width 5"):
        VectorIndex.load(path, 5)


@pytest.mark.parametrize(
    "other",
    [
        lambda: faiss.IndexFlatIP(WIDTH),
        lambda: faiss.IndexIDMap2(faiss.IndexFlatL2(WIDTH)),
        lambda: faiss.IndexIDMap2(faiss.IndexHNSWFlat(WIDTH, 4)),
    ],
)
def test_index_of_another_kind_is_damaged(tmp_path, other):
    made = other()
    faiss.write_index(made, str(tmp_path / "vectors-1.faiss"))
    with pytest.raises(LibraryDamaged):
        VectorIndex.load(tmp_path / "vectors-1.faiss", WIDTH)


def test_copy_changes_alone():
    index = index_of(3)
    before = content(index)
    copy = index.copy()
    assert content(copy) == before
    copy.remove(ids(1))
    copy.put(ids(8, 9), rows(2), flags(True, False))
    assert content(index) == before
    assert sorted(copy.picture_ids) == [2, 3, 8, 9]


def test_rows_outlive_their_index():
    index = index_of(1000)
    view, expected = index.rows, index.rows.copy()
    del index
    gc.collect()
    others = [index_of(1000) for _ in range(20)]  # would reuse the memory
    assert np.array_equal(view, expected)
    assert len(others) == 20


def test_rows_are_float32_and_contiguous():
    view = index_of(3).rows
    assert view.dtype == np.float32
    assert view.flags.c_contiguous
