"""Folders that were moved: their pictures are found in the new place, and nothing is encoded."""

import shutil

import pytest
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder
from indexer.errors import InputError
from indexer.pipeline.relocating import relocate
from search import Searcher

QUICK = IndexOptions(workers=1)


def found(library, query, k=1):
    return [hit.path for hit in Searcher(library).search(query, k=k).hits]


def folders(library):
    return [folder.path for folder in library.catalogue.folders()]


def test_moved_folder_is_found_in_its_new_place(colour_library, colour_pictures, tmp_path):
    new = tmp_path / "disk" / "photos"
    new.parent.mkdir()
    shutil.move(colour_pictures, new)
    (moved,) = relocate(colour_library, colour_pictures, new)
    assert (moved.old, moved.new, moved.pictures) == (colour_pictures, new, 5)
    assert found(colour_library, "red") == [new / "red.png"]
    report = index_folder(colour_library, options=QUICK)
    assert (report.unchanged, report.added, report.removed) == (5, 0, 0)
    assert colour_library.encoder.images == 0


def test_library_and_pictures_may_both_be_moved(colour_library, colour_pictures, tmp_path):
    colour_library.close()
    shutil.move(colour_library.path, tmp_path / "elsewhere")
    shutil.move(colour_pictures, tmp_path / "photos")
    with Library.open(tmp_path / "elsewhere") as opened:
        relocate(opened, colour_pictures, tmp_path / "photos")
        assert found(opened, "red") == [tmp_path / "photos" / "red.png"]


def test_folder_above_takes_all_its_folders_along(library, paint, pictures, tmp_path):
    for name in ("one", "two"):
        paint(f"{name}/red.png")
        index_folder(library, pictures / name, options=QUICK)
    shutil.move(pictures, tmp_path / "new")
    assert len(relocate(library, pictures, tmp_path / "new")) == 2
    assert folders(library) == [tmp_path / "new" / "one", tmp_path / "new" / "two"]
    assert index_folder(library, options=QUICK).unchanged == 2


def test_part_of_a_folder_becomes_a_folder_of_its_own(library, paint, pictures, tmp_path):
    paint("red.png")
    paint("2020/summer/green.png")
    paint("2020x/blue.png")
    index_folder(library, pictures, options=QUICK)
    forget_counts(library)
    shutil.move(pictures / "2020", tmp_path / "archive")
    (moved,) = relocate(library, pictures / "2020", tmp_path / "archive")
    assert moved.pictures == 1
    assert found(library, "green") == [tmp_path / "archive" / "summer" / "green.png"]
    assert found(library, "blue") == [pictures / "2020x" / "blue.png"]
    assert index_folder(library, options=QUICK).unchanged == 3
    assert library.encoder.images == 0


def test_part_keeps_the_captions_that_a_file_elsewhere_gives(library, paint, pictures, tmp_path):
    paint("a/one.png", "red"), paint("b/two.png", "green")
    table = tmp_path / "captions.csv"
    table.write_text("file,caption\na/one.png,blue boat\nb/two.png,black cat\n")
    index_folder(library, pictures, options=IndexOptions([table], workers=1))
    shutil.move(pictures / "a", tmp_path / "moved")
    relocate(library, pictures / "a", tmp_path / "moved")
    report = index_folder(library, options=QUICK)
    assert (report.unchanged, report.changed, report.problems) == (2, 0, [])
    hits = Searcher(library).search("blue").hits
    assert {hit.path.name: hit.caption for hit in hits} == {
        "one.png": "blue boat",
        "two.png": "black cat",
    }


@pytest.mark.parametrize("pattern", ["a/private", "private", "a/private/two.png", "*/private/*"])
def test_what_was_excluded_of_a_part_stays_excluded(library, paint, pictures, tmp_path, pattern):
    paint("a/red.png"), paint("a/private/two.png", "green")
    index_folder(library, pictures, options=IndexOptions(exclude=[pattern], workers=1))
    shutil.move(pictures / "a", tmp_path / "moved")
    relocate(library, pictures / "a", tmp_path / "moved")
    report = index_folder(library, options=QUICK)
    assert (report.added, report.unchanged, report.removed) == (0, 1, 0)
    assert found(library, "green", k=9) == [tmp_path / "moved" / "red.png"]


def test_pictures_missing_meanwhile_are_there_again(colour_library, colour_pictures, tmp_path):
    shutil.move(colour_pictures, tmp_path / "new")
    index_folder(colour_library, options=QUICK)
    assert found(colour_library, "red") == []
    relocate(colour_library, colour_pictures, tmp_path / "new")
    index_folder(colour_library, options=QUICK)
    assert found(colour_library, "red") == [tmp_path / "new" / "red.png"]
    assert colour_library.encoder.images == 0


def test_caption_file_that_was_named_moves_along(library, paint, pictures, tmp_path):
    paint("green.png")
    (pictures / "said.csv").write_text("file,caption\ngreen.png,a purple cow\n")
    index_folder(library, pictures, options=IndexOptions([pictures / "said.csv"], workers=1))
    shutil.move(pictures, tmp_path / "new")
    relocate(library, pictures, tmp_path / "new")
    report = index_folder(library, options=QUICK)
    assert (report.unchanged, report.problems) == (1, [])


@pytest.mark.parametrize("old", ["nowhere", "library"])
def test_folder_that_is_not_known_is_refused_with_those_that_are(
    colour_library, colour_pictures, tmp_path, old
):
    with pytest.raises(InputError, match=f"which has: {colour_pictures}"):
        relocate(colour_library, tmp_path / old, colour_pictures)


def test_place_that_is_not_there_is_refused(colour_library, colour_pictures, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        relocate(colour_library, colour_pictures, tmp_path / "new")


def test_place_without_the_pictures_is_refused(colour_library, colour_pictures, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "red.png").write_bytes(b"another one")
    with pytest.raises(InputError, match="none of the 5 pictures is there"):
        relocate(colour_library, colour_pictures, tmp_path / "new")
    assert folders(colour_library) == [colour_pictures]


def test_place_that_is_indexed_already_is_refused(library, paint, pictures, tmp_path):
    for name in ("one", "two"):
        paint(f"{name}/red.png")
        index_folder(library, pictures / name, options=QUICK)
    for new in (pictures / "two", pictures):
        with pytest.raises(InputError, match="run 'picfuse index' instead"):
            relocate(library, pictures / "one", new)


def test_part_without_pictures_is_refused(colour_library, colour_pictures, tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(InputError, match="the library has no picture there"):
        relocate(colour_library, colour_pictures / "2020", tmp_path / "new")
