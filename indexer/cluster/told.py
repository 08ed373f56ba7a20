"""News from the machines to the head: what was listed, what was passed over, what went wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

from indexer.captions.caption import CaptionScan
from indexer.cluster.places import Place
from indexer.kinds.passed_over import PassedOver

SHOWN_FAILURES = 20  # of one shard; all are in its rows


class Trouble(NamedTuple):
    """A file or folder (path or URI) that could not be listed or read, and why."""

    place: str
    reason: str


class Table(NamedTuple):
    """A file of captions (path or URI): how many it holds, and how many match no picture."""

    place: str
    format: str
    rows: int
    unmatched: int


@dataclass(slots=True)
class Told:
    """The listing of a source, or a part of it.

    `names` are those of the shards that the source needs. `ended`: it was listed to its end.
    """

    source: str
    problems: list[Trouble] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    tables: list[Table] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ended: bool = False

    def taken(self) -> Told:
        """Everything that was noted until now, which is noted here no more."""
        until_now = replace(self)
        empty = Told(self.source)
        for each in fields(self):
            setattr(self, each.name, getattr(empty, each.name))
        return until_now

    def problem(self, path: bytes, reason: str) -> None:
        """Note a file or folder that could not be listed or read."""
        self.problems.append(Trouble(os.fsdecode(path), reason))

    def pass_over(self, passed: Iterable[PassedOver]) -> None:
        """Count files and folders that are passed over."""
        self.passed_over.update(each.kind for each in passed)

    def captions(self, found: CaptionScan, folder: Path, place: Place) -> None:
        """Note the files of captions that were read in a folder of a place, or could not be."""

        def named(path: Path) -> str:
            return str(path) if place.is_local else f"{place}/{path.relative_to(folder)}"

        self.tables += [Table(named(f.path), f.format, f.rows, f.unmatched) for f in found.files]
        self.problems += [Trouble(named(path), reason) for path, reason in found.problems]


@dataclass(frozen=True, slots=True)
class Done:
    """A shard that is complete: its pictures, and those of them that failed, with some reasons.

    `error` is what kept it from being written, with the kind of the error.
    """

    name: str
    pictures: int = 0
    failed: int = 0
    failures: tuple[Trouble, ...] = ()
    problems: tuple[Trouble, ...] = ()
    error: Exception | None = None
