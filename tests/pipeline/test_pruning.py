"""Forgetting: only on request, with all that hangs on it, and never a picture."""

import shutil

import pytest
from conftest import forget_counts

from indexer import IndexOptions, index_folder
from indexer.doctor import examine
from indexer.embedding import IMAGE
from indexer.errors import InputError
from indexer.pipeline.pruning import forget_folder
from search import Searcher

QUICK = IndexOptions(workers=1)
PRUNE = IndexOptions(workers=1, prune=True)


def thumbnails(library):
    return len(list(library.thumbnails.rglob("*.jpg")))


def embeddings(library):
    return library.embeddings.count(library.encoder_id)


def test_missing_pictures_are_kept_until_they_are_pruned(colour_library, colour_pictures):
    (colour_pictures / "red.png").unlink()
    (colour_pictures / "yellow.png").unlink()
    index_folder(colour_library, options=QUICK)
    assert colour_library.catalogue.counts()["missing"] == 2
    assert (embeddings(colour_library), thumbnails(colour_library)) == (7, 5)
    report = index_folder(colour_library, options=PRUNE)
    assert (report.pruned, report.unchanged) == (2, 3)
    assert "missing" not in colour_library.catalogue.counts()
    assert (embeddings(colour_library), thumbnails(colour_library)) == (4, 3)
    assert examine(colour_library) == []


def test_pruned_picture_that_returns_is_an_ordinary_new_one(colour_library, colour_pictures, paint):
    (colour_pictures / "red.png").unlink()
    assert index_folder(colour_library, options=PRUNE).pruned == 1
    paint("red.png")
    assert index_folder(colour_library, options=QUICK).added == 1
    assert colour_library.encoder.images == 1


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "not there"])
def test_unplugged_disk_is_no_deletion_even_when_pruning(colour_library, colour_pictures, empty):
    shutil.move(colour_pictures, colour_pictures.with_name("unplugged"))
    if empty:
        colour_pictures.mkdir()  # its mount point
    report = index_folder(colour_library, options=PRUNE)
    assert (report.removed, report.pruned) == (5, 0)
    assert any("unplugged disk" in problem.reason for problem in report.problems)
    if empty:
        colour_pictures.rmdir()
    shutil.move(colour_pictures.with_name("unplugged"), colour_pictures)
    assert index_folder(colour_library, options=QUICK).added == 5
    assert colour_library.encoder.images == 0


def test_picture_on_an_unplugged_disk_is_not_taken_for_one_that_moved_to_its_copy(
    library, paint, pictures, tmp_path
):
    paint("disk/red.png"), paint("copy/red.png")
    index_folder(library, pictures / "disk", pictures / "copy", options=QUICK)
    (pictures / "disk").rename(tmp_path / "unplugged")
    report = index_folder(library, options=PRUNE)
    assert (report.removed, report.pruned) == (1, 0)
    assert library.catalogue.counts() == {"present": 1, "missing": 1, "captions": 0}
    (tmp_path / "unplugged").rename(pictures / "disk")
    assert index_folder(library, options=QUICK).added == 1
    assert library.catalogue.counts() == {"present": 2, "captions": 0}


def test_failed_pictures_that_are_gone_are_pruned_too(colour_library, colour_pictures):
    bad = colour_pictures / "bad.png"
    bad.write_bytes(b"no picture")
    assert len(index_folder(colour_library, options=QUICK).failed) == 1
    bad.unlink()
    assert index_folder(colour_library, options=PRUNE).pruned == 1


def test_forgotten_folder_is_gone_with_all_that_only_it_needed(library, paint, pictures):
    for name, colour in (("one/red", "red"), ("one/blue", "blue"), ("two/red", "red")):
        paint(f"{name}.png", colour, caption=f"a {name}")
        index_folder(library, (pictures / name).parent, options=QUICK)
    assert forget_folder(library, pictures / "one") == 2
    assert [folder.path for folder in library.catalogue.folders()] == [pictures / "two"]
    assert {hit.path for hit in Searcher(library).search("red").hits} == {
        pictures / "two" / "red.png"
    }
    assert (embeddings(library), thumbnails(library)) == (2, 1)
    assert sorted(path.name for path in (pictures / "one").iterdir()) == [
        "blue.png",
        "blue.txt",
        "red.png",
        "red.txt",
    ]
    assert examine(library) == []


def test_folder_that_is_not_there_any_more_can_be_forgotten(colour_library, colour_pictures):
    shutil.rmtree(colour_pictures)
    assert forget_folder(colour_library, colour_pictures) == 5
    assert len(colour_library.vectors()) == 0


def test_part_of_a_folder_is_refused_with_the_way_to_leave_it_out(colour_library, colour_pictures):
    with pytest.raises(InputError, match="--exclude private --prune"):
        forget_folder(colour_library, colour_pictures / "private")


def test_folder_that_is_not_known_is_refused(colour_library, tmp_path):
    with pytest.raises(InputError, match="not a folder of this library"):
        forget_folder(colour_library, tmp_path)


def test_excluded_pictures_leave_the_results_and_are_pruned(colour_library, colour_pictures):
    options = IndexOptions(exclude=["red*"], workers=1, prune=True)
    report = index_folder(colour_library, colour_pictures, options=options)
    assert (report.removed, report.pruned) == (1, 1)


def test_embeddings_of_a_former_encoder_are_pruned(colour_library):
    former = colour_library.encoder_id
    index_folder(colour_library, options=IndexOptions(workers=1, model="colour:2"))
    assert colour_library.embeddings.count(former) == 7
    forget_counts(colour_library)
    index_folder(colour_library, options=PRUNE)
    assert colour_library.embeddings.count(former) == 0
    content = colour_library.catalogue.content_hashes()
    assert colour_library.embeddings.stored(colour_library.encoder_id, IMAGE, content) == content
