"""What has to be done for a folder: the files of today compared with the catalogue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from indexer.captions import Caption, CaptionScan, find_captions
from indexer.catalogue import Catalogue, KnownFolder, KnownPicture
from indexer.database import FILE
from indexer.errors import CaptionFileError
from indexer.images import FoundPicture, scan
from indexer.report import IndexOptions, IndexReport
from indexer.schema import FAILED, LATEST, MISSING, PRESENT


@dataclass(slots=True)
class FolderPlan:
    """The work on one folder; pictures are named by their relative path."""

    folder: KnownFolder
    captions: Mapping[bytes, tuple[Caption, ...]] = field(default_factory=dict)
    decode: list[FoundPicture] = field(default_factory=list)
    known: Mapping[bytes, KnownPicture] = field(default_factory=dict)
    before: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # captions, by picture id
    recaption: dict[int, tuple[Caption, ...]] = field(default_factory=dict)  # by picture id
    returned: list[int] = field(default_factory=list)  # ids: missing, there again unchanged
    gone: list[int] = field(default_factory=list)  # ids: present, not there any more

    def full(self, relative: bytes) -> bytes:
        """The whole path of a picture."""
        return os.path.join(os.fsencode(self.folder.path), relative)

    def texts(self, relative: bytes) -> tuple[str, ...]:
        """The captions that lie beside a picture today."""
        return tuple(caption.text for caption in self.captions.get(relative, ()))


def plan_folder(
    catalogue: Catalogue,
    folder: KnownFolder,
    library: Path,
    options: IndexOptions,
    report: IndexReport,
) -> FolderPlan:
    """Compare a folder with the catalogue; what cannot be looked at goes to `report.problems`.

    A picture whose size and time of change are the same is taken as unchanged, without a look
    into it. A picture in a folder that cannot be read now stays as it was.
    """
    if not folder.path.is_dir():
        report.problem(folder.path, "this folder is not there now; its pictures count as missing")
    unreadable: list[bytes] = []
    files: dict[bytes, FoundPicture] = {}
    in_library = _inside(folder.path, library)
    for found in scan(folder.path, exclude=json.loads(folder.exclude)):
        if not isinstance(found, FoundPicture):
            if folder.path.is_dir():
                report.problem(found.path, found.reason)
                unreadable.append(found.path + b"/")
        elif not in_library(os.path.dirname(found.relative)):  # noqa: PTH120 - bytes
            files[found.relative] = replace(found, mtime_ns=min(found.mtime_ns, LATEST))
    captions = _captions(folder, files, report)
    if (only := options.only) is not None:
        files = {relative: found for relative, found in files.items() if relative in only}
    plan = FolderPlan(folder, captions.captions)
    plan.known = catalogue.known_pictures(folder.id)
    plan.before = catalogue.captions(folder.id, embedded=False)
    _compare(plan, files, report, retry=options.other_limits)
    for relative, known in plan.known.items():
        away = relative not in files and known.state != MISSING
        if away and not plan.full(relative).startswith(tuple(unreadable)):
            plan.gone.append(known.id)
    return plan


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


def _captions(
    folder: KnownFolder, files: Mapping[bytes, FoundPicture], report: IndexReport
) -> CaptionScan:
    if not folder.path.is_dir():
        return CaptionScan({}, (), ())
    named = [Path(file) for file in json.loads(folder.caption_files)]
    there = [file for file in named if file.is_file()]
    for file in set(named) - set(there):
        report.problem(file, "this caption file is not there any more; its captions are dropped")
    try:
        captions = find_captions(folder.path, files, explicit=there)
    except CaptionFileError as error:  # it could be used when it was named
        report.problem(folder.path, str(error))
        captions = find_captions(folder.path, files)
    report.caption_files += captions.files
    for path, reason in captions.problems:
        report.problem(path, reason)
    return captions


def _compare(
    plan: FolderPlan,
    files: Mapping[bytes, FoundPicture],
    report: IndexReport,
    *,
    retry: bool,
) -> None:
    for relative, found in files.items():
        known = plan.known.get(relative)
        if known is None or (known.size, known.mtime_ns) != (found.size, found.mtime_ns):
            plan.decode.append(found)
            continue
        if known.state != PRESENT and (known.content_hash is None or known.reason):
            # Its bytes would fail again, unless under other limits; one that could not be read
            # may be readable by now.
            if known.state == FAILED and known.content_hash is not None and not retry:
                report.fail(plan.full(relative), known.reason or "unknown")
            else:
                plan.decode.append(found)
            continue
        if known.state == MISSING:
            plan.returned.append(known.id)
        if plan.texts(relative) != plan.before.get(known.id, ()):
            plan.recaption[known.id] = plan.captions.get(relative, ())
        elif known.state == PRESENT:
            report.unchanged += 1
