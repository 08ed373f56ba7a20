"""A finding: one problem of a library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from indexer.catalogue.changes.batch import Batch
from indexer.library.library import Library

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem: its check, the number of cases, its meaning, and the remedy.

    `serious`: answers or data are affected; otherwise it costs time or space, or is worth knowing.
    `mend` repairs the catalogue, in one transaction with all others; `rebuild` makes files again,
    after it. With neither, `remedy` says what the user can do.
    """

    check: str
    count: int
    meaning: str
    remedy: str
    serious: bool = True
    examples: tuple[str, ...] = ()
    mend: Callable[[Batch], None] | None = field(default=None, compare=False)
    rebuild: Callable[[Library], None] | None = field(default=None, compare=False)

    @property
    def repairable(self) -> bool:
        """Whether `repair` can repair it."""
        return self.mend is not None or self.rebuild is not None


def some(items: Sequence[object]) -> tuple[str, ...]:
    """The first few as text."""
    return tuple(str(item) for item in items[:MOST_EXAMPLES])
