"""A library's vector index: in memory caught up with the catalogue, on disk in segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.lookup import Lookup, chunks
from indexer.segments import (
    SEGMENT,
    FusedRows,
    SegmentWriter,
    Stored,
    delete_other_files,
    load_segments,
    stored_segments,
)
from indexer.vectors import VectorIndex

_TRIES = 3  # times that the files may be replaced while they are read


class FusedPictures(Protocol):
    """What the index of a library is a cache of: fused rows, and how far they have come."""

    path: Path

    @property
    def catalogue(self) -> Lookup: ...
    @property
    def generation(self) -> int: ...
    @property
    def made_with(self) -> str: ...
    @property
    def width(self) -> int: ...

    def fused(self, picture_ids: Sequence[int]) -> FusedRows:
        """Pictures, their rows and which have a caption."""
        ...

    def put_segments(self, stored: Stored) -> None:
        """Note what is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """A vector index in memory, and what it agrees with."""

    index: VectorIndex
    generation: int
    made_with: str


class CachedIndex:
    """The cache of one library's fused rows; SQLite is the truth."""

    def __init__(self, library: FusedPictures) -> None:
        self._library = library
        self._held: _Held | None = None
        self._saved = -1  # the generation whose segments were looked at last

    def current(self) -> VectorIndex:
        """The index in memory, caught up; one that was returned before is left as it is."""
        library, held = self._library, self._held
        generation, made_with = library.generation, library.made_with
        if held is None or held.generation > generation or held.made_with != made_with:
            before, index = self._loaded(made_with)
        elif held.generation < generation:
            before, index = held.generation, held.index.copy()
        else:
            return held.index
        self._catch_up(index, before)
        self._held = _Held(index, generation, made_with)
        return index

    def save(self) -> None:
        """Bring the segments on disk up to date, as far as the changes are worth it."""
        library, generation = self._library, self._library.generation
        if generation == self._saved:
            return
        writer = SegmentWriter(library.path, library.catalogue, library.width, library.fused)
        stored = stored_segments(library.catalogue, library.made_with)
        updated = writer.updated(stored, generation)
        if updated is not None:
            library.put_segments(updated)
        delete_other_files(library.path, updated or stored)
        self._saved = generation

    def _loaded(self, made_with: str) -> tuple[int, VectorIndex]:
        """The index on disk and its generation; read again when a writer replaces it meanwhile."""
        library = self._library
        for _ in range(_TRIES):
            stored = stored_segments(library.catalogue, made_with)
            index, sound = load_segments(library.path, stored, library.width)
            if sound or stored_segments(library.catalogue, made_with).facts == stored.facts:
                break
        return stored.generation, index

    def _catch_up(self, index: VectorIndex, generation: int) -> None:
        """Bring an index up to date with what the catalogue changed after a generation."""
        library = self._library
        present = library.catalogue.present()
        index.remove(np.setdiff1d(index.picture_ids, present))
        missing = np.setdiff1d(present, index.picture_ids)
        todo = np.union1d(missing, library.catalogue.touched_since(generation))
        for ids in chunks(todo.astype(np.int64).tolist(), SEGMENT):
            index.put(*library.fused(ids))
