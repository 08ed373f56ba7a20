"""The cache of a library's vector index, caught up with the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.catalogue.lookup.tables import chunks
from indexer.library.segments import (
    OpenSegments,
    SegmentManifest,
    SegmentWriter,
    delete_other_files,
    named_segments,
    stored_generation,
    stored_segments,
)
from indexer.library.state import LibraryState
from indexer.vectors.blocks import RowsDamaged
from indexer.vectors.index import VectorIndex

_FUSED_TOGETHER = 4096  # pictures
_MOST_TRIES = 3  # times that the files may be replaced while they are read


@dataclass(frozen=True, slots=True)
class _Held:
    """A vector index in memory, and the generation and the key of the vectors in it."""

    index: VectorIndex
    generation: int
    vectors_key: str
    saved: int  # the generation of the segments in it


class CachedIndex:
    """The cache of one library's fused rows; SQLite is the truth."""

    def __init__(self, library: LibraryState) -> None:
        self._library = library
        self._held: _Held | None = None
        self._open = OpenSegments(library.path)
        self._saved = -1  # the generation that was saved last
        self._catching_up = threading.Lock()  # threads that search share one index

    def current(self) -> VectorIndex:
        """The index, caught up; rows of files are checked when they are read."""
        with self._catching_up:
            return self._current()

    def _current(self) -> VectorIndex:
        library, held = self._library, self._held
        generation, key = library.generation, library.vectors_key
        if held is not None and held.generation == generation and held.vectors_key == key:
            return held.index
        if held is None or self._is_overtaken(held, generation, key):
            manifest, index, sound = self._opened(key)
            saved = manifest.generation
            if sound and saved == generation:  # only pictures without a segment are looked up
                index = self._with(index, manifest.waiting)
            else:
                index = self._caught_up(index, saved)
        else:
            saved, index = held.saved, self._caught_up(held.index, held.generation)
        self._held = _Held(index, generation, key, saved)
        return index

    def _is_overtaken(self, held: _Held, generation: int, key: str) -> bool:
        """Whether the files on disk were made with another key, or are newer."""
        if held.generation > generation or held.vectors_key != key:
            return True
        return stored_generation(self._library.catalogue) > held.saved

    def verified(self) -> VectorIndex:
        """The index, caught up, after a check of every byte of its files."""
        while True:
            try:
                (index := self.current()).verify()
            except RowsDamaged as error:
                self.distrust(error.file)
            else:
                return index

    def distrust(self, file: str) -> None:
        """Stop using a damaged file: its rows are fused again."""
        self._open.damaged.add(file)
        self._held = None

    def save(self, note: Callable[[SegmentManifest], None]) -> None:
        """Bring the segments on disk up to date if there is enough to write; `note` lists them."""
        library, generation = self._library, self._library.generation
        if generation == self._saved:
            return
        fusion, width = library.fusion, library.width
        writer = SegmentWriter(library.path, library.catalogue, fusion, width, library.fused)
        stored = stored_segments(library.catalogue, library.vectors_key)
        updated = writer.updated(stored, generation)
        if updated is not None:
            note(updated)
        self._delete_others()
        self._open.damaged.clear()
        self._held = None
        self._saved = generation

    def forget(self) -> None:
        """Read the files again, and delete those that are no longer used."""
        self._held = None
        self._delete_others()

    def _delete_others(self) -> None:
        library = self._library
        named = named_segments(library.catalogue) | library.compressed.files
        delete_other_files(library.path, named)

    def _opened(self, key: str) -> tuple[SegmentManifest, VectorIndex, bool]:
        """The manifest on disk, its rows, and whether every segment was sound.

        Both are read again when a writer replaces them meanwhile.
        """
        library = self._library
        for _ in range(_MOST_TRIES):
            manifest = stored_segments(library.catalogue, key)
            index, sound = self._open.index(
                manifest, library.fusion, library.width, library.compressed
            )
            if sound or stored_segments(library.catalogue, key).facts == manifest.facts:
                break
        return manifest, index, sound

    def _caught_up(self, index: VectorIndex, generation: int) -> VectorIndex:
        """An index with the rows that changed after a generation, and those that it lacks."""
        catalogue = self._library.catalogue
        present, known = catalogue.present(), index.picture_ids
        touched = np.array(catalogue.touched_since(generation), np.int64)
        todo = np.union1d(np.setdiff1d(present, known), touched)
        index = index.without(np.union1d(np.setdiff1d(known, present), touched))
        return self._with(index, todo.tolist())

    def _with(self, index: VectorIndex, pictures: Sequence[int]) -> VectorIndex:
        """An index with the added rows of pictures that have none in it."""
        for ids in chunks(pictures, _FUSED_TOGETHER):
            index = index.add(*self._library.fused(ids))
        return index
