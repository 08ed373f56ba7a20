"""Progress of long work, and failures during it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Failure(NamedTuple):
    """A file that could not be used, with the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of indexing: `done` of `total` pictures to process; `what` names other work."""

    done: int
    total: int
    what: str = ""
