"""What has to be done for a folder: the files of today compared with the catalogue."""

from __future__ import annotations

import gc
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from indexer.captions import Caption, CaptionScan, find_captions
from indexer.captions.caption import NearbyFiles
from indexer.captions.finder import CAPTION_SUFFIXES
from indexer.catalogue.database import FILE
from indexer.catalogue.lookup.pictures import Catalogue, IndexedFolder, IndexedPicture
from indexer.catalogue.values import FAILED, LATEST, MISSING, PRESENT
from indexer.errors import CaptionFileError
from indexer.pictures.scan import FoundPicture, ScanProblem, scan
from indexer.pipeline.report import IndexOptions, IndexReport


@dataclass(slots=True)
class FolderPlan:
    """The work on one folder; pictures are named by their relative path."""

    folder: IndexedFolder
    captions: Mapping[bytes, tuple[Caption, ...]] = field(default_factory=dict)
    decode: list[FoundPicture] = field(default_factory=list)
    known: Mapping[bytes, IndexedPicture] = field(default_factory=dict)
    before: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # captions, by picture id
    recaption: dict[int, tuple[Caption, ...]] = field(default_factory=dict)  # by picture id
    returned: list[int] = field(default_factory=list)  # ids: missing, there again unchanged
    gone: list[int] = field(default_factory=list)  # ids: present, not there any more

    def full(self, relative: bytes) -> bytes:
        """The whole path of a picture."""
        return os.path.join(os.fsencode(self.folder.path), relative)

    def texts(self, relative: bytes) -> tuple[str, ...]:
        """The captions that lie beside a picture today."""
        captions = self.captions.get(relative)
        return tuple(caption.text for caption in captions) if captions else ()


def plan_folder(
    catalogue: Catalogue,
    folder: IndexedFolder,
    library: Path,
    options: IndexOptions,
    report: IndexReport,
) -> FolderPlan:
    """Compare a folder with the catalogue; what cannot be looked at goes to `report.problems`.

    A picture whose size and time of change are the same is taken as unchanged, without a look
    into it. A picture in a folder that cannot be read now stays as it was.
    """
    if not _may_be_there(folder.path):
        report.problem(folder.path, "this folder is not there now; its pictures count as missing")
    plan = FolderPlan(folder)
    with _nothing_collected():
        plan.known = catalogue.known_pictures(folder.id)
        plan.before = catalogue.captions(folder.id, embedded=False)
    look = _look(plan, library, options, report)
    plan.captions = _captions(folder, look, report).captions
    _compare_captions(plan, look.same, report)
    plan.gone = _gone(plan, look, options)
    return plan


def _may_be_there(folder: Path) -> bool:
    """Whether a folder is there, or cannot be looked at now, as on a dead network drive."""
    try:
        return stat.S_ISDIR(os.stat(folder).st_mode)  # noqa: PTH116 - is_dir hides why it is none
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # the scan says which
        return True


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Hold the garbage collector while many values are made and none is dropped.

    It would look through all of them again and again, a third of the time that they take.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@dataclass(slots=True)
class _Look:
    """What was met in a folder: relative paths of pictures, and all else."""

    same: list[bytes] = field(default_factory=list)  # their files are as they were
    changed: list[bytes] = field(default_factory=list)
    passed_over: list[bytes] = field(default_factory=list)  # not among the only ones that are meant
    problems: list[ScanProblem] = field(default_factory=list)
    beside: NearbyFiles = field(default_factory=lambda: NearbyFiles(CAPTION_SUFFIXES))


def _look(plan: FolderPlan, library: Path, options: IndexOptions, report: IndexReport) -> _Look:
    """Look at every file of a folder."""
    look, only, retry = _Look(), options.only, options.other_limits
    folder = plan.folder
    excluded, closed = json.loads(folder.exclude), _inside(folder.path, library)
    for found in scan(folder.path, exclude=excluded, closed=closed, beside=look.beside):
        if isinstance(found, ScanProblem):
            look.problems.append(found)
        elif only is not None and found.relative not in only:
            look.passed_over.append(found.relative)
        elif _is_same(plan, found, report, retry=retry):
            look.same.append(found.relative)
        else:
            look.changed.append(found.relative)
    if not _may_be_there(folder.path):  # which was said before
        look.problems.clear()
    for problem in look.problems:
        report.problem(problem.path, problem.reason)
    return look


def _inside(folder: Path, library: Path) -> Callable[[bytes], bool]:
    """Tells whether a directory below the folder belongs to a library, whatever links lead."""
    root, own = os.fsencode(folder), os.path.realpath(os.fsencode(library)) + b"/"

    @cache
    def inside(directory: bytes) -> bool:
        path = os.path.join(root, directory)
        if (os.path.realpath(path) + b"/").startswith(own):
            return True
        another = os.path.isfile(os.path.join(path, os.fsencode(FILE)))  # noqa: PTH113 - bytes
        return another or (bool(directory) and inside(os.path.dirname(directory)))  # noqa: PTH120

    return inside


def _captions(folder: IndexedFolder, look: _Look, report: IndexReport) -> CaptionScan:
    if not _may_be_there(folder.path):
        return CaptionScan({}, (), ())
    named = [Path(file) for file in json.loads(folder.caption_files)]
    there = [file for file in named if os.path.isfile(file)]  # noqa: PTH113 - never raises
    for file in set(named) - set(there):
        report.problem(file, "this caption file is not there any more; its captions are dropped")
    pictures = [*look.same, *look.changed, *look.passed_over]
    try:
        captions = find_captions(folder.path, pictures, explicit=there, beside=look.beside)
    except CaptionFileError as error:  # it could be used when it was named
        report.problem(folder.path, str(error))
        captions = find_captions(folder.path, pictures, beside=look.beside)
    report.caption_files += captions.files
    for path, reason in captions.problems:
        report.problem(path, reason)
    return captions


def _is_same(plan: FolderPlan, found: FoundPicture, report: IndexReport, *, retry: bool) -> bool:
    """Whether a picture's file is as it was; if not, it is to be decoded, or fails as before."""
    known = plan.known.get(found.relative)
    found = replace(found, mtime_ns=LATEST) if found.mtime_ns > LATEST else found
    if known is None or known.size != found.size or known.mtime_ns != found.mtime_ns:
        plan.decode.append(found)
        return False
    if known.state == PRESENT:
        return True
    if known.content_hash is None or known.reason:
        # Its bytes would fail again, unless under other limits; one that could not be read
        # may be readable by now.
        if known.state == FAILED and known.content_hash is not None and not retry:
            report.fail(plan.full(found.relative), known.reason or "unknown")
        else:
            plan.decode.append(found)
        return False
    if known.state == MISSING:
        plan.returned.append(known.id)
    return True


def _compare_captions(plan: FolderPlan, same: Sequence[bytes], report: IndexReport) -> None:
    """Find out which pictures have other captions now, though their files are unchanged."""
    for relative in same:
        known = plan.known[relative]
        if plan.texts(relative) != plan.before.get(known.id, ()):
            plan.recaption[known.id] = plan.captions.get(relative, ())
        elif known.state == PRESENT:
            report.unchanged += 1


def _gone(plan: FolderPlan, look: _Look, options: IndexOptions) -> list[int]:
    """Ids of the pictures that are not there any more, as far as one can tell."""
    if len(look.same) == len(plan.known):
        return []
    away = plan.known.keys() - look.same
    away.difference_update(look.changed)
    if options.only is not None:
        away.intersection_update(options.only)
    unreadable = tuple(problem.path + b"/" for problem in look.problems)
    return [
        plan.known[relative].id
        for relative in sorted(away)
        if plan.known[relative].state != MISSING and not plan.full(relative).startswith(unreadable)
    ]
