"""The vector index on disk: whole, tied to the catalogue, and as large as what has changed."""

import os
import random

import numpy as np
import pytest
from conftest import forget_counts
from faults import decoding_here

from indexer import IndexOptions, Library, index_folder
from indexer.doctor import examine
from indexer.library import segments
from indexer.library.segments import stored_segments
from indexer.vectors.keys import GONE
from search import Searcher

QUICK = IndexOptions(workers=1)
COLOURS = ("red", "green", "blue", "black", "yellow", "purple", "white")


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT", 8)


@pytest.fixture
def many(library, paint, pictures):
    """A library of forty pictures in segments of eight."""
    for number in range(40):
        paint(f"{COLOURS[number % 7]}-{number:02}.png")
    index_folder(library, pictures, options=QUICK)
    forget_counts(library)
    return library


def on_disk(library):
    return stored_segments(library.catalogue, library.vectors_key)


def files(library):
    return {path.name for path in library.path.glob("vectors-*")}


def sound(library):
    return [finding.meaning for finding in examine(library) if finding.serious] == []


def answers(library, k=40):
    """Hits of every colour: names and scores, by name where scores are equal."""
    searcher = Searcher(library)
    return [
        sorted((round(-hit.score, 5), hit.path.name) for hit in searcher.search(colour, k=k).hits)
        for colour in COLOURS
    ]


def test_many_pictures_lie_in_segments_of_limited_size(many):
    stored = on_disk(many)
    assert [len(segment.keys) for segment in stored.segments] == [8] * 5
    assert files(many) == {segment.file for segment in stored.segments}
    assert sound(many)


def test_one_new_picture_waits_in_the_catalogue_until_more_come(many, paint, monkeypatch):
    monkeypatch.setattr(segments, "WRITE_FROM", 10)
    before = files(many)
    paint("white-new.png")
    index_folder(many, options=QUICK)
    assert files(many) == before
    with Library.open(many.path) as again:
        assert len(again.vectors()) == 41
        assert "white-new.png" in {hit.path.name for hit in Searcher(again).search("white").hits}
    for number in range(4):
        paint(f"white-new-{number}.png")
    index_folder(many, options=QUICK)
    assert before < files(many)
    assert sorted(len(segment.keys) for segment in on_disk(many).segments) == [5, 8, 8, 8, 8, 8]


def test_small_segment_is_filled_up_rather_than_joined_by_others(many, paint):
    for number in range(6):
        paint(f"white-new-{number}.png")
        index_folder(many, options=QUICK)
        assert len(on_disk(many).segments) <= 7
    assert sum(len(segment.pictures) for segment in on_disk(many).segments) == 46


def test_removed_picture_is_out_of_the_answers_at_once_and_out_of_the_file_later(
    many, pictures, monkeypatch
):
    monkeypatch.setattr(segments, "COMPACT_FROM", 4)
    before = files(many)
    (pictures / "black-03.png").unlink()
    index_folder(many, options=QUICK)
    assert files(many) == before
    with Library.open(many.path) as again:
        assert len(again.vectors()) == 39
        names = {hit.path.name for hit in Searcher(again).search("black", k=40).hits}
        assert "black-03.png" not in names
    (pictures / "black-10.png").unlink()  # a quarter of the first segment is gone by now
    index_folder(many, options=QUICK)
    assert len(before - files(many)) >= 1
    assert all(not segment.is_worn for segment in on_disk(many).segments)
    assert sound(many)


def test_changed_picture_leaves_its_old_row_blotted_out(many, paint, monkeypatch):
    monkeypatch.setattr(segments, "COMPACT_FROM", 4)
    os.utime(paint("red-00.png", "white"), ns=(1, 1))
    index_folder(many, options=QUICK)
    keys = np.concatenate([segment.keys for segment in on_disk(many).segments])
    assert (keys == GONE).sum() == 1
    assert len(np.unique(keys)) == len(keys)
    with Library.open(many.path) as again:
        assert len(again.vectors()) == 40
    assert sound(many)


def test_everything_removed_leaves_no_file(many, pictures):
    for path in pictures.glob("*.png"):
        path.unlink()
    index_folder(many, options=QUICK)
    assert files(many) == set()
    assert len(many.vectors()) == 0


def test_damaged_segment_costs_only_its_own_rows(many, monkeypatch):
    expected = answers(many)
    victim = on_disk(many).segments[2]
    (many.path / victim.file).write_bytes(b"nonsense")
    fused = []
    fuse = Library.fused
    monkeypatch.setattr(Library, "fused", lambda self, ids: fused.extend(ids) or fuse(self, ids))
    with Library.open(many.path, read_only=True) as again:
        assert len(again.vectors()) == 40
        assert sorted(fused) == sorted(victim.pictures.tolist())
        assert answers(again) == expected


def test_random_damages_are_noticed_and_mended(many):
    expected, whole = answers(many), files(many)
    luck = random.Random(7)
    for _ in range(60):
        path = many.path / luck.choice(sorted(files(many)))
        content = bytearray(path.read_bytes())
        if luck.random() < 0.5:
            del content[luck.randrange(len(content)) :]
        else:
            content[luck.randrange(len(content))] ^= 1 << luck.randrange(8)
        path.write_bytes(content)
        with Library.open(many.path) as again, decoding_here():
            assert [f.check for f in examine(again) if f.serious] == ["vectors"]
            index_folder(again, options=QUICK)
            assert sound(again)
    assert files(many) == whole
    with Library.open(many.path) as again:
        assert answers(again) == expected
        assert (again.encoder.images, again.encoder.texts) == (0, len(COLOURS))


def test_reader_whose_files_were_replaced_reads_the_new_ones(many, paint, monkeypatch):
    load, calls = segments.OpenSegments.index, []

    def late(opened, stored, fusion, width, facts):
        calls.append(stored.generation)
        if len(calls) == 1:  # between the look into the catalogue and that at the files
            for number in range(8):
                paint(f"white-new-{number}.png")
            for path in sorted(paint("white-x.png").parent.glob("red-*.png")):
                path.unlink()
            with monkeypatch.context() as patch, Library.open(many.path) as writer:
                patch.setattr(segments.OpenSegments, "index", load)
                index_folder(writer, options=QUICK)
        return load(opened, stored, fusion, width, facts)

    with Library.open(many.path, read_only=True) as reader:
        monkeypatch.setattr(segments.OpenSegments, "index", late)
        index = reader.vectors()
    assert len(set(calls)) == len(calls) == 2
    assert sorted(index.picture_ids) == many.catalogue.present().tolist()


def test_run_without_changes_writes_nothing(many):
    before = {path: path.stat().st_mtime_ns for path in many.path.glob("vectors-*")}
    with Library.open(many.path) as again:
        index_folder(again, options=QUICK)
        assert again.generation == many.generation
    assert {path: path.stat().st_mtime_ns for path in many.path.glob("vectors-*")} == before


def test_fusion_of_before_finds_its_files_though_nothing_was_there_meanwhile(many):
    """Without a picture there is nothing to write, and what the catalogue names is not deleted."""
    folder = many.catalogue.folders()[0].path
    many.set_fusion("mean")
    folder.rename(folder.with_name("away"))
    index_folder(many, options=QUICK)
    many.set_fusion("concat")
    assert [finding.check for finding in examine(many) if finding.serious] == []
