"""Caption files that are as they were: not read again, and never wrongly taken as unchanged."""

import os
import shutil

import pytest
from test_pipeline import age, captions, index, numbers

from indexer.captions import digest, finder
from indexer.doctor.rescue import rescue
from indexer.library.library import Library


@pytest.fixture
def reads(monkeypatch):
    """The names of caption files that were read since the list was cleared."""
    names = []
    for reader in ("read_sidecar", "is_plausible", "rows_of"):
        real = getattr(finder, reader)

        def read(path, *more, real=real):
            names.append(path.name)
            return real(path, *more)

        monkeypatch.setattr(finder, reader, read)
    return names


@pytest.fixture
def folder(paint, pictures):
    """Two pictures, of which a sidecar and a table speak."""
    paint("red.png", caption="a red wall"), paint("blue.png")
    (pictures / "all.csv").write_text("file,caption\nblue.png,a blue door\nno.png,nothing\n")
    return pictures


def rewritten(folder):
    """Another caption of the same length, at the same time."""
    file = folder / "red.txt"
    state = file.stat()
    file.write_text("a red hall")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file.stat().st_size == state.st_size


CHANGES = {  # what happens, then the captions of one picture
    "appears": (
        lambda folder, paint: (folder / "blue.txt").write_text("a sea"),
        ("blue.png", ("a sea", "a blue door")),
    ),
    "changes": (
        lambda folder, paint: (folder / "red.txt").write_text("a barn"),
        ("red.png", ("a barn",)),
    ),
    "keeps its size and time": (
        lambda folder, paint: rewritten(folder),
        ("red.png", ("a red hall",)),
    ),
    "vanishes": (lambda folder, paint: (folder / "all.csv").unlink(), ("blue.png", ())),
    "gets its picture": (lambda folder, paint: paint("no.png", "red"), ("no.png", ("nothing",))),
    "is renamed": (
        lambda folder, paint: (folder / "red.txt").rename(folder / "red"),
        ("red.png", ()),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_caption_file_is_read_again_when_it(library, folder, paint, change):
    index(library, folder)
    happen, (picture, texts) = CHANGES[change]
    happen(folder, paint)
    index(library)
    assert captions(library)[picture] == texts


def test_unchanged_caption_files_are_not_read_and_told_as_before(library, folder, reads):
    (folder / "bad.json").write_text('{"images": [')
    (folder / "notes.captions").write_text("a barn")
    first = index(library, folder)
    assert {"red.txt", "all.csv"} <= set(reads)
    reads.clear()
    again = index(library)
    assert (numbers(again), reads) == ((0, 2, 0, 0, 0), [])
    for part in ("caption_files", "problems", "passed_over", "unused_captions", "complete"):
        assert getattr(again, part) == getattr(first, part)
    index(library, verify=True)
    assert "red.txt" in reads


def test_file_that_was_just_written_is_not_trusted(library, folder, reads, monkeypatch):
    monkeypatch.setattr(digest, "GRANULE", 3600 * 10**9)
    index(library, folder)
    reads.clear()
    index(library)
    assert "red.txt" in reads


def test_newer_readers_read_all_again(library, folder, reads, monkeypatch):
    index(library, folder)
    reads.clear()
    monkeypatch.setattr(digest, "VERSION", -1)
    index(library)
    assert "all.csv" in reads


def test_interrupted_run_leaves_no_trust_in_what_it_did_not_store(library, folder, paint):
    index(library, folder)
    shutil.copy2(folder / "red.txt", folder / "kept")
    (folder / "red.txt").write_text("a barn")
    index(library, only={b"blue.png"})  # the table and the sidecar were read, one picture updated
    shutil.copy2(folder / "kept", folder / "red.txt")
    index(library)
    assert captions(library)["red.png"] == ("a red wall",)


def test_changed_picture_keeps_the_captions_beside_it(library, folder, paint):
    index(library, folder)
    age(paint("red.png", colour="green"))
    assert numbers(index(library)) == (0, 1, 1, 0, 0)
    assert captions(library)["red.png"] == ("a red wall",)


def test_rescued_library_reads_caption_files_again(library, folder, reads):
    index(library, folder)
    library.close()
    rescue(library.path)
    reads.clear()
    with Library.open(library.path) as opened:
        index(opened)
    assert "red.txt" in reads
