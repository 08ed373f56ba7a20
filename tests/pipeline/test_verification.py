"""Verifying: every file is read again, and an interrupted run goes on."""

import os
from contextlib import closing

import pytest
from faults import decoding_here
from PIL import Image

from indexer import IndexOptions, index_folder, indexing
from indexer.pictures.images import read_picture
from indexer.pipeline.verification import FILE
from search import Searcher

VERIFY = IndexOptions(workers=1, verify=True)


@pytest.fixture(autouse=True)
def _one_process():
    with decoding_here():
        yield


def repaint(path, colour):
    """Another picture of the same size and time of change."""
    before = path.stat()
    file = Image.new("RGB", (16, 12), colour)
    file.save(path)
    with path.open("r+b") as content:
        content.truncate(before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def test_change_that_keeps_size_and_time_is_found_only_by_verifying(
    colour_library, colour_pictures
):
    repaint(colour_pictures / "red.png", "lime")
    assert index_folder(colour_library, options=IndexOptions(workers=1)).unchanged == 5
    report = index_folder(colour_library, options=VERIFY)
    assert (report.changed, report.unchanged, report.added) == (1, 4, 0)
    assert "red.png" in [
        hit.path.name for hit in Searcher(colour_library).search("green", k=2).hits
    ]


def test_verifying_unchanged_pictures_changes_nothing(colour_library):
    before = colour_library.generation
    report = index_folder(colour_library, options=VERIFY)
    assert (report.unchanged, report.changed, colour_library.generation) == (5, 0, before)
    assert not (colour_library.path / FILE).exists()
    assert colour_library.encoder.images == 0


def test_interrupted_verifying_goes_on_where_it_was(library, paint, pictures, monkeypatch):
    monkeypatch.setattr("indexer.pipeline.indexing.PICTURES_PER_BATCH", 2)
    for number in range(6):
        paint(f"{number}.png", (number, 0, 0))
    index_folder(library, pictures, options=IndexOptions(workers=1))
    with closing(indexing(library, options=VERIFY)) as run:
        while run.report.unchanged < 2:
            next(run)
    read = []
    monkeypatch.setattr(
        "indexer.pictures.decoding.read_picture",
        lambda path: read.append(path) or read_picture(path),
    )
    assert index_folder(library, options=VERIFY).unchanged == 6
    assert len(read) == 4


def test_caption_that_changed_meanwhile_is_taken_while_verifying(colour_library, colour_pictures):
    (colour_pictures / "black.txt").write_text("a white dog")
    report = index_folder(colour_library, options=VERIFY)
    assert (report.changed, report.unchanged) == (1, 4)
