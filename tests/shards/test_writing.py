"""Records of a library put into another one: the same library again, without encoding."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Library, index_folder
from indexer.shards.reading import records_of_library
from indexer.shards.record import PictureRecord
from indexer.shards.writing import Added, add_records


@pytest.fixture
def indexed(library, colour_pictures, paint):
    (colour_pictures / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    paint("2021/summer/red-2.png", caption="a boat")
    index_folder(library, colour_pictures)
    return library


@pytest.fixture
def other(tmp_path):
    with Library.create(tmp_path / "other", encoder="colour") as made:
        yield made


def all_of(library):
    return [each for batch in records_of_library(library) for each in batch]


def by_path(library):
    return {each.folder + b"/" + each.relative: each for each in all_of(library)}


def test_a_library_can_be_copied_record_by_record(indexed, other):
    records = all_of(indexed)
    assert {each.state for each in records} == {"present", "failed"}
    encoded = other.encoder.images, other.encoder.texts
    assert add_records(other, records) == Added(added=len(records))
    assert all_of(other) == records
    assert (other.encoder.images, other.encoder.texts) == encoded
    first, second = (each.embedded(each.catalogue.present_ids()) for each in (indexed, other))
    assert (first.v_i == second.v_i).all()
    assert (first.v_t == second.v_t).all()


def test_the_same_records_again_change_nothing(indexed, other):
    records = all_of(indexed)
    add_records(other, records)
    assert add_records(other, records) == Added(unchanged=len(records))


def test_indexing_after_it_finds_nothing_to_do(indexed, other, colour_pictures):
    add_records(other, all_of(indexed))
    report = index_folder(other, colour_pictures)
    assert (report.added, report.changed, report.unchanged) == (0, 0, len(all_of(indexed)) - 1)


def test_of_one_picture_the_later_record_stays(indexed, other):
    old = [replace(each, mtime_ns=each.mtime_ns - 1, width=9) for each in all_of(indexed)]
    new = all_of(indexed)
    add_records(other, new)
    assert add_records(other, old) == Added(unchanged=len(old))
    assert all_of(other) == new
    later = [replace(each, mtime_ns=each.mtime_ns + 1) for each in new]
    assert add_records(other, later) == Added(changed=len(old))


def test_at_the_same_time_of_change_a_record_counts_once_a_run(indexed, other):
    first = all_of(indexed)
    second = [replace(each, camera="another") for each in first]
    settled = set()
    add_records(other, first, settled)
    assert add_records(other, second, settled).changed == 0
    assert add_records(other, second, set()).changed == len(second)


def test_a_folder_inside_another_becomes_part_of_it(indexed, other, colour_pictures):
    inner = colour_pictures / "2021"
    index_folder(other, inner)
    add_records(other, all_of(indexed))
    assert [folder.path for folder in other.catalogue.folders()] == [colour_pictures]
    assert by_path(other) == by_path(indexed)


def test_a_folder_below_an_indexed_one_belongs_to_it(indexed, other, colour_pictures):
    index_folder(other, colour_pictures / "2021")
    assert add_records(indexed, all_of(other)).added == 0
    assert [folder.path for folder in indexed.catalogue.folders()] == [colour_pictures]


def test_a_picture_without_its_embedding_waits_for_indexing(indexed, other, colour_pictures):
    add_records(other, [replace(each, v_i=None) for each in all_of(indexed)])
    report = index_folder(other, colour_pictures)
    assert report.changed + report.unchanged == len(all_of(indexed)) - 1
    assert len(other.vectors().picture_ids) == len(all_of(indexed)) - 1


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3))), st.integers(1, 4))
def test_the_newest_stays_in_whichever_batches_records_come(tmp_path_factory, seen, size):
    path = tmp_path_factory.mktemp("batches") / "library"
    row = np.eye(5, dtype=np.float16)[0]
    records = [
        PictureRecord(
            folder=b"/p", relative=name.encode(), size=1, mtime_ns=time, state="present",
            content_hash=b"%d" % time, v_i=row,
        )
        for name, time in seen
    ]  # fmt: skip
    with Library.create(path, encoder="colour") as library:
        for start in range(0, len(records), size):
            add_records(library, records[start : start + size])
        newest = dict(sorted(seen))
        assert {each.relative.decode(): each.mtime_ns for each in all_of(library)} == newest
