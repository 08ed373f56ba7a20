"""Moving copies to the trash of the system, after a last look at each file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from indexer import Library
from indexer.library.records import CopyInfo
from search.duplicates.files import LeftOut, is_link, present_files, reread
from search.duplicates.finding import Group

BEST_HAS_CHANGED = "the best copy is no longer what it was"
SAME_FILE = "it is the best copy under another name"


@dataclass(frozen=True, slots=True)
class Trashed:
    """Copies that are in the trash now, and those that stayed where they were, with the reason."""

    moved: tuple[CopyInfo, ...] = ()
    kept: tuple[LeftOut, ...] = ()


def move_to_trash(groups: Sequence[Group], move: Callable[[str], None] | None = None) -> Trashed:
    """Move the spare copies of groups to the trash of the system; the best copies stay.

    Reads the bytes of the copy and of the best one again right before each move. The copy stays if
    either has changed, if both are one file, or if the trash refuses it. `move` moves the file of a
    path (None: by send2trash).
    """
    move = move or import_module("send2trash").send2trash  # knows the trash of this system
    moved: list[CopyInfo] = []
    kept: list[LeftOut] = []
    for group in groups:
        for copy in group.spare:
            refused = _refusal(group.best, copy) or _moved(copy.path, move)
            if refused is None:
                moved.append(copy)
            else:
                kept.append(refused)
    return Trashed(tuple(moved), tuple(kept))


def without_more_captions(library: Library, groups: Iterable[Group]) -> tuple[Group, ...]:
    """The groups without spare copies that have a caption which the best copy lacks.

    The trash would take words by which the picture is found.
    """
    groups = list(groups)
    ids = [copy.id for group in groups for copy in group.pictures]
    captions = {key: {*one.captions} for key, one in library.catalogue.pictures(ids).items()}
    return tuple(
        replace(
            group,
            spare=tuple(
                copy
                for copy in group.spare
                if captions.get(copy.id, set()) <= captions.get(group.best.id, set())
            ),
        )
        for group in groups
    )


def _refusal(best: CopyInfo, copy: CopyInfo) -> LeftOut | None:
    """Why a copy has to stay; None if it can go."""
    if is_link(copy.path):
        return LeftOut(copy.path, SAME_FILE)
    files, left_out = present_files([best, copy])
    gone = {one.path: one for one in left_out}
    if best.path in gone or reread(best) is not None:
        return LeftOut(copy.path, BEST_HAS_CHANGED)
    if len(files) + len(gone) < 2:
        return LeftOut(copy.path, SAME_FILE)
    return gone.get(copy.path) or reread(copy)


def _moved(path: Path, move: Callable[[str], None]) -> LeftOut | None:
    """Move a file; returns why the trash refuses it, if it does."""
    try:
        move(os.fspath(path))
    except OSError as error:
        return LeftOut(path, f"the trash cannot take it: {error.strerror or error}")
    return None
