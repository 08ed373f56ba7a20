"""Files of rows: mapped, whole or not at all, and never trusted when they are damaged."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_pictures import damaged

from indexer.embedding import unit_rows
from indexer.errors import LibraryDamaged, LibraryError
from indexer.fusion import Concat, Mean
from indexer.vectors import blocks as row_blocks
from indexer.vectors.blocks import MappedBlock, RowBlock, RowsDamaged, write_block

DIM = 4


def block_of(n, fusion=None, seed=0):
    """A block of n pictures, of which every third has no caption."""
    fusion, random = fusion or Concat(), np.random.default_rng(seed)
    v_i, v_t = (unit_rows(random.normal(size=(n, DIM))) for _ in range(2))
    has_caption = np.arange(n) % 3 > 0
    rows = fusion.pictures(v_i, v_t, has_caption).astype(np.float16)
    return RowBlock.of(rows, has_caption, fusion)


def written(block, folder, fusion=None):
    """The block as it comes back from its file."""
    fusion = fusion or Concat()
    name, checksum = write_block(folder, block)
    return MappedBlock(folder / name, fusion.width(DIM), fusion, checksum)


def same(block, other):
    return (
        all(np.array_equal(a, b) for a, b in zip(block.parts, other.parts, strict=True))
        and np.array_equal(block.measures, other.measures)
        and np.array_equal(block.sums.captioned, other.sums.captioned)
        and np.array_equal(block.sums.plain, other.sums.plain)
        and block.sums.with_caption == other.sums.with_caption
        and block.sums.without_caption == other.sums.without_caption
    )


@pytest.mark.parametrize("fusion", [Concat(), Mean()])
@pytest.mark.parametrize("n", [1, 7, 255, 256, 257, 1000])
def test_written_block_comes_back_the_same(tmp_path, fusion, n):
    block = block_of(n, fusion)
    found = written(block, tmp_path, fusion)
    found.verify()
    assert same(found, block)
    assert os.listdir(tmp_path) == [found.path.name]


def test_block_can_be_read_but_not_changed(tmp_path):
    found = written(block_of(5), tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        found.parts[0][0, 0] = 1


def test_file_is_named_by_its_checksum(tmp_path):
    name, checksum = write_block(tmp_path, block_of(5))
    assert name == f"vectors-{checksum[:16]}.rows"
    assert write_block(tmp_path, block_of(5)) == (name, checksum)
    assert write_block(tmp_path, block_of(6)) != (name, checksum)
    assert write_block(tmp_path, block_of(5, seed=1)) != (name, checksum)


def test_length_of_a_pair_is_known_from_what_was_measured(tmp_path):
    found = written(block_of(600), tmp_path)
    rows = np.concatenate(found.parts, axis=1).astype(np.float32)
    for weight in (0, 0.3, 0.5, 1):
        lengths = Concat().lengths_of(found.measures, weight)
        assert np.allclose(lengths, Concat().lengths(rows, weight), atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_damage_to_a_file_is_noticed(data):
    with tempfile.TemporaryDirectory() as folder:
        name, checksum = write_block(Path(folder), block_of(300))
        path = Path(folder, name)
        path.write_bytes(data.draw(damaged(path.read_bytes())))
        with pytest.raises(RowsDamaged, match="will be rebuilt") as error:
            MappedBlock(path, 2 * DIM, Concat(), checksum).verify()
        assert error.value.file == name


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 999), st.integers(0, 1), st.integers(0, 2 * DIM - 1))
def test_damaged_row_is_noticed_when_it_is_asked_for_and_not_before(row, part, byte):
    with tempfile.TemporaryDirectory() as folder:
        found = written(block_of(1000), Path(folder))
        place = found.parts[part].ctypes.data - found.parts[0].ctypes.data
        content = bytearray(found.path.read_bytes())
        start = content.index(found.parts[0].tobytes()) + place
        content[start + 2 * DIM * row + byte] ^= 1
        found.path.write_bytes(content)  # the same file, under the map
        found.check(1 - part)
        others = np.setdiff1d(np.arange(1000) // row_blocks.RUN, [row // row_blocks.RUN])
        found.check(part, others * row_blocks.RUN)
        with pytest.raises(RowsDamaged, match="checksum of its rows"):
            found.check(part, np.array([row]))
        with pytest.raises(RowsDamaged):
            found.check(part)


def test_what_was_checked_is_not_checked_again(tmp_path, monkeypatch):
    found = written(block_of(1000), tmp_path)
    found.check(0)
    monkeypatch.setattr(row_blocks, "_checksum", None)  # so that checking would fail
    found.check(0)
    found.check(0, np.arange(5))


def test_missing_file_is_damaged(tmp_path):
    with pytest.raises(LibraryDamaged, match="No such file"):
        MappedBlock(tmp_path / "vectors-1.rows", 2 * DIM, Concat(), "0")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 200, 400, -1])
def test_truncated_file_is_damaged_when_it_is_opened(tmp_path, size):
    name, checksum = write_block(tmp_path, block_of(50))
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(RowsDamaged, match="will be rebuilt"):
        MappedBlock(path, 2 * DIM, Concat(), checksum)


@pytest.mark.parametrize(("fusion", "width"), [(Concat(), 2 * DIM + 2), (Mean(), 2 * DIM)])
def test_file_of_another_width_or_fusion_is_damaged(tmp_path, fusion, width):
    name, checksum = write_block(tmp_path, block_of(50))
    with pytest.raises(RowsDamaged, match=f"not a file of rows of width {width}"):
        MappedBlock(tmp_path / name, width, fusion, checksum)


def test_joined_blocks_hold_the_rows_of_all():
    one, other = block_of(5), block_of(7, seed=1)
    joined = RowBlock.joined([one, other])
    assert len(joined) == 12
    assert np.array_equal(joined.take(np.arange(5)), one.take(np.arange(5)))
    assert np.array_equal(joined.take(np.arange(5, 12)), other.take(np.arange(7)))
    assert joined.sums.with_caption == one.sums.with_caption + other.sums.with_caption


def test_block_is_written_under_a_name_that_is_not_utf8(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    assert same(written(block_of(3), folder), block_of(3))


def test_block_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / f"vectors-{os.getpid()}.tmp").mkdir()
    with pytest.raises(LibraryError, match="cannot be written"):
        write_block(tmp_path, block_of(3))
    with pytest.raises(LibraryError, match="cannot be written"):
        write_block(tmp_path / "nowhere", block_of(3))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_is_an_error_with_a_remedy_and_leaves_nothing_behind(tmp_path):
    (tmp_path / f"vectors-{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(LibraryError, match="free some space"):
        write_block(tmp_path, block_of(3))
    assert os.listdir(tmp_path) == []
