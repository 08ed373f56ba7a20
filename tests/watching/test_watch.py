"""`picfuse watch`: when it looks, what wakes it, what it survives, and how it ends."""

import ctypes
import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import colour_encoder
import pytest
from command_line import await_stored, command, index_colours, process, refusal, stored
from hypothesis import given
from hypothesis import strategies as st
from odd_pictures import jpeg
from PIL import Image

from indexer import Failure, IndexOptions, IndexReport, Library, index_folder, indexing
from indexer.errors import InputError, ModelError
from indexer.watching import watcher as loop
from indexer.watching.events import (
    FolderBack,
    FolderGone,
    IndexRun,
    PollingInstead,
    Trouble,
    Watching,
    WatchOptions,
)
from indexer.watching.lookout import Lookout
from indexer.watching.news import NewProblems
from indexer.watching.pending import Pending, Stillness

A, B = Path("/a"), Path("/b")
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def still(path) -> bool:
    return False


def moving(path) -> bool:
    return True


# When a folder is due: no time passes.


def test_folder_is_due_when_it_was_quiet_for_long_enough():
    pending = Pending(settle=2, patience=30)
    pending.note(A, A / "1.jpg", 10)
    pending.note(A, A / "2.jpg", 11)
    assert pending.due(12.9, still) == []
    assert pending.due(13, still) == [A]
    assert pending.due(14, still) == []


def test_folders_wait_for_themselves_only():
    pending = Pending(settle=2, patience=30)
    pending.note(A, A / "1.jpg", 10)
    pending.note(B, B / "1.jpg", 11.5)
    assert pending.due(12, still) == [A]
    assert pending.due(13.5, still) == [B]


def test_longest_waiting_folder_comes_first():
    pending = Pending(settle=2, patience=30)
    for folder, now in ((B, 10), (A, 11), (B, 12)):
        pending.note(folder, folder / "1.jpg", now)
    assert pending.due(20, still) == [B, A]


def test_continuous_burst_is_due_when_patience_ends():
    pending = Pending(settle=2, patience=30)
    for now in range(100, 130):
        pending.note(A, A / f"{now}.jpg", now)
        assert pending.due(now, still) == []
    assert pending.due(130, moving) == [A]
    assert pending.next() is None


def test_file_that_is_being_written_postpones_until_it_is_still():
    pending = Pending(settle=2, patience=30)
    pending.note(A, A / "slow.jpg", 10)
    pending.note(A, A / "quick.jpg", 10)
    asked = []
    assert pending.due(12, lambda path: asked.append(path.name) or path.stem == "slow") == []
    assert sorted(asked) == ["quick.jpg", "slow.jpg"]
    assert pending.next() == 14
    assert pending.due(13.9, still) == []
    asked.clear()
    assert pending.due(14, lambda path: asked.append(path.name)) == [A]
    assert asked == ["slow.jpg"]  # what was found still is not looked at again


def test_forgotten_folder_is_never_due():
    pending = Pending(settle=2, patience=30)
    pending.note(A, A / "1.jpg", 10)
    pending.forget(A)
    pending.forget(B)
    assert pending.due(100, still) == []


STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([A, B, None]), st.booleans()), max_size=60
)


@given(settle=st.integers(0, 8), patience=st.integers(0, 30), steps=STEPS)
def test_due_is_never_too_early_nor_too_late_and_nothing_is_lost(settle, patience, steps):
    """A clerk who writes everything down agrees, whatever happens in whatever order."""
    pending = Pending(settle, patience)
    first: dict[Path, int] = {}
    last: dict[Path, int] = {}
    now = 0
    for delay, folder, changing in [*steps, (settle + patience, None, False)]:
        now += delay
        if folder is not None:
            pending.note(folder, folder / "1.jpg", now)
            first.setdefault(folder, now)
            last[folder] = now
        quiet = {f for f in first if now >= last[f] + settle and not changing}
        impatient = {f for f in first if now >= first[f] + patience}
        last |= {f: now for f in first if now >= last[f] + settle}
        assert set(pending.due(now, moving if changing else still)) == quiet | impatient
        for due in quiet | impatient:
            del first[due], last[due]
        waits = [min(last[f] + settle, first[f] + patience) for f in first]
        assert pending.next() == min(waits, default=None)
    assert pending.next() is None


@given(st.integers(0, 8), st.integers(0, 30), st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_one_who_sleeps_until_next_is_woken_in_time_and_finds_it_due(settle, patience, delays):
    pending = Pending(settle, patience)
    now = 0
    for delay in delays:
        now += delay
        pending.note(A, A / "1.jpg", now)
    woken = max(now, pending.next())
    assert woken == now or pending.due(woken - 1, still) == []
    assert pending.due(woken, still) == [A]


def test_file_is_changing_while_its_size_or_time_moves_or_is_recent(tmp_path):
    now = [1000.0]
    stillness = Stillness(settle=2, clock=lambda: now[0])
    file = tmp_path / "a.jpg"

    def changed(content, when) -> bool:
        file.write_bytes(content)
        os.utime(file, (when, when))
        return stillness.changing(file)

    assert changed(b"1", 999)  # a second ago
    assert changed(b"12", 10)  # another size, and a copied time
    assert changed(b"34", 11)  # another time
    assert not stillness.changing(file)
    assert not changed(b"34", 998)
    assert not changed(b"34", 1001)  # a clock that is wrong
    now[0] = 1002.5
    assert stillness.changing(file)


def test_directories_and_files_that_are_gone_are_still(tmp_path):
    stillness = Stillness(settle=1000)
    assert not stillness.changing(tmp_path)
    assert not stillness.changing(tmp_path / "gone.jpg")


# What is said once.


def failing(*names, reason="truncated", folder=A) -> IndexReport:
    return IndexReport(failed=[Failure(folder / name, reason) for name in names])


def test_failure_is_news_once_and_again_when_the_file_or_the_reason_changes(tmp_path):
    news = NewProblems()
    (tmp_path / "a.jpg").write_bytes(b"1")

    def failures(report):
        return [failure.path.name for failure in news.of(report, [tmp_path]).failed]

    bad = failing("a.jpg", folder=tmp_path)
    assert failures(bad) == ["a.jpg"]
    assert failures(bad) == []
    assert failures(failing("a.jpg", folder=tmp_path, reason="too large")) == ["a.jpg"]
    (tmp_path / "a.jpg").write_bytes(b"12")
    assert failures(failing("a.jpg", folder=tmp_path, reason="too large")) == ["a.jpg"]
    assert failures(IndexReport()) == []
    assert failures(failing("a.jpg", folder=tmp_path, reason="too large")) == ["a.jpg"]


def test_picture_that_went_away_while_it_was_read_is_no_news(tmp_path):
    assert NewProblems().of(failing("gone.jpg", folder=tmp_path), [tmp_path]).failed == []


def test_problem_stays_said_while_other_folders_are_indexed():
    news = NewProblems()
    report = IndexReport(problems=[Failure(A / "closed", "permission denied")])
    assert len(news.of(report, []).problems) == 1
    assert news.of(IndexReport(), [B]).problems == []
    assert news.of(report, []).problems == []
    assert news.of(IndexReport(), [A]).problems == []
    assert len(news.of(report, []).problems) == 1
    assert news.of(report, [], gone=[A / "closed"]).problems == []


# What wakes it.


@pytest.mark.parametrize("poll", [None, 0.05], ids=["told", "polled"])
def test_only_pictures_captions_and_directories_that_are_not_hidden_wake_it(tmp_path, poll):
    library = tmp_path / "library"
    (library / "thumbnails").mkdir(parents=True)
    for directory in (tmp_path / name for name in (".git", "@eaDir", "__MACOSX")):
        directory.mkdir()
    (tmp_path / "old.JPG").touch()
    (tmp_path / "album").mkdir()
    seen: list[str] = []

    def look_until(name):
        until = time.monotonic() + 60
        while name not in seen and time.monotonic() < until:
            seen.extend(h.path.relative_to(tmp_path).as_posix() for h in lookout.happenings(1))
        assert name in seen

    with Lookout(library, poll) as lookout:
        lookout.watch(tmp_path)
        for name in (
            "library/thumbnails/1.jpg", "library/catalogue.sqlite", ".git/2.jpg", ".3.jpg",
            "@eaDir/4.jpg", "__MACOSX/5.jpg", "letter.doc", "old.txt~", "picture.jpg.part",
        ):  # fmt: skip
            (tmp_path / name).write_bytes(b"1")
        (tmp_path / "old.JPG").read_bytes()
        (tmp_path / "picture.jpg.part").rename(tmp_path / "picture.jpg")
        look_until("picture.jpg")
        (tmp_path / "old.JPG").unlink()
        (tmp_path / "album").rename(tmp_path / "renamed")
        (tmp_path / "captions.csv").write_bytes(b"1")
        for name in ("captions.csv", "old.JPG", "album", "renamed"):
            look_until(name)
    assert set(seen) == {"picture.jpg", "captions.csv", "old.JPG", "album", "renamed"}


@pytest.mark.parametrize("poll", [None, 0.05], ids=["told", "polled"])
def test_folder_that_is_brought_back_and_files_of_unknown_suffix_wake_it(tmp_path, poll):
    (tmp_path / "#recycle").mkdir(), (tmp_path / "@eaDir").mkdir()
    seen: set[str] = set()
    with Lookout(tmp_path / "library", poll) as lookout:
        lookout.watch(tmp_path, ["*recycle"])
        names = ("@eaDir/1.jpg", "#recycle/2.jpg", "photo.jpg?w=800", "shard.tar", "8f14e45f")
        for name in names:
            (tmp_path / name).write_bytes(b"1")
        until = time.monotonic() + 60
        while "8f14e45f" not in seen and time.monotonic() < until:
            seen |= {h.path.relative_to(tmp_path).as_posix() for h in lookout.happenings(1)}
    assert seen == {"#recycle/2.jpg", "photo.jpg?w=800", "shard.tar", "8f14e45f"}


# The whole of it, with the real file system.


class Watched:
    """A `watch` in a thread, and what it yielded until now."""

    def __init__(self, library, *folders, **timing):
        timing = {"settle": 0.2, "patience": 20, "look": 0.2, "every": 0} | timing
        self.events = []
        self._library = library
        self._stop = threading.Event()
        self._work = loop.watch(
            library,
            folders,
            IndexOptions(workers=1),
            timing=WatchOptions(**timing),
            stop=self._stop.is_set,
        )
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            for event in self._work:
                self.events.append(event)
        except Exception as error:
            self.events.append(error)

    def __enter__(self):
        self._thread.start()
        self.until(lambda: self.of(Watching) or self.of(Exception))
        assert not self.of(Exception)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def of(self, kind):
        return [event for event in list(self.events) if isinstance(event, kind)]

    def until(self, condition):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, self.events
            time.sleep(0.02)

    def total(self, what):
        return sum(getattr(ran.report, what) for ran in self.of(IndexRun))

    def failures(self):
        return [failure for ran in self.of(IndexRun) for failure in ran.news.failed]

    def captions(self):
        library = self._library
        with sqlite3.connect(f"file:{library.path}/catalogue.sqlite?mode=ro", uri=True) as found:
            return {text for (text,) in found.execute("SELECT text FROM captions")}


@pytest.mark.parametrize("poll", [None, 0.1], ids=["told", "polled"])
def test_what_happens_to_pictures_and_captions_is_in_the_library_soon(colour_library, paint, poll):
    folder = paint("red.png").parent
    with Watched(colour_library, poll=poll) as watched:
        paint("purple.png")
        watched.until(lambda: watched.total("added") == 1)
        (folder / "black.txt").write_text("a red cat")
        watched.until(lambda: "a red cat" in watched.captions())
        encoded = colour_library.encoder.images
        (folder / "sub").mkdir()
        (folder / "red.png").rename(folder / "sub" / "moved.png")
        watched.until(lambda: watched.total("removed") == 1 and watched.total("added") == 2)
        (folder / "sub").rename(folder / "renamed")
        watched.until(lambda: watched.total("removed") == 2 and watched.total("added") == 3)
        assert colour_library.encoder.images == encoded
        shutil.rmtree(folder / "renamed")
        watched.until(lambda: watched.total("removed") == 3)
        assert colour_library.catalogue.counts()["present"] == 5
    assert not watched.of(Trouble)


def test_folder_named_is_added_and_its_pictures_are_indexed_first(library, colour_pictures):
    with Watched(library, colour_pictures) as watched:
        kinds = [type(event) for event in watched.events]
        assert kinds.index(IndexRun) < kinds.index(Watching)
        assert watched.total("added") == 5
        (colour_pictures / "red.png").unlink()
        watched.until(lambda: watched.total("removed") == 1)
        assert len(watched.of(IndexRun)) == 2  # nothing else had happened


def test_fifty_pictures_copied_at_once_take_few_runs(colour_library, pictures, paint, tmp_path):
    (tmp_path / "camera").mkdir()
    for number in range(50):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(tmp_path / "camera" / f"{number}.png")
    with Watched(colour_library, settle=1) as watched:
        before = len(watched.of(IndexRun))
        shutil.copytree(tmp_path / "camera", pictures / "camera")
        watched.until(lambda: watched.total("added") == 50)
        assert len(watched.of(IndexRun)) - before <= 3
        assert not watched.failures()


@ONLY_LINUX
def test_file_that_is_written_slowly_is_never_seen_by_halves(library, pictures, tmp_path):
    whole = jpeg(tmp_path / "whole.jpg", 400, 300).read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    with (
        Watched(library, pictures, other) as watched,
        (pictures / "slow.jpg").open("wb", buffering=0) as file,
    ):
        for number, start in enumerate(range(0, len(whole), len(whole) // 3)):
            file.write(whole[start : start + len(whole) // 3])
            # Something later becomes due: by then the half file could have been, too.
            jpeg(other / f"{number}.jpg", 20 + number, 10)
            watched.until(lambda n=number: watched.total("added") == n + 1)
        file.close()
        watched.until(lambda: watched.total("added") == number + 2)
        assert not watched.failures()


def test_file_that_outlasts_patience_is_indexed_as_it_is_and_again_when_whole(
    library, pictures, tmp_path
):
    whole = jpeg(tmp_path / "whole.jpg", 400, 300).read_bytes()
    with Watched(library, pictures, patience=0.5) as watched:
        with (pictures / "slow.jpg").open("wb", buffering=0) as file:
            file.write(whole[: len(whole) // 2])
            watched.until(watched.failures)
            file.write(whole[len(whole) // 2 :])
        watched.until(lambda: watched.total("changed") == 1)
    assert [failure.path.name for failure in watched.failures()] == ["slow.jpg"]


def test_picture_that_cannot_be_read_is_a_failure_said_once_and_it_goes_on(
    colour_library, pictures, paint
):
    with Watched(colour_library) as watched:
        (pictures / "letter.jpg").write_text("Dear Anna")
        watched.until(watched.failures)
        paint("purple.png")
        watched.until(lambda: watched.total("added") == 1)
        assert len(watched.of(IndexRun)[-1].report.failed) == 1
        assert [failure.path.name for failure in watched.failures()] == ["letter.jpg"]


def test_library_that_another_process_writes_to_is_tried_again(colour_library, paint, monkeypatch):
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.1)
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.1)
    with Library.open(colour_library.path) as library, Watched(library) as watched:
        writer = sqlite3.connect(library.path / "catalogue.sqlite", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        paint("purple.png")
        watched.until(lambda: watched.of(Trouble))
        assert watched.total("added") == 0
        writer.execute("ROLLBACK")
        writer.close()
        watched.until(lambda: watched.total("added") == 1)
        assert len(watched.of(Trouble)) == 1
        assert "another process is writing" in watched.of(Trouble)[0].message


def test_folder_above_one_that_is_being_indexed_is_added_when_that_is_done(
    library, paint, pictures, monkeypatch
):
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.05)
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    for number in range(40):
        paint(f"in/{number}.png", (number, 0, 0))
    options = IndexOptions(workers=1)
    run = indexing(library, pictures / "in", options=options)
    next(run), next(run)
    with (
        Library.open(library.path) as other,
        closing(loop.watch(other, [pictures], options, timing=WatchOptions(settle=0.2))) as work,
    ):
        trouble = next(work)
        assert isinstance(trouble, Trouble)
        assert "another picfuse is changing this library" in trouble.message
        for _ in run:
            pass
        assert (run.report.added, run.report.failed) == (40, [])
        assert [folder.path for folder in library.catalogue.folders()] == [pictures / "in"]
        while not isinstance(next(work), Watching):
            pass
    assert [folder.path for folder in library.catalogue.folders()] == [pictures]
    assert library.catalogue.counts() == {"present": 40, "captions": 0}


def test_pause_grows_to_a_limit_and_a_like_error_is_said_once(colour_library, paint, monkeypatch):
    errors = [RuntimeError("odd")] + [OSError(28, "No space left on device")] * 9
    index = loop.indexing

    def failing(*folders, **options):
        if failing.begun and errors:
            raise errors.pop()
        return index(*folders, **options)

    failing.begun = False
    monkeypatch.setattr(loop, "indexing", failing)
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(loop, "LONGEST_PAUSE", 0.05)
    with Watched(colour_library) as watched:
        failing.begun = True
        paint("purple.png")
        watched.until(lambda: watched.total("added") == 1)
    assert not errors
    said = [(trouble.message, trouble.pause) for trouble in watched.of(Trouble)]
    odd = "indexing failed: RuntimeError: odd"
    assert said == [("No space left on device", 0.01), (odd, 0.05)]


def test_encoder_is_not_loaded_while_there_is_nothing_to_encode(
    colour_library, pictures, monkeypatch
):
    def refusing(*_):
        raise ModelError("the encoder was loaded")

    monkeypatch.setattr(colour_encoder, "open_encoder", refusing)
    with Library.open(colour_library.path) as library, Watched(library) as watched:
        (pictures / "red.png").unlink()
        watched.until(lambda: watched.total("removed") == 1)
        assert not watched.of(Trouble)


def test_folder_that_vanishes_is_said_once_and_watched_again_when_it_returns(
    colour_library, pictures, paint
):
    away = pictures.with_name("away")
    with Watched(colour_library) as watched:
        pictures.rename(away)
        watched.until(lambda: watched.total("removed") == 5)
        Image.new("RGB", (9, 9), "purple").save(away / "purple.png")
        away.rename(pictures)
        watched.until(lambda: watched.of(FolderBack) and watched.total("added") == 6)
        paint("white.png")
        watched.until(lambda: watched.total("added") == 7)
        assert watched.of(FolderGone) == [FolderGone(pictures, "is missing")]
        assert not [problem for ran in watched.of(IndexRun) for problem in ran.news.problems]


def test_folder_that_is_deleted_and_made_anew_is_watched_again(colour_library, pictures, paint):
    with Watched(colour_library) as watched:
        shutil.rmtree(pictures)
        pictures.mkdir()
        paint("purple.png")
        watched.until(lambda: watched.total("added") == 1)
        paint("white.png")
        watched.until(lambda: watched.total("added") == 2)


def test_folder_that_another_process_adds_is_watched_too(
    colour_library, tmp_path, subprocess_environment
):
    words = ("--library", colour_library.path, "--workers", "1")
    other = tmp_path / "other"
    other.mkdir()
    jpeg(other / "1.jpg")
    with Watched(colour_library) as watched:
        process("index", other, *words, environment=subprocess_environment)
        jpeg(other / "2.jpg", 33, 22)
        watched.until(lambda: watched.total("added") == 1)


def test_only_named_folders_are_watched(colour_library, pictures, paint, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with Watched(colour_library, other) as watched:
        paint("purple.png")
        jpeg(other / "1.jpg")
        watched.until(lambda: watched.total("added") == 1)
        jpeg(other / "2.jpg", 33, 22)
        watched.until(lambda: watched.total("added") == 2)
        assert colour_library.catalogue.counts()["present"] == 7


def test_caption_file_that_lies_elsewhere_is_looked_at(library, pictures, paint, tmp_path):
    table = tmp_path / "captions.csv"
    table.write_text("file,caption\nred.png,a wall\n")
    paint("red.png")
    index_folder(library, pictures, options=IndexOptions(captions=[table], workers=1))
    with Watched(library) as watched:
        table.write_text("file,caption\nred.png,a green door\n")
        watched.until(lambda: "a green door" in watched.captions())


def test_what_nobody_told_is_found_by_the_look_at_everything(colour_library, paint):
    with Watched(colour_library, poll=1000, every=0.3) as watched:
        paint("purple.png")
        watched.until(lambda: watched.total("added") == 1)


@ONLY_LINUX
@pytest.mark.parametrize("room", [0, 3, 5], ids=["none", "for some directories", "until more come"])
def test_where_the_system_watches_no_more_folders_it_polls(
    colour_library, pictures, paint, monkeypatch, room
):
    inotify = pytest.importorskip("watchdog.observers.inotify_c")
    real, watches = inotify.inotify_add_watch, set()
    paint("a/b/red.png")

    def add(fd, path, mask):
        if path not in watches and len(watches) >= room:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        watches.add(path)
        return real(fd, path, mask)

    monkeypatch.setattr(inotify, "inotify_add_watch", add)
    monkeypatch.setattr(loop, "FALLBACK_POLL", 0.1)
    with Watched(colour_library) as watched:
        paint("a/b/c/d/purple.png")
        watched.until(lambda: watched.total("added") == 2)
        paint("a/b/c/d/white.png")
        watched.until(lambda: watched.total("added") == 3)
    (instead,) = watched.of(PollingInstead)
    assert "sudo sysctl fs.inotify.max_user_watches=" in instead.message


def test_wrong_request_ends_it_at_the_start_only(library, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        next(loop.watch(library, [tmp_path / "nowhere"]))
    with pytest.raises(InputError, match="no folder to index"):
        next(loop.watch(library, []))


# The command.


@pytest.fixture
def start(subprocess_environment, tmp_path):
    """Start `picfuse watch` in a process; it is killed at the end, if it is still there."""
    running = []

    def started(*words):
        words = ["watch", *words, "--library", tmp_path / "library", "--settle", "0.2"]
        running.append(
            subprocess.Popen(
                command(*words, "--workers", "1"),
                env=subprocess_environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return running[-1]

    yield started
    for each in running:
        each.kill()
        each.communicate()


def test_lines_say_what_changed_and_sigterm_ends_it_with_143(start, colour_pictures, paint):
    running = start(colour_pictures, "--model", "colour")
    assert running.stdout.readline()[8:] == "  5 added\n"
    assert running.stderr.readline()[17:] == "  watching 1 folder; Ctrl-C stops it\n"
    (colour_pictures / "letter.jpg").write_text("Dear Anna")
    assert running.stdout.readline()[8:] == "  1 failed\n"
    assert f"failed: {colour_pictures}/letter.jpg: not a picture" in running.stderr.readline()
    paint("purple.png")
    assert running.stdout.readline()[8:] == "  1 added\n"
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=60) == ("", "")
    assert running.returncode == 143


def test_json_is_an_object_a_run_and_ctrl_c_ends_it_with_130(start, colour_pictures, paint):
    running = start(colour_pictures, "--model", "colour", "--json")
    first = json.loads(running.stdout.readline())
    assert first["added"] == 5
    assert len(first["time"]) == len("2026-01-01T00:00:00+00:00")
    running.stderr.readline()
    paint("purple.png")
    again = json.loads(running.stdout.readline())
    while not again["added"]:
        again = json.loads(running.stdout.readline())
    assert (again["added"], again["unchanged"], again["failed"]) == (1, 5, [])
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole group
    running.communicate(timeout=60)
    assert running.returncode == 130


def test_ctrl_c_in_a_run_ends_it_after_the_batch_and_nothing_is_lost(
    start, pictures, paint, tmp_path, subprocess_environment
):
    for number in range(200):
        paint(f"{number}.png", (number, 0, 0))
    library, gate = tmp_path / "library", tmp_path / "gate"
    gate.touch()
    subprocess_environment[colour_encoder.GATE] = str(gate)
    running = start(pictures, "--model", "colour")
    await_stored(library)
    os.killpg(running.pid, signal.SIGINT)
    gate.unlink()  # only now a second batch can be encoded
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == ""
    kept = int(out.split()[1])
    assert 0 < kept < 200
    assert stored(library) == kept
    again = process("index", "--library", library, environment=subprocess_environment)
    assert again.stdout.startswith(f"{200 - kept} added, 0 changed, {kept} unchanged, ")


def test_wrong_usage_is_status_2_and_makes_no_library(tmp_path):
    library = tmp_path / "library"
    said = refusal("watch", tmp_path / "nowhere", "--library", library, status=2)
    assert "nowhere: no such folder" in said
    assert "name one" in refusal("watch", "--library", library, status=2)
    assert not library.exists()


def test_damaged_library_and_missing_model_are_status_3(colour_pictures, tmp_path, monkeypatch):
    library = tmp_path / "library"
    words = ("watch", colour_pictures, "--library", library)
    assert "no such model" in refusal(*words, "--model", "colour:missing", status=3)
    index_colours(colour_pictures, library)
    (library / "catalogue.sqlite").write_bytes(os.urandom(8192))
    for journal in library.glob("catalogue.sqlite-*"):
        journal.unlink()
    assert "damaged" in refusal(*words, status=3)
