"""A library's vector index: caught up with the catalogue, on disk in segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.lookup.tables import chunks
from indexer.fusion import Fusion
from indexer.library.segments import (
    FusedRows,
    OpenSegments,
    SegmentManifest,
    SegmentWriter,
    delete_other_files,
    named_segments,
    stored_generation,
    stored_segments,
)
from indexer.vectors.blocks import RowsDamaged
from indexer.vectors.compressed import CompressedState
from indexer.vectors.index import VectorIndex

_AT_ONCE = 4096  # pictures that are fused together
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
    def fusion(self) -> Fusion: ...
    @property
    def width(self) -> int: ...

    @property
    def compressed(self) -> CompressedState: ...

    def fused(self, picture_ids: Sequence[int]) -> FusedRows:
        """Pictures, their rows and which have a caption."""
        ...

    def put_segments(self, stored: SegmentManifest) -> None:
        """Note what is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """A vector index in memory, and what it agrees with."""

    index: VectorIndex
    generation: int
    made_with: str
    saved: int  # the generation of the segments in it


class CachedIndex:
    """The cache of one library's fused rows; SQLite is the truth."""

    def __init__(self, library: FusedPictures) -> None:
        self._library = library
        self._held: _Held | None = None
        self._open = OpenSegments(library.path)
        self._saved = -1  # the generation whose segments were looked at last

    def current(self) -> VectorIndex:
        """The index, caught up; what it reads of files is checked then."""
        library, held = self._library, self._held
        generation, made_with = library.generation, library.made_with
        if held is not None and held.generation == generation and held.made_with == made_with:
            return held.index
        if held is None or self._overtaken(held, generation, made_with):
            stored, index, sound = self._opened(made_with)
            saved = stored.generation
            if sound and saved == generation:  # only what waits for a segment is looked up
                index = self._with(index, stored.waiting)
            else:
                index = self._caught_up(index, saved)
        else:
            saved, index = held.saved, self._caught_up(held.index, held.generation)
        self._held = _Held(index, generation, made_with, saved)
        return index

    def _overtaken(self, held: _Held, generation: int, made_with: str) -> bool:
        """Whether what is on disk is of another kind, or nearer to what is wanted."""
        if held.generation > generation or held.made_with != made_with:
            return True
        return stored_generation(self._library.catalogue) > held.saved

    def verified(self) -> VectorIndex:
        """The index, caught up, every byte of which is what was written."""
        while True:
            try:
                (index := self.current()).verify()
            except RowsDamaged as error:
                self.distrust(error.file)
            else:
                return index

    def distrust(self, file: str) -> None:
        """Use a damaged file no more: the rows in it are fused again."""
        self._open.damaged.add(file)
        self._held = None

    def save(self) -> None:
        """Bring the segments on disk up to date, as far as the changes are worth it."""
        library, generation = self._library, self._library.generation
        if generation == self._saved:
            return
        fusion, width = library.fusion, library.width
        writer = SegmentWriter(library.path, library.catalogue, fusion, width, library.fused)
        stored = stored_segments(library.catalogue, library.made_with)
        updated = writer.updated(stored, generation)
        if updated is not None:
            library.put_segments(updated)
        self._delete_others()
        self._open.damaged.clear()
        self._held = None
        self._saved = generation

    def forget(self) -> None:
        """Look at what is on disk again, and delete what is not used any more."""
        self._held = None
        self._delete_others()

    def _delete_others(self) -> None:
        library = self._library
        named = named_segments(library.catalogue) | library.compressed.files
        delete_other_files(library.path, named)

    def _opened(self, made_with: str) -> tuple[SegmentManifest, VectorIndex, bool]:
        """What is on disk, its rows, and whether these are all of it.

        It is read again when a writer replaces it meanwhile.
        """
        library = self._library
        for _ in range(_TRIES):
            stored = stored_segments(library.catalogue, made_with)
            index, sound = self._open.index(
                stored, library.fusion, library.width, library.compressed
            )
            if sound or stored_segments(library.catalogue, made_with).facts == stored.facts:
                break
        return stored, index, sound

    def _caught_up(self, index: VectorIndex, generation: int) -> VectorIndex:
        """An index with what the catalogue changed after a generation, and what it lacks."""
        catalogue = self._library.catalogue
        present, known = catalogue.present(), index.picture_ids
        touched = np.array(catalogue.touched_since(generation), np.int64)
        todo = np.union1d(np.setdiff1d(present, known), touched)
        index = index.without(np.union1d(np.setdiff1d(known, present), touched))
        return self._with(index, todo.tolist())

    def _with(self, index: VectorIndex, pictures: Sequence[int]) -> VectorIndex:
        """An index with the rows of pictures that have none in it."""
        for ids in chunks(pictures, _AT_ONCE):
            index = index.add(*self._library.fused(ids))
        return index
