"""The work on a folder: its files today, compared with the catalogue."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.captions import Caption
from indexer.captions.candidates import CAPTION_SUFFIXES
from indexer.captions.nearby import NearbyFiles
from indexer.catalogue.lookup.facts import StoredFact
from indexer.catalogue.lookup.pictures import IndexedFolder, IndexedPicture
from indexer.catalogue.values import FAILED, LATEST, MISSING, PRESENT, UNDECODED
from indexer.kinds.extras import needed_extra
from indexer.kinds.passed_over import PassedOver
from indexer.library.library import Library
from indexer.metadata.fact import Fact
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.found import FoundPicture, ScanProblem
from indexer.pictures.optional import has_decoder
from indexer.pictures.scan import scan
from indexer.pipeline.absence import may_be_there
from indexer.pipeline.beside import Beside, look_beside, nothing_beside
from indexer.pipeline.facts import stored_beside
from indexer.pipeline.folders import inside_library
from indexer.pipeline.passing import (
    Memory,
    PassedChanges,
    all_passed_over,
    changes,
    tell,
    tell_nothing_else,
)
from indexer.pipeline.report import IndexOptions, IndexReport


@dataclass(slots=True)
class FolderPlan:
    """The work on one folder; pictures are named by their relative path."""

    folder: IndexedFolder
    captions: Mapping[bytes, tuple[Caption, ...]] = field(default_factory=dict)
    decode: list[FoundPicture] = field(default_factory=list)
    known: Mapping[bytes, IndexedPicture] = field(default_factory=dict)
    before: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # captions, by picture id
    facts: Mapping[bytes, tuple[Fact, ...]] = field(default_factory=dict)  # in sidecars
    facts_before: Mapping[int, tuple[StoredFact, ...]] = field(default_factory=dict)  # by id
    recaption: dict[int, tuple[Caption, ...]] = field(default_factory=dict)  # by picture id
    verified: Collection[int] = ()
    matched: Collection[int] = ()  # places of the patterns that left something out
    brought_back: Collection[int] = ()  # places of the patterns that brought something back
    passed: PassedChanges = field(default_factory=PassedChanges)
    captions_digest: bytes | None = None  # to be stored once all captions are
    captions_told: str | None = None
    returned: list[int] = field(default_factory=list)  # ids: were missing, are back unchanged
    gone: list[int] = field(default_factory=list)  # ids: were present, are missing now

    def full(self, relative: bytes) -> bytes:
        """The whole path of a picture."""
        return os.path.join(os.fsencode(self.folder.path), relative)

    def texts(self, relative: bytes) -> tuple[str, ...]:
        """The captions that are beside a picture today."""
        captions = self.captions.get(relative)
        return tuple(caption.text for caption in captions) if captions else ()

    def is_said_as_before(self, relative: bytes, key: int) -> bool:
        """Whether captions and other facts beside a picture are those that are stored."""
        same = self.texts(relative) == self.before.get(key, ())
        return same and self.has_facts_as_before(relative, key)

    def has_facts_as_before(self, relative: bytes, key: int) -> bool:
        """Whether the facts of a picture's sidecars are those that are stored."""
        if not self.facts and not self.facts_before:
            return True
        today = stored_beside(self.facts.get(relative, ()))
        said = tuple((fact.field, fact.value, fact.source) for fact in today)
        return said == self.facts_before.get(key, ())


def plan_folder(
    library: Library,
    folder: IndexedFolder,
    options: IndexOptions,
    report: IndexReport,
    verified: Collection[int] = (),
) -> FolderPlan:
    """Compare a folder with the catalogue; unreadable files and folders go to `report.problems`.

    A picture with the same size and time of change counts as unchanged; its file is not opened,
    unless older readers read its metadata. A picture in a folder that cannot be read now stays as
    it was. To verify, all files are opened, except those of the pictures (by id) that are
    `verified` already.
    """
    plan = FolderPlan(folder, verified=verified)
    with _garbage_collection_paused():
        plan.known = library.catalogue.known_pictures(folder.id)
    before = library.passed_over.in_folder(folder.id)
    exclusion = Exclusion(json.loads(folder.exclude), folder.included)
    files = _compare_files(plan, library.path, options, report, before, exclusion)
    beside = _look_beside(library, plan, files, options, report)
    plan.matched, plan.brought_back = exclusion.matched, exclusion.brought_back
    if may_be_there(folder.path):
        _pass_over(plan, files, beside, before, exclusion, report)
        plan.passed = changes(before, files.beside.passed)
    if beside.unchanged:
        report.unchanged += sum(plan.known[each].state == PRESENT for each in files.same)
    else:
        _compare_captions(library, plan, files.same, report)
    plan.gone = _gone(plan, files, options)
    return plan


def _look_beside(
    library: Library,
    plan: FolderPlan,
    files: _Files,
    options: IndexOptions,
    report: IndexReport,
) -> Beside:
    """Look for captions beside the pictures; files are read if a picture has to be decoded."""
    if not may_be_there(plan.folder.path):
        folder = plan.folder  # it may come back as it was
        plan.captions_digest, plan.captions_told = folder.captions_digest, folder.captions_told
        return nothing_beside()
    pictures = [*files.same, *files.changed, *files.unasked]
    beside = look_beside(
        plan.folder,
        pictures,
        files.beside,
        report,
        fillers=library.settings.fillers,
        may_trust=not (plan.decode or options.verify),
    )
    plan.captions, plan.facts = beside.found.captions, beside.found.facts
    if options.only is None or beside.digest == plan.folder.captions_digest:
        plan.captions_digest, plan.captions_told = beside.lasting, beside.told
    return beside


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pause the garbage collector while many values are made and none is dropped.

    It would scan all of them again and again, which takes a third of the time.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@dataclass(slots=True)
class _Files:
    """Files of a folder today: relative paths of pictures, problems, and other files nearby."""

    same: list[bytes] = field(default_factory=list)
    changed: list[bytes] = field(default_factory=list)  # or new, or to be tried again
    unasked: list[bytes] = field(default_factory=list)  # not among `options.only`
    problems: list[ScanProblem] = field(default_factory=list)
    beside: NearbyFiles = field(default_factory=lambda: NearbyFiles(CAPTION_SUFFIXES))


def _compare_files(
    plan: FolderPlan,
    library: Path,
    options: IndexOptions,
    report: IndexReport,
    before: Mapping[bytes, PassedOver],
    exclusion: Exclusion,
) -> _Files:
    """Compare every picture file of a folder with the catalogue, and plan its decoding."""
    files, only, retry = _Files(), options.only, options.limits_given
    folder, closed = plan.folder, inside_library(plan.folder.path, library)
    memory = Memory({}, {}) if options.verify else Memory(plan.known, before)
    walk = (exclusion, closed, files.beside, memory.kind)
    for found in scan(folder.path, *walk):
        if isinstance(found, ScanProblem):
            files.problems.append(found)
        elif only is not None and found.relative not in only:
            files.unasked.append(found.relative)
        elif _is_same(plan, found, report, retry=retry) and not _to_verify(plan, found, options):
            files.same.append(found.relative)
        else:
            files.changed.append(found.relative)
    if not may_be_there(folder.path):  # which was reported before
        files.problems.clear()
    for problem in files.problems:
        report.unread(problem.path, problem.reason)
    return files


def _pass_over(
    plan: FolderPlan,
    files: _Files,
    captions: Beside,
    before: Mapping[bytes, PassedOver],
    exclusion: Exclusion,
    report: IndexReport,
) -> None:
    """Note the files that are passed over; a folder with nothing else is a problem."""
    folder, beside = plan.folder, files.beside
    mine = [relative for relative in captions.found.unused if relative in beside.files]
    beside.passed = all_passed_over(folder.path, beside.passed, mine, exclusion)
    if captions.unchanged:
        beside.passed += [before[relative] for relative in beside.files if relative in before]
    tell(folder, beside.passed, report)
    if beside.passed and not (files.same or files.changed or files.unasked or files.problems):
        tell_nothing_else(folder.path, report)


def _is_same(plan: FolderPlan, found: FoundPicture, report: IndexReport, *, retry: bool) -> bool:
    """Whether a picture's file is unchanged; if not, plans to decode it, or fails it as before."""
    known = plan.known.get(found.relative)
    found = replace(found, mtime_ns=LATEST) if found.mtime_ns > LATEST else found
    if known is None or known.size != found.size or known.mtime_ns != found.mtime_ns:
        plan.decode.append(found)
        return False
    if known.state == PRESENT:
        if known.is_read_by_old:
            plan.decode.append(found)
        return not known.is_read_by_old
    if known.state == UNDECODED and not has_decoder(needed_extra(known.reason or "")):
        report.fail(plan.full(found.relative), known.reason or "")
        return False
    if known.content_hash is None or known.reason:
        # The same bytes would fail again, except under other limits; a file that could not be
        # read may be readable by now.
        if known.state == FAILED and known.content_hash is not None and not retry:
            report.fail(plan.full(found.relative), known.reason or "unknown")
        else:
            plan.decode.append(found)
        return False
    if known.state == MISSING:
        plan.returned.append(known.id)
    return True


def _to_verify(plan: FolderPlan, found: FoundPicture, options: IndexOptions) -> bool:
    """Whether a file that looks unchanged is read all the same; plans that."""
    known = plan.known[found.relative]
    if not options.verify or known.state != PRESENT or known.id in plan.verified:
        return False
    plan.decode.append(found)
    return True


def _compare_captions(
    library: Library, plan: FolderPlan, same: Sequence[bytes], report: IndexReport
) -> None:
    """Determine which pictures have other captions or sidecars now, though their files have not.

    Where sidecars say other facts, the picture is read again: its own metadata may win over them.
    """
    with _garbage_collection_paused():
        plan.before = library.captions.beside(plan.folder.id)
        plan.facts_before = library.facts.beside(plan.folder.id)
    for relative in same:
        known = plan.known[relative]
        if known.state == PRESENT and not plan.has_facts_as_before(relative, known.id):
            plan.decode.append(FoundPicture(relative, known.size, known.mtime_ns))
        elif plan.texts(relative) != plan.before.get(known.id, ()):
            plan.recaption[known.id] = plan.captions.get(relative, ())
        elif known.state == PRESENT:
            report.unchanged += 1


def _gone(plan: FolderPlan, files: _Files, options: IndexOptions) -> list[int]:
    """Ids of the pictures that are missing now, except in folders that cannot be read."""
    if len(files.same) == len(plan.known):
        return []
    away = plan.known.keys() - files.same
    away.difference_update(files.changed)
    if options.only is not None:
        away.intersection_update(options.only)
    unreadable = tuple(problem.path + b"/" for problem in files.problems)
    return [
        plan.known[relative].id
        for relative in sorted(away)
        if plan.known[relative].state != MISSING and not plan.full(relative).startswith(unreadable)
    ]
