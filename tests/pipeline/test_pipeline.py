"""Indexing: what each run does to a folder that changes, fails, moves and is interrupted."""

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from colour_encoder import DIM
from conftest import forget_counts
from odd_pictures import jpeg
from PIL import Image
from test_decoding import by_name

from indexer import Failure, IndexOptions, Library, Progress, index_folder, indexing
from indexer.errors import CaptionFileError, InputError, LibraryError
from indexer.pictures.decoding import DecodeFailure, Known
from indexer.pictures.hashes import content_hash
from indexer.pictures.pool import DecodingPool
from indexer.pipeline import decoders
from search import Searcher

QUICK = IndexOptions(workers=1)


def index(library, *folders, **options):
    return index_folder(library, *folders, options=IndexOptions(workers=1, **options))


def found(library, query, k=10):
    return [hit.path.name for hit in Searcher(library).search(query, k=k).hits]


def captions(library):
    """Captions of the present pictures, by name."""
    infos = library.catalogue.pictures(library.catalogue.present_ids()).values()
    return {info.path.name: info.captions for info in infos}


def numbers(report):
    return report.added, report.unchanged, report.changed, report.removed, len(report.failed)


def encoded(library):
    counts = library.encoder.images, library.encoder.texts
    forget_counts(library)
    return counts


def age(path, seconds=100):
    """Make a file look older, as if it was changed at another time."""
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns - seconds * 10**9))


def test_red_picture_is_first_for_red(colour_library):
    assert found(colour_library, "red")[0] == "red.png"
    assert found(colour_library, "green")[0] == "green.png"


def test_first_run_reports_what_it_added(library, colour_pictures):
    report = index(library, colour_pictures)
    assert numbers(report) == (5, 0, 0, 0, 0)
    assert encoded(library) == (5, 2)
    assert report.problems == []
    assert report.elapsed_ms > 0
    assert not report.interrupted


def test_second_run_touches_nothing(colour_library):
    generation = colour_library.generation
    files = {path: path.stat().st_mtime_ns for path in colour_library.path.glob("vectors-*")}
    assert numbers(index(colour_library)) == (0, 5, 0, 0, 0)
    assert encoded(colour_library) == (0, 0)
    assert colour_library.generation == generation
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_second_run_does_not_even_start_a_decoder(colour_library, monkeypatch):
    monkeypatch.setattr(decoders, "DecodingPool", None)
    assert index(colour_library).unchanged == 5


def test_same_folder_by_its_name_is_not_added_twice(colour_library, colour_pictures):
    assert numbers(index(colour_library, colour_pictures)) == (0, 5, 0, 0, 0)
    assert len(colour_library.catalogue.folders()) == 1


def test_new_picture_alone_is_encoded(colour_library, paint):
    paint("white.png")
    assert numbers(index(colour_library)) == (1, 5, 0, 0, 0)
    assert encoded(colour_library) == (1, 0)
    assert found(colour_library, "white", 1) == ["white.png"]


def test_changed_picture_is_encoded_again(colour_library, paint):
    age(paint("red.png", "white"))
    assert numbers(index(colour_library)) == (0, 4, 1, 0, 0)
    assert encoded(colour_library) == (1, 0)
    assert found(colour_library, "white", 1) == ["red.png"]


def test_touched_picture_keeps_its_embedding(colour_library, colour_pictures):
    age(colour_pictures / "red.png")
    index(colour_library)
    assert encoded(colour_library) == (0, 0)
    assert numbers(index(colour_library)) == (0, 5, 0, 0, 0)


def test_added_caption_is_found(colour_library, colour_pictures):
    (colour_pictures / "red.txt").write_text("a green door")
    assert numbers(index(colour_library)) == (0, 4, 1, 0, 0)
    assert encoded(colour_library) == (0, 1)
    assert captions(colour_library)["red.png"] == ("a green door",)
    assert set(found(colour_library, "green", 2)) == {"green.png", "red.png"}


def test_changed_caption_replaces_the_old_one(colour_library, colour_pictures):
    (colour_pictures / "yellow.txt").write_text("yellow boat")
    assert numbers(index(colour_library)) == (0, 4, 1, 0, 0)
    assert captions(colour_library)["yellow.png"] == ("yellow boat",)
    assert found(colour_library, "yellow", 1) == ["yellow.png"]


def test_removed_caption_is_forgotten(colour_library, colour_pictures):
    assert "yellow.png" in found(colour_library, "blue", 2)
    (colour_pictures / "yellow.txt").unlink()
    assert numbers(index(colour_library)) == (0, 4, 1, 0, 0)
    assert captions(colour_library)["yellow.png"] == ()
    hits = {hit.path.name: hit for hit in Searcher(colour_library).search("blue").hits}
    assert hits["yellow.png"].score == pytest.approx(0, abs=1e-3)
    assert hits["yellow.png"].caption_score is None


def test_removed_picture_is_out_of_the_results_at_once(colour_library, colour_pictures):
    searcher = Searcher(colour_library)
    assert searcher.search("red").hits[0].path.name == "red.png"
    (colour_pictures / "red.png").unlink()
    assert numbers(index(colour_library)) == (0, 4, 0, 1, 0)
    assert "red.png" not in [hit.path.name for hit in searcher.search("red").hits]
    assert colour_library.catalogue.counts()["missing"] == 1
    assert numbers(index(colour_library)) == (0, 4, 0, 0, 0)


def test_picture_that_returns_is_found_again_without_encoding(colour_library, colour_pictures):
    away = colour_pictures.with_name("away.png")
    (colour_pictures / "red.png").rename(away)
    index(colour_library)
    away.rename(colour_pictures / "red.png")
    assert numbers(index(colour_library)) == (1, 4, 0, 0, 0)
    assert encoded(colour_library) == (0, 0)
    assert found(colour_library, "red", 1) == ["red.png"]
    assert colour_library.catalogue.present_ids() == [1, 2, 3, 4, 5]  # under its old number


def test_picture_that_returns_with_another_caption_has_it(colour_library, colour_pictures):
    away = colour_pictures.with_name("away.png")
    (colour_pictures / "yellow.png").rename(away)
    index(colour_library)
    away.rename(colour_pictures / "yellow.png")
    (colour_pictures / "yellow.txt").write_text("a green boat")
    index(colour_library)
    assert captions(colour_library)["yellow.png"] == ("a green boat",)


def test_moved_picture_keeps_its_embedding(colour_library, colour_pictures):
    (colour_pictures / "sub").mkdir()
    (colour_pictures / "red.png").rename(colour_pictures / "sub" / "crimson.png")
    assert numbers(index(colour_library)) == (1, 4, 0, 1, 0)
    assert encoded(colour_library) == (0, 0)
    assert found(colour_library, "red", 1) == ["crimson.png"]
    assert "missing" not in colour_library.catalogue.counts()


@pytest.mark.parametrize("reverse", [False, True])
def test_picture_moved_between_two_folders_is_not_missing(library, paint, pictures, reverse):
    paint("a/red.png"), paint("a/blue.png"), paint("b/green.png"), paint("b/black.png")
    index(library, pictures / "a", pictures / "b")
    forget_counts(library)
    source, target = ("b/green.png", "a/green.png") if reverse else ("a/red.png", "b/red.png")
    (pictures / source).rename(pictures / target)
    assert numbers(index(library)) == (1, 3, 0, 1, 0)
    assert encoded(library) == (0, 0)
    assert library.catalogue.counts() == {"present": 4, "captions": 0}


def test_caption_written_into_a_picture_does_not_encode_its_pixels_again(library, pictures):
    path = pictures / "grey.jpg"
    jpeg(path)
    index(library, pictures)
    forget_counts(library)
    exif = Image.Exif()
    exif[0x010E] = "a green bottle"
    with Image.open(path) as image:
        image.save(path, "JPEG", quality="keep", exif=exif)
    age(path)
    assert numbers(index(library)) == (0, 0, 1, 0, 0)
    assert encoded(library) == (0, 1)
    (hit,) = Searcher(library).search("green").hits
    assert hit.caption == "a green bottle"


def test_moved_picture_is_not_even_decoded(colour_library, colour_pictures, monkeypatch):
    (colour_pictures / "red.png").rename(colour_pictures / "scarlet.png")
    shutil.copy(colour_pictures / "blue.png", colour_pictures / "azure.png")
    age(colour_pictures / "green.png")
    options = partial(decoders.DecodingPool, task=only_known)
    monkeypatch.setattr(decoders, "DecodingPool", options)
    report = index(colour_library)
    assert (numbers(report), report.failed) == ((2, 4, 0, 1, 0), [])
    assert encoded(colour_library) == (0, 0)
    assert found(colour_library, "red", 1) == ["scarlet.png"]


def only_known(path, settings):
    """A decoder that reads and hashes, and must not be asked for more."""
    digest = content_hash(path)
    if digest in settings.known:
        return Known(path, digest)
    return DecodeFailure(path, digest, "it was not known")


def test_copied_picture_shares_the_embedding(colour_library, colour_pictures):
    shutil.copy(colour_pictures / "red.png", colour_pictures / "copy.png")
    assert numbers(index(colour_library)) == (1, 5, 0, 0, 0)
    assert encoded(colour_library) == (0, 0)
    assert set(found(colour_library, "red", 2)) == {"red.png", "copy.png"}


def test_copies_within_one_batch_are_encoded_once(library, paint, pictures):
    for number in range(5):
        paint(f"red-{number}.png", caption="a wall")
    assert index(library, pictures).added == 5
    assert encoded(library) == (1, 1)


@pytest.mark.parametrize("late", ["a/red.png", "b/red.png"])
def test_copy_of_a_picture_is_known_though_another_copy_failed(
    library, paint, pictures, monkeypatch, late
):
    class Slow(decoders.DecodingPool):
        def decode_all(self, items, known=None):
            items = list(items)
            failing = {key for key, path in items if path.endswith(os.fsencode(late))}
            for outcome in super().decode_all(items, known):
                if outcome.key in failing:
                    outcome = DecodeFailure(outcome.key, outcome.content_hash, "it took too long")
                yield outcome

    paint("a/red.png"), paint("b/red.png")
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "DecodingPool", Slow)
        assert numbers(index(library, pictures)) == (1, 0, 0, 0, 1)
    forget_counts(library)
    paint("c/red.png")
    report = index(library)
    assert numbers(report) == (1, 1, 0, 0, 1)
    assert [failure.path for failure in report.failed] == [pictures / late]
    assert encoded(library) == (0, 0)
    assert len(found(library, "red")) == 2


def test_run_over_some_pictures_leaves_the_others_as_they_are(library, paint, pictures):
    paint("red.png", caption="a wall"), paint("blue.png", caption="a boat"), paint("green.png")
    index(library, pictures)
    forget_counts(library)
    age(paint("blue.png", "white"))
    (pictures / "green.png").unlink()
    assert numbers(index(library, pictures, only=[b"red.png"])) == (0, 1, 0, 0, 0)
    assert encoded(library) == (0, 0)
    assert captions(library) == {"red.png": ("a wall",), "blue.png": ("a boat",), "green.png": ()}
    assert set(found(library, "blue")) == {"red.png", "blue.png", "green.png"}
    assert numbers(index(library, pictures, only=[b"green.png"])) == (0, 0, 0, 1, 0)
    assert numbers(index(library)) == (0, 1, 1, 0, 0)


# Folders


def test_folder_inside_an_indexed_one_belongs_to_it(colour_library, colour_pictures, paint):
    paint("sub/white.png")
    report = index(colour_library, colour_pictures / "sub")
    assert (report.added, len(report.failed)) == (1, 0)
    assert [folder.path for folder in colour_library.catalogue.folders()] == [colour_pictures]


def test_folder_above_absorbs_an_indexed_one(library, paint, pictures):
    paint("sub/deep/red.png"), paint("sub/blue.png"), paint("green.png")
    index(library, pictures / "sub")
    before = set(library.catalogue.present_ids())
    forget_counts(library)
    assert numbers(index(library, pictures)) == (1, 2, 0, 0, 0)
    assert encoded(library) == (1, 0)
    assert [folder.path for folder in library.catalogue.folders()] == [pictures]
    assert before < set(library.catalogue.present_ids())
    assert found(library, "red", 1) == ["red.png"]


def test_absorbed_folder_keeps_what_was_said_of_it(library, paint, pictures, tmp_path):
    paint("sub/red.png"), paint("sub/drafts/blue.png"), paint("drafts/green.png")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    index(library, pictures / "sub", captions=[table], exclude=["drafts"])
    index(library, pictures)
    assert captions(library) == {"red.png": ("a purple wall",), "green.png": ()}


def test_two_folders_named_at_once_one_in_the_other_are_one(library, paint, pictures):
    paint("sub/red.png")
    assert index(library, pictures / "sub", pictures).added == 1
    assert [folder.path for folder in library.catalogue.folders()] == [pictures]


def test_folders_with_a_common_beginning_are_two(library, paint, pictures):
    paint("trip/red.png"), paint("trip-2/blue.png")
    index(library, pictures / "trip")
    assert index(library, pictures / "trip-2").added == 1
    assert len(library.catalogue.folders()) == 2


def test_only_the_named_folder_is_looked_at(library, paint, pictures):
    paint("a/red.png"), paint("b/blue.png")
    index(library, pictures / "a", pictures / "b")
    paint("a/white.png"), paint("b/black.png")
    assert numbers(index(library, pictures / "b")) == (1, 1, 0, 0, 0)


def test_library_inside_an_indexed_folder_is_not_indexed(colour_pictures):
    with Library.create(colour_pictures / "library", encoder="colour") as made:
        assert index(made, colour_pictures).added == 5
        assert list(made.thumbnails.rglob("*.jpg"))
        assert numbers(index(made)) == (0, 5, 0, 0, 0)


def test_another_library_inside_an_indexed_folder_is_not_indexed(library, colour_pictures):
    with Library.create(colour_pictures / "another", encoder="colour") as another:
        index(another, colour_pictures)
    assert any(colour_pictures.glob("another/thumbnails/*/*.jpg"))
    assert index(library, colour_pictures).added == 5


def test_library_reached_through_a_link_is_not_indexed(colour_pictures, tmp_path):
    real = colour_pictures.rename(tmp_path / "real")
    linked = tmp_path / "linked"
    linked.symlink_to(real)
    with Library.create(real / "library", encoder="colour") as made:
        (real / "shortcut").symlink_to(real / "library")
        assert index(made, linked).added == 5
        assert numbers(index(made)) == (0, 5, 0, 0, 0)


def test_no_folder_at_all_is_an_input_error(library):
    with pytest.raises(InputError, match=r"no folder to index: name one"):
        index(library)


def test_folder_that_is_not_there_is_an_input_error(library, tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}/nowhere: no such folder"):
        index(library, tmp_path / "nowhere")
    assert library.catalogue.folders() == []


def test_file_instead_of_a_folder_is_an_input_error(library, paint):
    with pytest.raises(InputError, match="a file, not a folder"):
        index(library, paint("red.png"))


def test_unknown_home_is_an_input_error(library):
    with pytest.raises(InputError, match="no such folder"):
        index(library, "~nobody-of-this-name/pictures")


def test_folder_that_vanished_counts_as_missing_and_returns(colour_library, colour_pictures):
    away = colour_pictures.rename(colour_pictures.with_name("unplugged"))
    report = index(colour_library)
    assert numbers(report) == (0, 0, 0, 5, 0)
    assert [problem.path for problem in report.problems] == [colour_pictures]
    assert found(colour_library, "red") == []
    away.rename(colour_pictures)
    assert numbers(index(colour_library)) == (5, 0, 0, 0, 0)
    assert encoded(colour_library) == (0, 1)  # the query


def test_folder_without_pictures_is_an_ordinary_case(library, pictures):
    assert numbers(index(library, pictures)) == (0, 0, 0, 0, 0)
    assert found(library, "red") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_pictures_of_a_folder_that_cannot_be_read_now_stay(library, paint, pictures):
    paint("sub/red.png"), paint("blue.png")
    index(library, pictures)
    (pictures / "sub").chmod(0)
    try:
        report = index(library)
    finally:
        (pictures / "sub").chmod(0o755)
    assert report.removed == 0
    assert report.problems[0].path == pictures / "sub"
    assert found(library, "red", 1) == ["red.png"]


def test_folder_that_cannot_be_read_is_one_problem(library, paint, pictures, monkeypatch):
    paint("closed/red.png", caption="a red wall")
    paint("blue.png")
    scandir = os.scandir

    def guarded(path):
        if os.fsencode(path).endswith(b"/closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    report = index(library, pictures)
    [problem] = report.problems
    assert problem.path == pictures / "closed"
    assert problem.reason.startswith("permission denied")
    assert report.added == 1


def test_pictures_on_a_dead_network_drive_stay(library, paint, pictures, monkeypatch):
    paint("dead/red.png", caption="a wall"), paint("here/blue.png")
    index(library, pictures / "dead", pictures / "here")
    raw = os.fsencode(pictures / "dead")

    def dead(call):
        def called(path=".", *arguments, **options):
            if not isinstance(path, int) and os.fsencode(path).startswith(raw):
                raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", path)
            return call(path, *arguments, **options)

        return called

    for name in ("stat", "scandir"):
        monkeypatch.setattr(os, name, dead(getattr(os, name)))
    report = index(library)
    assert numbers(report) == (0, 1, 0, 0, 0)
    assert [problem.path for problem in report.problems] == [pictures / "dead"]
    assert "not connected" in report.problems[0].reason.lower()
    monkeypatch.undo()
    assert captions(library) == {"red.png": ("a wall",), "blue.png": ()}
    assert found(library, "red", 1) == ["red.png"]


# Failures


def test_bad_picture_is_a_failure_with_its_reason(colour_library, colour_pictures, paint):
    bad = colour_pictures / "bad.jpg"
    bad.write_bytes(b"\xff\xd8 no picture")
    paint("white.png")
    report = index(colour_library)
    assert numbers(report) == (1, 5, 0, 0, 1)
    (failure,) = report.failed
    assert failure.path == bad
    assert "not a picture" in failure.reason
    assert colour_library.catalogue.failures() == [(bad, failure.reason)]
    assert colour_library.catalogue.counts()["failed"] == 1


def test_failure_is_remembered_and_not_tried_again(colour_library, colour_pictures, monkeypatch):
    (colour_pictures / "bad.jpg").write_bytes(b"no picture")
    first = index(colour_library)
    monkeypatch.setattr(decoders, "DecodingPool", None)
    second = index(colour_library)
    assert second.failed == first.failed
    assert second.unchanged == 5


def test_failed_picture_is_tried_again_when_it_changes(colour_library, colour_pictures, paint):
    (colour_pictures / "white.png").write_bytes(b"no picture")
    index(colour_library)
    age(paint("white.png", caption="a white bear"))
    assert numbers(index(colour_library)) == (0, 5, 1, 0, 0)
    assert found(colour_library, "white", 1) == ["white.png"]
    assert captions(colour_library)["white.png"] == ("a white bear",)
    assert colour_library.catalogue.failures() == []


def test_picture_that_turns_bad_is_out_of_the_results(colour_library, colour_pictures):
    (colour_pictures / "red.png").write_bytes(b"no picture")
    assert numbers(index(colour_library)) == (0, 4, 0, 0, 1)
    assert "red.png" not in found(colour_library, "red")
    assert len(colour_library.vectors()) == 4


def test_failed_picture_that_left_and_returned_is_still_failed(colour_library, colour_pictures):
    bad, away = colour_pictures / "bad.jpg", colour_pictures.with_name("away.jpg")
    bad.write_bytes(b"no picture")
    index(colour_library)
    bad.rename(away)
    index(colour_library)
    away.rename(bad)
    report = index(colour_library)
    assert [failure.path for failure in report.failed] == [bad]
    assert colour_library.catalogue.counts() == {"present": 5, "failed": 1, "captions": 2}


def test_picture_that_could_not_be_read_is_tried_again(colour_library, paint, monkeypatch):
    paint("white.png")  # and "permission denied", which tests that run as root never see

    class Unreadable(decoders.DecodingPool):
        def decode_all(self, items, known=None):
            for key, _ in items:
                yield DecodeFailure(key, None, "permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(decoders, "DecodingPool", Unreadable)
        assert [failure.reason for failure in index(colour_library).failed] == ["permission denied"]
    report = index(colour_library)
    assert (report.changed, report.failed) == (1, [])
    assert found(colour_library, "white", 1) == ["white.png"]


def test_picture_that_killed_its_decoder_is_not_tried_again(colour_library, paint, monkeypatch):
    paint("exit-1.png", "white")
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "DecodingPool", partial(DecodingPool, task=by_name))
        first = index(colour_library)
    assert [failure.reason for failure in first.failed] == ["the decoder crashed (exit status 7)"]
    monkeypatch.setattr(decoders, "DecodingPool", None)
    assert index(colour_library).failed == first.failed


def test_reason_with_a_name_that_is_not_utf8_does_not_stop_the_run(
    colour_library, paint, monkeypatch
):
    paint("white.png")
    reason = os.fsdecode(b"cannot decode \xff.png")

    class Fatal(decoders.DecodingPool):
        def decode_all(self, items, known=None):
            for key, _ in items:
                yield DecodeFailure(key, None, reason)

    monkeypatch.setattr(decoders, "DecodingPool", Fatal)
    assert len(index(colour_library).failed) == 1
    assert len(colour_library.catalogue.failures()) == 1


def test_picture_over_the_limit_of_pixels_fails(library, paint, pictures):
    paint("red.png")
    report = index(library, pictures, max_pixels=100)
    assert "over the limit" in report.failed[0].reason


def test_picture_over_a_limit_is_tried_again_under_a_higher_one(library, paint, pictures):
    paint("red.png")
    assert numbers(index(library, pictures, max_pixels=1)) == (0, 0, 0, 0, 1)
    assert numbers(index(library, pictures)) == (0, 0, 0, 0, 1)
    assert not index(library, pictures, max_pixels=10**6).failed
    assert found(library, "red") == ["red.png"]


def test_failures_stop_neither_the_batch_nor_the_folder(library, paint, pictures):
    for number in range(40):
        paint(f"red-{number}.png")
        (pictures / f"bad-{number}.png").write_bytes(b"no picture")
    assert numbers(index(library, pictures)) == (40, 0, 0, 0, 40)


# Interrupting


def test_progress_begins_with_nothing_done_and_ends_with_all(library, paint, pictures):
    for number in range(70):
        paint(f"red-{number}.png")
    events = list(indexing(library, pictures, options=QUICK))
    assert events[0] == Progress(0, 70)
    assert events[-1] == Progress(70, 70)
    assert [event.done for event in events] == [0, 32, 64, 70]


def test_report_grows_while_the_run_goes_on(library, paint, pictures):
    for number in range(70):
        paint(f"red-{number}.png")
    run = indexing(library, pictures, options=QUICK)
    assert [run.report.added for _ in run] == [0, 32, 64, 70]
    assert not run.report.interrupted
    assert run.report.elapsed_ms > 0


def test_run_begins_with_its_first_step(library, paint, pictures):
    paint("red.png")
    run = indexing(library, pictures, options=QUICK)
    assert library.catalogue.folders() == []
    run.close()
    assert list(run) == []
    assert numbers(run.report) == (0, 0, 0, 0, 0)
    assert not run.report.interrupted


def test_interrupted_run_keeps_what_was_committed(library, paint, pictures):
    for number in range(70):
        paint(f"{'red' if number % 2 else 'blue'}-{number}.png")
    with indexing(library, pictures, options=QUICK) as run:
        next(run), next(run)
        assert not run.report.interrupted
    assert run.report.interrupted
    assert run.report.added == 32
    assert library.catalogue.counts()["present"] == 32
    with Library.open(library.path) as again:
        assert len(again.vectors()) == 32
        assert numbers(index(again)) == (38, 32, 0, 0, 0)
        assert len(Searcher(again).search("red", k=99).hits) == 70


def test_ctrl_c_ends_the_run_between_two_batches(library, paint, pictures, monkeypatch):
    paint("red.png")

    def interrupted(*_):
        raise KeyboardInterrupt

    run = indexing(library, pictures, options=QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(library.encoder, "encode_images", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(run)
    assert run.report.interrupted
    assert library.catalogue.counts() == {"captions": 0}
    assert index(library).added == 1


def test_run_that_cannot_write_names_its_own_cause(colour_library, paint):
    paint("white.png")
    with (
        Library.open(colour_library.path, read_only=True) as opened,
        pytest.raises(LibraryError, match="opened read-only"),
    ):
        index(opened)


def test_encoder_that_fails_does_not_count_what_was_not_stored(library, paint, pictures):
    paint("red.png")
    run = indexing(library, pictures, options=QUICK)
    library.encoder.encode_images = None
    with pytest.raises(TypeError):
        list(run)
    assert numbers(run.report) == (0, 0, 0, 0, 0)
    assert library.catalogue.present_ids() == []


# What is said once


def test_named_caption_file_holds_for_later_runs(library, paint, pictures, tmp_path):
    paint("red.png")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    index(library, pictures, captions=[table])
    assert captions(library) == {"red.png": ("a purple wall",)}
    assert numbers(index(library)) == (0, 1, 0, 0, 0)
    table.write_text("file,caption\nred.png,a green wall\n")
    assert numbers(index(library, pictures)) == (0, 0, 1, 0, 0)
    assert captions(library) == {"red.png": ("a green wall",)}


def test_named_caption_file_is_taken_back(library, paint, pictures, tmp_path):
    paint("red.png", caption="a wall")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    index(library, pictures, captions=[table])
    assert captions(library) == {"red.png": ("a purple wall", "a wall")}
    index(library, pictures, captions=[])
    assert captions(library) == {"red.png": ("a wall",)}
    assert numbers(index(library)) == (0, 1, 0, 0, 0)


def test_named_caption_file_that_vanished_is_a_problem_not_an_end(
    library, paint, pictures, tmp_path
):
    paint("red.png")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    index(library, pictures, captions=[table])
    table.unlink()
    report = index(library)
    assert [problem.path for problem in report.problems] == [table]
    assert captions(library) == {"red.png": ()}


def test_named_caption_file_that_turned_bad_is_a_problem_not_an_end(
    library, paint, pictures, tmp_path
):
    paint("red.png")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    index(library, pictures, captions=[table])
    table.write_bytes(b"\0\1\2 no table")
    report = index(library)
    assert len(report.problems) == 1
    assert "cannot be used" in report.problems[0].reason


def test_caption_file_named_without_a_folder_is_for_all(library, paint, pictures, tmp_path):
    paint("a/red.png"), paint("b/blue.png")
    index(library, pictures / "a", pictures / "b")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a wall\nblue.png,a sea\n")
    index(library, captions=[table])
    assert captions(library) == {"red.png": ("a wall",), "blue.png": ("a sea",)}


def test_sidecar_may_be_named_as_caption_file(library, paint, pictures):
    paint("red.png", caption="a wall")
    index(library, pictures, captions=[pictures / "red.txt"])
    assert captions(library) == {"red.png": ("a wall",)}


def test_named_caption_file_that_is_not_there_is_refused(library, paint, pictures):
    paint("red.png")
    with pytest.raises(CaptionFileError, match="no such caption file"):
        index(library, pictures, captions=[pictures / "nowhere.csv"])
    assert library.catalogue.folders() == []


def test_unusable_caption_file_is_refused_and_not_remembered(library, paint, pictures, tmp_path):
    paint("red.png")
    table = tmp_path / "elsewhere.csv"
    table.write_bytes(b"\0\1\2 no table")
    with pytest.raises(CaptionFileError, match="cannot be used"):
        index(library, pictures, captions=[table])
    report = index(library, pictures)
    assert (report.added, report.problems) == (1, [])


def test_excluded_names_stay_excluded_in_later_runs(library, paint, pictures):
    paint("red.png"), paint("raw/blue.png"), paint("green-draft.png")
    assert index(library, pictures, exclude=["raw", "*-draft.*"]).added == 1
    assert numbers(index(library)) == (0, 1, 0, 0, 0)
    assert numbers(index(library, pictures)) == (0, 1, 0, 0, 0)


def test_empty_pattern_ends_what_was_excluded(library, paint, pictures):
    paint("red.png")
    assert index(library, pictures, exclude=["red*"]).added == 0
    assert index(library, pictures, exclude=[""]).added == 1
    assert index(library).unchanged == 1


def test_pictures_excluded_later_leave_the_results(colour_library, colour_pictures):
    assert numbers(index(colour_library, colour_pictures, exclude=["red.*"])) == (0, 4, 0, 1, 0)
    assert "red.png" not in found(colour_library, "red")


def test_report_names_the_caption_files_it_read(library, paint, pictures):
    paint("red.png")
    (pictures / "captions.csv").write_text("file,caption\nred.png,a wall\nblue.png,a sea\n")
    (read,) = index(library, pictures).caption_files
    assert (read.path.name, read.rows, read.unmatched) == ("captions.csv", 2, 1)


# Odd names


@pytest.mark.parametrize(
    "name", [b"line\nbreak.png", b"\xff\xfe.png", b"a?b#c%20d.png", "ä.png".encode(), b" .png"]
)
def test_odd_file_name_is_indexed_and_found(library, paint, pictures, name):
    paint(os.fsdecode(name), "red")
    (pictures / (Path(os.fsdecode(name)).stem + ".txt")).write_text("a purple door")
    paint("blue.png")
    assert numbers(index(library, pictures)) == (2, 0, 0, 0, 0)
    (hit,) = Searcher(library).search("red", k=1).hits
    assert os.fsencode(hit.path) == os.path.join(os.fsencode(pictures), name)
    assert hit.caption == "a purple door"
    assert hit.thumbnail.is_file()
    assert numbers(index(library)) == (0, 2, 0, 0, 0)


def test_folder_with_a_name_that_is_not_utf8_is_indexed(library, paint, pictures):
    odd = os.fsdecode(b"caf\xe9")
    paint(f"{odd}/red.png"), paint(f"{odd}/sub/blue.png")
    assert index(library, pictures / odd, exclude=[os.fsdecode(b"\xff*")]).added == 2
    assert numbers(index(library)) == (0, 2, 0, 0, 0)
    assert index(library, pictures).unchanged == 2
    assert Searcher(library).search("red", k=1).hits[0].path == pictures / odd / "red.png"


def test_failed_picture_with_an_odd_name_is_reported(library, pictures):
    bad = pictures / os.fsdecode(b"\xff\n.jpg")
    bad.write_bytes(b"no picture")
    (failure,) = index(library, pictures).failed
    assert failure == Failure(bad, failure.reason)
    assert library.catalogue.failures()[0][0] == bad


def test_date_beyond_what_the_catalogue_can_hold_is_no_obstacle(library, paint, pictures):
    path = paint("red.png")
    try:
        os.utime(path, ns=(0, 2**63 + 10**9))
    except OSError:
        pytest.skip("this file system knows no such date")
    if path.stat().st_mtime_ns < 2**63:
        pytest.skip("this file system knows no such date")
    assert index(library, pictures).added == 1
    assert index(library).unchanged == 1


def test_pictures_carry_their_own_captions_along(library, pictures):
    exif = Image.Exif()
    exif[0x010E] = "a purple cat"
    Image.new("RGB", (16, 12), "red").save(pictures / "red.jpg", exif=exif)
    (pictures / "red.txt").write_text("a wall")
    index(library, pictures)
    assert captions(library) == {"red.jpg": ("a wall", "a purple cat")}
    (pictures / "red.txt").unlink()
    assert numbers(index(library)) == (0, 0, 1, 0, 0)
    assert captions(library) == {"red.jpg": ("a purple cat",)}


def test_thumbnail_of_each_picture_is_made(colour_library):
    for hit in Searcher(colour_library).search("red").hits:
        with Image.open(hit.thumbnail) as image:
            assert image.size == (16, 12)


def test_stored_rows_are_those_of_the_encoder(colour_library):
    found_ = colour_library.embedded([5])
    assert found_.v_i.shape == (1, DIM)
    assert np.allclose(found_.v_t[0], [0, 0, 1, 0, 0], atol=1e-3)  # "blue boat"
