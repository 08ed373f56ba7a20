"""A corpus of odd files is indexed in one run: each entry of the table gets what it must."""

import base64
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import odd_corpus
import pytest
from command_line import answered
from conftest import forget_counts
from odd_corpus import CORPUS, Failed, Ignored, Indexed, Odd, Problem
from odd_pictures import png_claiming
from PIL import Image, ImageColor
from test_decoding import by_name

from indexer import IndexOptions, IndexReport, Library, index_folder
from indexer.catalogue.values import FAILED, PRESENT
from indexer.encoders import registry
from indexer.pictures.found import FoundPicture, ScanProblem
from indexer.pictures.scan import scan
from indexer.pictures.thumbnails import thumbnail_path
from indexer.pipeline import decoders

ONE = IndexOptions(workers=1)


class Corpus:
    """The corpus on disk, the library made of it, and what the first run said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pictures"
        odd_corpus.make(self.folder)
        self.before = state_of(self.folder)
        self.home = folder / "library"
        self.library = Library.create(self.home, encoder="colour")
        self.report = index_folder(self.library, self.folder, options=IndexOptions(workers=2))
        (indexed,) = self.library.catalogue.folders()
        self.known = self.library.catalogue.known_pictures(indexed.id)

    def path(self, entry: Odd) -> Path:
        return self.folder / os.fsdecode(entry.path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
        made = Corpus(tmp_path_factory.mktemp("odd"))
        yield made
        made.library.close()
    shutil.rmtree(made.folder)  # some paths are too long for pytest's own broom


def state_of(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Size, time of change and contents of every file; the contents of sparse ones are left out."""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "beyond"]
        for name in names:
            path = Path(root, name)
            state = path.lstat()
            plain = path.is_file() and state.st_size < 2**20 and os.access(path, os.R_OK)
            content = path.read_bytes() if plain else b""
            found[path] = (state.st_size, state.st_mtime_ns, content)
    return found


def reasons(entries: list, path: Path) -> list[str]:
    return [entry.reason for entry in entries if entry.path == path]


def is_ours(entry: Odd) -> bool:
    """Whether an entry's outcome is the same for every user."""
    return entry.path != odd_corpus.CLOSED or os.geteuid() != 0


def expected(kind: type) -> list[Odd]:
    return [entry for entry in CORPUS if isinstance(entry.outcome, kind) and is_ours(entry)]


# The table


def test_corpus_is_large_and_names_no_file_twice():
    assert len({entry.path for entry in CORPUS}) == len(CORPUS) >= 75


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_odd_file_has_its_outcome(corpus, entry):
    if not is_ours(entry):
        pytest.skip("root reads files without permission")
    path, outcome = corpus.path(entry), entry.outcome
    failed = reasons(corpus.report.failed, path)
    problems = reasons(corpus.report.problems, path)
    known = corpus.known.get(entry.path)
    if isinstance(outcome, Indexed):
        assert failed == []
        flaws = [outcome.flaw] if outcome.flaw else []
        assert [reason[: len(outcome.flaw)] for reason in problems] == flaws
        assert known is not None
        assert known.state == PRESENT
        assert_shown(corpus.library, known.id, outcome)
    elif isinstance(outcome, Failed):
        assert problems == []
        assert [outcome.reason in reason for reason in failed] == [True], failed
        assert known is not None
        assert (known.state, known.reason) == (FAILED, failed[0])
        assert failed[0].isprintable()
    else:
        assert (failed, known) == ([], None)
        if isinstance(outcome, Ignored):
            assert problems == []
        else:
            assert_problem(corpus, path, outcome)


def assert_shown(library: Library, key: int, outcome: Indexed) -> None:
    info = library.catalogue.pictures([key])[key]
    assert (info.width, info.height) == (outcome.width, outcome.height)
    assert info.captions == outcome.captions
    with Image.open(thumbnail_path(library.thumbnails, info.content_hash)) as thumbnail:
        image = thumbnail.convert("RGB")
    if outcome.corners is not None:
        right, bottom = image.width - 1, image.height - 1
        for place, colour in zip(
            ((0, 0), (right, 0), (0, bottom), (right, bottom)), outcome.corners.split(), strict=True
        ):
            off = np.subtract(image.getpixel(place), ImageColor.getrgb(colour))
            assert np.abs(off).max() <= 40, (place, colour, image.getpixel(place))


def assert_problem(corpus: Corpus, path: Path, outcome: Problem) -> None:
    below = os.fspath(path)
    said = {
        problem.reason
        for problem in corpus.report.problems
        if os.fspath(problem.path) == below or os.fspath(problem.path).startswith(below + "/")
    }
    assert said
    assert all(outcome.reason in reason for reason in said), said


def test_nothing_else_is_known_failed_or_said(corpus):
    listed = {entry.path for entry in CORPUS}
    assert set(corpus.known) <= listed
    assert len(corpus.report.failed) == sum(k.state == FAILED for k in corpus.known.values())
    said = {
        os.fsencode(problem.path.relative_to(corpus.folder)) for problem in corpus.report.problems
    }
    assert {path.split(b"/" + b"e" * 250)[0] for path in said} == {
        entry.path for entry in [*expected(Problem), *filter(is_flawed, CORPUS)]
    }


def is_flawed(entry) -> bool:
    return isinstance(entry.outcome, Indexed) and bool(entry.outcome.flaw)


def test_every_indexed_picture_answers(corpus):
    answers = set(corpus.library.catalogue.present_ids())
    assert {corpus.known[entry.path].id for entry in expected(Indexed)} <= answers
    assert len(corpus.library.vectors()) == len(answers)


# What later runs and people see


def test_second_run_decodes_nothing_that_failed_by_its_content(corpus, monkeypatch):
    tried = []

    class Watched(decoders.DecodingPool):
        def decode_all(self, items, known=None):
            return super().decode_all(
                ((tried.append(os.path.basename(path)) or (key, path)) for key, path in items),
                known,
            )

    monkeypatch.setattr(decoders, "DecodingPool", Watched)
    forget_counts(corpus.library)
    report = index_folder(corpus.library, options=ONE)
    present = sum(known.state == PRESENT for known in corpus.known.values())
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 0, 0, present)
    assert by_path(report) == by_path(corpus.report)
    assert sorted(tried) == sorted(
        os.path.basename(path) for path, known in corpus.known.items() if known.content_hash is None
    )
    assert (corpus.library.encoder.images, corpus.library.encoder.texts) == (0, 0)


def by_path(report: IndexReport) -> dict[Path, str]:
    return {failure.path: failure.reason for failure in report.failed}


def test_status_names_each_failure_with_its_reason(corpus):
    listed = answered("status", "--failed", "--library", corpus.home)["failures"]
    named = {
        base64.b64decode(each["path_base64"])
        if "path_base64" in each
        else each["path"].encode(): each["reason"]
        for each in listed
    }
    assert named == {os.fsencode(path): why for path, why in by_path(corpus.report).items()}
    assert len(named) == len(listed)


def test_pictures_are_never_written_to(corpus):
    assert state_of(corpus.folder) == corpus.before


# Files that change while they are looked at


def test_folder_that_vanishes_during_the_scan_costs_only_itself(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    items = scan(tmp_path)
    first = next(items)
    shutil.rmtree(tmp_path / "b")
    problem, last = items
    assert isinstance(first, FoundPicture)
    assert isinstance(problem, ScanProblem)
    assert problem.path == os.fsencode(tmp_path / "b")
    assert "deleted meanwhile" in problem.reason
    assert isinstance(last, FoundPicture)
    assert last.relative == b"c/1.png"


def test_folder_that_vanishes_while_it_is_indexed_costs_only_itself(
    library, paint, pictures, monkeypatch
):
    paint("a/red.png")
    paint("b/green.png")
    paint("c/blue.png")
    scandir = os.scandir

    def vanishing(path):
        if os.fsencode(path).endswith(b"/b"):
            raise FileNotFoundError(2, "No such file or directory")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr("indexer.pictures.scan.os.scandir", vanishing)
        report = index_folder(library, pictures, options=ONE)
    assert (report.added, report.failed) == (2, [])
    assert {problem.path for problem in report.problems} == {pictures / "b"}


def test_picture_that_vanishes_between_scan_and_decoding_costs_only_itself(
    library, paint, pictures, monkeypatch
):
    paint("green.png")
    doomed = paint("red.png")

    class Late(decoders.DecodingPool):
        def decode_all(self, items, known=None):
            doomed.unlink(missing_ok=True)
            return super().decode_all(items, known)

    monkeypatch.setattr(decoders, "DecodingPool", Late)
    report = index_folder(library, pictures, options=ONE)
    assert report.added == 1
    assert [(f.path, f.reason.split(" (")[0]) for f in report.failed] == [(doomed, "no such file")]


def test_rename_in_case_only_keeps_the_embedding(colour_library, colour_pictures):
    (colour_pictures / "red.png").rename(colour_pictures / "Red.png")
    (colour_pictures / "green.png").rename(colour_pictures / "green.PNG")
    report = index_folder(colour_library, options=ONE)
    assert (report.added, report.unchanged, report.failed) == (2, 3, [])
    assert colour_library.encoder.images == 0
    assert colour_library.catalogue.counts() == {"present": 5, "captions": 2}


# Files that break the decoder


def test_crash_bug_and_hang_cost_only_themselves(library, paint, pictures, monkeypatch):
    colours = ("red", "green", "blue", "black", "white")
    for n, colour in enumerate(colours * 8):
        paint(f"{n:02}/{colour}.png", colour)
    bad = {
        pictures / "05/exit.png": "the decoder crashed (exit status 7)",
        pictures / "12/hang.png": "decoding took more than 2 s",
        pictures / "20/segfault.png": "the decoder crashed (SIGSEGV)",
        pictures / "33/bug.png": "the decoder failed: KeyError",
    }
    for path in bad:
        paint(path, "purple")
    monkeypatch.setattr(decoders, "DecodingPool", partial(decoders.DecodingPool, task=by_name))

    options = IndexOptions(workers=2, time_limit=2.0)
    report = index_folder(library, pictures, options=options)

    assert report.added == 40
    assert {f.path for f in report.failed} == set(bad)
    assert all(f.reason.startswith(bad[f.path]) for f in report.failed)
    assert library.catalogue.counts() == {"present": 40, "failed": 4, "captions": 0}
    assert len(library.vectors()) == 40


def test_memory_bomb_costs_only_itself(library, colour_pictures):
    bomb = png_claiming(colour_pictures / "bomb.png", 15_000, 15_000, rows=15_000)
    options = IndexOptions(workers=1, memory_limit=2**30)
    report = index_folder(library, colour_pictures, options=options)
    assert report.added == 5
    reason = "decoding takes more than 1 GiB of memory"
    assert [(f.path, f.reason[: len(reason)]) for f in report.failed] == [(bomb, reason)]


def test_files_that_broke_the_decoder_are_left_alone_by_the_next_run(
    library, paint, pictures, monkeypatch
):
    paint("exit.png", "red")
    paint("segfault.png", "blue")
    paint("green.png")
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "DecodingPool", partial(decoders.DecodingPool, task=by_name))
        first = index_folder(library, pictures, options=ONE)
    monkeypatch.setattr(decoders, "DecodingPool", None)
    second = index_folder(library, options=ONE)
    assert len(first.failed) == 2
    assert by_path(second) == by_path(first)
    assert second.unchanged == 1
