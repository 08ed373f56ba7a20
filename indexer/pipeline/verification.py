"""Verification: every file is read and hashed again, since a change may keep size and time.

A run that was interrupted goes on: the pictures that were found unchanged are noted in a file of
the library, as 8 bytes each, until a run is over or a day has passed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from indexer.catalogue.values import PRESENT
from indexer.pictures.decoding import Outcome
from indexer.pictures.found import FoundPicture
from indexer.pipeline.plan import FolderPlan
from indexer.pipeline.report import IndexReport

FILE = "verified.ids"
_KEPT_SECONDS = 24 * 3600  # a file may change after it was verified


def verified(library: Path) -> frozenset[int]:
    """The pictures, by id, that an interrupted run read again and found unchanged."""
    path = library / FILE
    with suppress(OSError):
        if time.time() - path.stat().st_mtime < _KEPT_SECONDS:
            raw = path.read_bytes()
            return frozenset(np.frombuffer(raw[: len(raw) // 8 * 8], "<i8").tolist())
        path.unlink()
    return frozenset()


def settled(
    library: Path,
    plan: FolderPlan,
    outcomes: Sequence[tuple[FoundPicture, Outcome]],
    report: IndexReport,
) -> list[tuple[FoundPicture, Outcome]]:
    """Count and note the unchanged pictures; returns the others, which have to be stored."""
    same = {found.relative for found, outcome in outcomes if _is_same(plan, found, outcome)}
    report.unchanged += len(same)
    ids = np.array([plan.known[relative].id for relative in same], "<i8")
    with suppress(OSError), (library / FILE).open("ab") as file:  # it saves time, no more
        file.write(ids.tobytes())
    return [(found, outcome) for found, outcome in outcomes if found.relative not in same]


def end_verification(library: Path) -> None:
    """Forget what was noted: every file has been read."""
    with suppress(OSError):
        (library / FILE).unlink(missing_ok=True)


def _is_same(plan: FolderPlan, found: FoundPicture, outcome: Outcome) -> bool:
    """Whether nothing about a picture has changed: its bytes, its file, and captions beside it."""
    known = plan.known.get(found.relative)
    if known is None or known.state != PRESENT or known.content_hash != outcome.content_hash:
        return False
    unmoved = (known.size, known.mtime_ns) == (found.size, found.mtime_ns)
    return unmoved and not known.is_read_by_old and plan.is_said_as_before(found.relative, known.id)
