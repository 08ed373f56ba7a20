"""The files and folders that a run passes over: noted by kind, and kept for `picfuse status`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.captions.unused import why_unused
from indexer.catalogue.lookup.pictures import IndexedFolder, IndexedPicture
from indexer.kinds.passed_over import PassedOver
from indexer.kinds.suffixes import CAPTION_FILE, by_suffix
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.formats import NAMED
from indexer.pictures.scan import PICTURE
from indexer.pipeline.report import IndexReport


@dataclass(slots=True)
class PassedChanges:
    """Changes to the files passed over in a folder: paths to forget, and files to add."""

    gone: list[bytes] = field(default_factory=list)
    new: list[PassedOver] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)


@dataclass(frozen=True, slots=True)
class Memory:
    """The kinds of files that an earlier run learned from their first bytes."""

    pictures: Mapping[bytes, IndexedPicture]
    passed: Mapping[bytes, PassedOver]

    def kind(self, relative: bytes, size: int, mtime_ns: int) -> str | None:
        """The kind of a file; None if it is unknown or has changed."""
        picture, other = self.pictures.get(relative), self.passed.get(relative)
        if picture is not None and (picture.size, picture.mtime_ns) == (size, mtime_ns):
            return PICTURE
        if other is not None and (other.size, other.mtime_ns) == (size, mtime_ns):
            return other.kind
        return None


def all_passed_over(
    folder: Path, met: Sequence[PassedOver], unused: Sequence[bytes], exclusion: Exclusion
) -> list[PassedOver]:
    """All that a scan has passed over, and the files that could hold captions but do not."""
    return [
        *(_with_reason(folder, each) if each.kind == CAPTION_FILE else each for each in met),
        *(_unused(folder, each) for each in unused if not exclusion.leaves_out(each)),
    ]


def _with_reason(folder: Path, each: PassedOver) -> PassedOver:
    return each._replace(reason=why_unused(folder / os.fsdecode(each.relative)) or "")


def _unused(folder: Path, relative: bytes) -> PassedOver:
    reason = why_unused(folder / os.fsdecode(relative))
    suffix = os.path.splitext(relative)[1].lower()
    return PassedOver(relative, CAPTION_FILE if reason else by_suffix(suffix), reason or "")


def changes(before: Mapping[bytes, PassedOver], today: Sequence[PassedOver]) -> PassedChanges:
    """The difference between the files passed over before and today."""
    now = {each.relative: each for each in today}
    gone = [relative for relative, each in before.items() if now.get(relative) != each]
    return PassedChanges(gone, [each for key, each in now.items() if before.get(key) != each])


def tell(folder: IndexedFolder, passed: Sequence[PassedOver], report: IndexReport) -> None:
    """Count the files passed over by kind, and name the caption files with their faults."""
    for each in passed:
        report.passed_over[each.kind] += 1
        if each.kind == CAPTION_FILE:
            report.unused_captions.append(
                report.failure(folder.path / os.fsdecode(each.relative), each.reason)
            )


def tell_nothing_else(folder: Path, report: IndexReport) -> None:
    """Note that a folder has no picture that could be indexed."""
    report.unread(folder, f"has no picture that could be indexed ({NAMED}), only other files")
