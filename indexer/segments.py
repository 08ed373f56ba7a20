"""The vector index on disk: segments, FAISS files of at most 4,096 rows each.

A segment never changes and is named by its checksum, so that a reader has a whole old or a whole
new one. Its row of the catalogue holds the keys of its rows; the key of a row that is out of date
is blotted out. Changes cost what they touch: few wait in the catalogue until they are worth a
file, and a segment that has lost a tenth of its rows is written anew without them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.protocol import Rows
from indexer.errors import LibraryDamaged
from indexer.lookup import Lookup, chunks
from indexer.notation import GONE
from indexer.vectors import Ids, VectorIndex, picture_ids, verify

SEGMENT = 4096  # rows: 16 MB of the built-in model's
COMPACT = 10  # a segment is written anew when one row in so many is gone
WORTH = 50  # new rows are written when there are as many as one in so many present ones

FusedRows: TypeAlias = tuple[Ids, Rows, NDArray[np.bool_]]  # pictures, rows, which have a caption
Fuse: TypeAlias = Callable[[Sequence[int]], FusedRows]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """A file, its checksum, and the key of each of its rows."""

    file: str
    checksum: str
    keys: Ids

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which rows are not blotted out, (rows,)."""
        return np.asarray(self.keys != GONE)

    @property
    def pictures(self) -> Ids:
        """The pictures of the live rows."""
        return picture_ids(self.keys[self.live])

    @property
    def worn(self) -> bool:
        """Whether a tenth of it is gone."""
        return int(self.live.sum()) * COMPACT <= len(self.keys) * (COMPACT - 1)

    def blotted(self, outdated: Ids) -> Segment:
        """The segment without the rows of these pictures."""
        gone = self.live & np.isin(picture_ids(self.keys), outdated)
        return replace(self, keys=np.where(gone, GONE, self.keys)) if gone.any() else self


@dataclass(frozen=True, slots=True)
class Stored:
    """All segments; the generation of the library and the encoder and fusion they are of."""

    made_with: str = ""
    generation: int = 0
    segments: tuple[Segment, ...] = ()

    @property
    def facts(self) -> str:
        """What the setting "vectors" holds."""
        return json.dumps({"made_with": self.made_with, "generation": self.generation})


def stored_segments(catalogue: Lookup, made_with: str) -> Stored:
    """What is on disk; nothing where it was made with another encoder or fusion."""
    facts, rows = catalogue.segments()
    if not facts or (said := json.loads(facts))["made_with"] != made_with:
        return Stored(made_with)
    segments = tuple(Segment(f, c, np.frombuffer(k, dtype="<i8")) for f, c, k in rows)
    return Stored(made_with, int(said["generation"]), segments)


def load_segments(folder: Path, stored: Stored, width: int) -> tuple[VectorIndex, bool]:
    """The live rows of all sound segments in one index, and whether every segment was sound."""
    index, sound = VectorIndex(width), True
    for segment in stored.segments:
        try:
            verify(folder / segment.file, segment.checksum)
            part = VectorIndex.load(folder / segment.file, width)
        except LibraryDamaged as error:
            logger.debug("%s", error)
            sound = False
            continue
        index.add(segment.keys[segment.live], part.rows[segment.live])
    return index, sound


class SegmentWriter:
    """Brings the segments of a library up to date; `fuse` makes rows from stored embeddings."""

    def __init__(self, folder: Path, catalogue: Lookup, width: int, fuse: Fuse) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._width = width
        self._fuse = fuse

    def updated(self, stored: Stored, generation: int) -> Stored | None:
        """Write what is worth it; what is then stored, or None when nothing needs to change.

        The files are there when this returns; they count once the catalogue says so.
        """
        present = self._catalogue.present()
        touched = np.array(self._catalogue.touched_since(stored.generation), dtype=np.int64)
        sound = [segment for segment in stored.segments if self._is_sound(segment)]
        whole = len(sound) == len(stored.segments)
        if whole and not len(touched) and np.array_equal(np.sort(_pictures(sound)), present):
            return None  # the usual case costs no comparison of each segment
        kept = []
        for segment in sound:
            ids = segment.pictures
            outdated = ids[~np.isin(ids, present) | np.isin(ids, touched)]
            kept.append(segment.blotted(outdated))
        fresh = [segment for segment in kept if not segment.worn]
        missing = np.setdiff1d(present, _pictures(fresh))
        lost = len(fresh) < len(stored.segments)
        waiting = len(missing) * WORTH < len(present)
        if not lost and (waiting or not len(missing)):
            return None
        if fresh and len(fresh[-1].pictures) < SEGMENT // 2:
            fresh, missing = fresh[:-1], np.union1d(missing, fresh[-1].pictures)
        written = [self._written(ids) for ids in chunks(missing.tolist(), SEGMENT)]
        return Stored(stored.made_with, generation, (*fresh, *filter(None, written)))

    def _is_sound(self, segment: Segment) -> bool:
        try:
            verify(self._folder / segment.file, segment.checksum)
        except LibraryDamaged as error:
            logger.info("%s", error)
            return False
        return True

    def _written(self, ids: Sequence[int]) -> Segment | None:
        """A new segment of these pictures; None when none of them has an embedding."""
        found, rows, has_caption = self._fuse(ids)
        if not len(found):
            return None
        index = VectorIndex(self._width)
        index.put(found, rows, has_caption)
        file, checksum = index.save(self._folder)
        return Segment(file, checksum, index.keys)


def delete_other_files(folder: Path, stored: Stored) -> None:
    """Delete files of vectors that are none of these segments; one that cannot be costs space."""
    names = {segment.file for segment in stored.segments}
    for path in other_files(folder, names):
        with suppress(OSError):
            path.unlink()


def other_files(folder: Path, names: set[str]) -> list[Path]:
    """Files of vectors, whole or half written, that are none of the named ones."""
    return sorted(path for path in folder.glob("vectors-*") if path.name not in names)


def _pictures(segments: Sequence[Segment]) -> Ids:
    return np.concatenate([np.zeros(0, np.int64), *(s.pictures for s in segments)])
