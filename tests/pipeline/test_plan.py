"""Plans of a run: a folder is compared in one walk, before any picture is read."""

import os
from collections import Counter

import pytest
from test_pipeline import captions, index, numbers

from indexer import Library
from indexer.encoders import registry


@pytest.fixture
def listed(monkeypatch):
    """Number of times that each folder is listed, by its name.

    That of pictures once more in each run: an empty one may be the place of an unplugged disk.
    """
    counts = Counter()
    scandir = os.scandir

    def counted(path):
        counts[os.path.basename(os.fsdecode(path))] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    return counts


def test_run_lists_every_folder_once(library, paint, pictures, listed):
    paint("a/red.png", caption="a red wall")
    paint("a/b/blue.png")
    (pictures / "a" / "captions.csv").write_text("file,caption\nb/blue.png,a blue door\n")
    assert numbers(index(library, pictures)) == (2, 0, 0, 0, 0)
    assert captions(library) == {"red.png": ("a red wall",), "blue.png": ("a blue door",)}
    assert [listed[name] for name in ("pictures", "a", "b")] == [2, 1, 1]


def test_library_inside_a_folder_is_not_walked(paint, pictures, listed):
    paint("red.png")
    with Library.create(pictures / "own", encoder="colour") as own:
        assert numbers(index(own, pictures)) == (1, 0, 0, 0, 0)
        listed.clear()
        assert numbers(index(own)) == (0, 1, 0, 0, 0)
    with Library.create(pictures / "other", encoder="colour") as other:
        assert numbers(index(other, pictures)) == (1, 0, 0, 0, 0)
    assert [listed[name] for name in ("pictures", "own", "thumbnails")] == [4, 0, 0]


def test_unchanged_folder_needs_no_encoder(colour_library, colour_pictures, monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "colour", "no_such_module:open_encoder")
    with Library.open(colour_library.path) as opened:
        assert numbers(index(opened, colour_pictures)) == (0, 5, 0, 0, 0)


def test_captions_in_an_excluded_folder_are_read(library, paint, pictures, listed):
    paint("red.png")
    paint("texts/blue.png")
    (pictures / "texts" / "all.csv").write_text("file,caption\n../red.png,a red wall\n")
    report = index(library, pictures, exclude=["texts"])
    assert numbers(report) == (1, 0, 0, 0, 0)
    assert captions(library) == {"red.png": ("a red wall",)}
    assert (listed["pictures"], listed["texts"]) == (2, 1)


def test_excluded_caption_file_is_read(library, paint, pictures):
    paint("red.png", caption="a red wall")
    index(library, pictures, exclude=["*.txt"])
    assert captions(library) == {"red.png": ("a red wall",)}


def test_captions_of_a_linked_folder_are_read_where_its_pictures_are(
    library, paint, pictures, tmp_path
):
    paint("../elsewhere/red.png", caption="a red wall")
    paint("blue.png")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "blue.csv").write_text("file,caption\nblue.png,a blue door\n")
    (pictures / "link").symlink_to(tmp_path / "elsewhere")
    (pictures / "no-pictures").symlink_to(tmp_path / "texts")
    report = index(library, pictures)
    assert captions(library) == {"red.png": ("a red wall",), "blue.png": ()}
    assert report.caption_files == []


def test_remains_of_an_archive_are_neither_pictures_nor_captions(library, paint, pictures):
    paint("red.png"), paint("__MACOSX/red.png", caption="a red wall")
    paint("sub/__MACOSX/blue.png", caption="a blue door")
    (pictures / "__MACOSX" / "all.csv").write_text("file,caption\nred.png,a red wall\n")
    report = index(library, pictures)
    assert captions(library) == {"red.png": ()}
    assert report.caption_files == []


def test_only_some_pictures_of_a_folder_still_get_captions_from_a_table_of_all(
    library, paint, pictures
):
    paint("red.png"), paint("blue.png")
    (pictures / "all.csv").write_text("file,caption\nred.png,a wall\nblue.png,a door\n")
    report = index(library, pictures, only={b"red.png"})
    assert captions(library) == {"red.png": ("a wall",)}
    assert [(file.rows, file.unmatched) for file in report.caption_files] == [(2, 0)]
    assert numbers(index(library)) == (1, 1, 0, 0, 0)
