"""Batches that are encoded while the one before is being stored."""

import threading
from contextlib import closing

import pytest
from conftest import forget_counts

from indexer import IndexOptions, index_folder, indexing
from indexer.catalogue import database
from indexer.errors import LibraryError
from indexer.pipeline import indexing as pipeline
from search import Searcher

QUICK = IndexOptions(workers=1)


@pytest.fixture
def overlapping(monkeypatch):
    """Lets batches be of one picture, and each be stored only once the next one is encoded.

    Called with the number of pictures, since the last one waits for none.
    """
    encode, store = pipeline.encode_pictures, pipeline.store_pictures

    def overlap(count):
        encoded = [threading.Event() for _ in range(count)]
        numbers = iter(range(count)), iter(range(count))

        def encoding(*given):
            try:
                return encode(*given)
            finally:
                encoded[next(numbers[0])].set()

        def storing(*given):
            assert encoded[min(next(numbers[1]) + 1, count - 1)].wait(60)
            store(*given)

        monkeypatch.setattr(pipeline, "PICTURES_PER_BATCH", 1)
        monkeypatch.setattr(pipeline, "encode_pictures", encoding)
        monkeypatch.setattr(pipeline, "store_pictures", storing)

    return overlap


def test_copies_are_encoded_once_though_the_first_is_not_stored_yet(
    library, paint, pictures, overlapping
):
    for number in range(3):
        paint(f"red-{number}.png", "red", caption="a wall")
    overlapping(3)
    assert index_folder(library, pictures, options=QUICK).added == 3
    assert (library.encoder.images, library.encoder.texts) == (1, 1)
    assert len(Searcher(library).search("red").hits) == 3


def test_equal_pixels_are_encoded_once_though_the_first_is_not_stored_yet(
    library, paint, pictures, overlapping
):
    for number in range(2):
        path = paint(f"red-{number}.png", "red")
        path.write_bytes(path.read_bytes() + bytes([number]))  # behind the end of the picture
    overlapping(2)
    assert index_folder(library, pictures, options=QUICK).added == 2
    assert library.encoder.images == 1
    ids = library.catalogue.present_ids()
    rows = library.embedded(ids).v_i
    assert len(ids) == 2
    assert rows[0].tobytes() == rows[1].tobytes()


def test_batch_that_is_being_stored_is_committed_on_ctrl_c(
    library, paint, pictures, overlapping, monkeypatch
):
    for name in ("blue", "green", "red"):
        paint(f"{name}.png")
    overlapping(3)
    encode = library.encoder.encode_images

    def interrupted(images):
        if library.encoder.images == 1:
            raise KeyboardInterrupt
        return encode(images)

    run = indexing(library, pictures, options=QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(library.encoder, "encode_images", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(run)
    report = run.report
    assert (report.added, report.interrupted) == (1, True)
    assert library.catalogue.counts()["present"] == 1
    forget_counts(library)


def test_batch_that_cannot_be_stored_ends_the_run_with_its_cause(
    library, paint, pictures, monkeypatch
):
    for name in ("blue", "green", "red"):
        paint(f"{name}.png")
    stored = []

    def full(*given):
        stored.append(given)
        raise LibraryError("the disk is full")

    monkeypatch.setattr(pipeline, "PICTURES_PER_BATCH", 1)
    run = indexing(library, pictures, options=QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "store_pictures", full)
        with pytest.raises(LibraryError, match="the disk is full"):
            list(run)
    assert len(stored) == 1
    assert run.report.added == 0
    assert index_folder(library, pictures, options=QUICK).added == 3


def test_progress_counts_what_is_committed(library, paint, pictures, monkeypatch):
    for name in ("blue", "green", "red"):
        paint(f"{name}.png")
    monkeypatch.setattr(pipeline, "PICTURES_PER_BATCH", 1)
    seen = []
    for progress in indexing(library, pictures, options=QUICK):
        seen.append((progress.done, library.catalogue.counts().get("present", 0)))
    assert [done for done, _ in seen] == [0, 1, 2, 3]
    assert all(done <= there for done, there in seen)


def test_every_commit_is_synced(library):
    connect = database._writing_connection.__wrapped__  # as it is without the fixtures of tests
    with closing(connect(library.path, "WAL", 0)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
