"""Progress of long work, and failures within it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far indexing is: `done` of `total` pictures that need work; `what` names other work."""

    done: int
    total: int
    what: str = ""
