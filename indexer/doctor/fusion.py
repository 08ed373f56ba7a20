"""Check of the library's fusion: are its learned weights those that made the rows?"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.doctor.finding import Finding
from indexer.errors import LibraryDamaged
from indexer.library.kept_fusion import kept_fusion
from indexer.library.library import Library


def learned_fusion(library: Library) -> Iterator[Finding]:
    """Read the learned weights in the catalogue."""
    try:
        kept_fusion(library.catalogue, library.settings)
    except LibraryDamaged as error:
        meaning = "the learned fusion cannot be used, so searches fail until it is restored"
        yield Finding("fusion", 1, meaning, str(error))
