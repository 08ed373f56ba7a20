"""The vector index on disk: segments, files of at most 16,384 rows each.

A segment never changes and is named by its checksum, so that a reader has a whole old or a whole
new one. Its row of the catalogue holds the keys of its rows; the key of a row that is out of date
is blotted out. Changes cost what they touch: few wait in the catalogue until they are worth a
file, and a segment that has lost a tenth of its rows is written anew without them. Which pictures
wait stands beside the generation, so that opening the index needs no look at all pictures.
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

from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.values import VECTORS
from indexer.embedding import Rows
from indexer.fusion import Fusion
from indexer.vectors.blocks import SUFFIX, MappedBlock, RowBlock, RowsDamaged, write_block
from indexer.vectors.compressed import CompressedIndex, CompressedState
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import GONE, Ids, picture_ids, without_pictures

SEGMENT = 16384  # rows: 32 MB of the built-in model's
COMPACT = 10  # a segment is written anew when one row in so many is gone
WORTH = 50  # new rows are written when there are as many as one in so many present ones,
_AT_ONCE = 1024  # pictures that are fused together: in float32 a row takes twice the room
MANY = 512  # or as many as this: each reader fuses those that wait

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
        keys = without_pictures(self.keys, outdated)
        return self if keys is self.keys else replace(self, keys=keys)


@dataclass(frozen=True, slots=True)
class SegmentManifest:
    """All segments; the generation of the library and the encoder and fusion they are of.

    `waiting` are the pictures that were present at this generation and are in no segment.
    """

    made_with: str = ""
    generation: int = 0
    segments: tuple[Segment, ...] = ()
    waiting: tuple[int, ...] = ()

    @property
    def facts(self) -> str:
        """What the setting "vectors" holds."""
        facts = {"made_with": self.made_with, "generation": self.generation}
        return json.dumps(facts | {"format": SUFFIX, "waiting": self.waiting})


def stored_segments(catalogue: Lookup, made_with: str) -> SegmentManifest:
    """What is on disk; nothing where it was made with another encoder, fusion or format."""
    facts, rows = catalogue.segments()
    said = json.loads(facts or "{}")
    if said.get("made_with") != made_with or said.get("format") != SUFFIX:
        return SegmentManifest(made_with)
    segments = tuple(Segment(f, c, np.frombuffer(k, dtype="<i8")) for f, c, k in rows)
    return SegmentManifest(made_with, int(said["generation"]), segments, tuple(said["waiting"]))


def named_segments(catalogue: Lookup) -> set[str]:
    """The files that the catalogue names, whatever encoder and fusion they were made with.

    They stay: a library that goes back to a fusion looks for the files of before.
    """
    return {file for file, _, _ in catalogue.segments()[1]}


def stored_generation(catalogue: Lookup) -> int:
    """The generation of what is on disk."""
    return int(json.loads(catalogue.setting(VECTORS) or "{}").get("generation", 0))


class OpenSegments:
    """The files of segments in use: opened once, and those that were found damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks: dict[tuple[str, int], MappedBlock] = {}
        self.damaged: set[str] = set()

    def index(
        self, stored: SegmentManifest, fusion: Fusion, width: int, facts: CompressedState
    ) -> tuple[VectorIndex, bool]:
        """The live rows of all sound segments, and whether every segment was sound."""
        found, opened = [], {}
        sound = facts.usable and not facts.files & self.damaged
        compressed = CompressedIndex(self._folder, facts) if sound else None
        for segment in stored.segments:
            block = self._opened(segment, fusion, width)
            if block is not None:
                opened[segment.checksum, width] = block
                found.append(KeyedBlock(block, segment.keys))
        self._blocks = opened  # others are closed with the last index that needs them
        return VectorIndex(fusion, width, found, compressed), len(found) == len(stored.segments)

    def _opened(self, segment: Segment, fusion: Fusion, width: int) -> MappedBlock | None:
        if segment.file in self.damaged:
            return None
        known = self._blocks.get((segment.checksum, width))
        try:
            return known or opened_segment(self._folder, segment, fusion, width)
        except RowsDamaged as error:
            logger.debug("%s", error)
            return None


def opened_segment(folder: Path, segment: Segment, fusion: Fusion, width: int) -> MappedBlock:
    """The file of a segment. Raises `RowsDamaged`; rows are checked when they are asked for."""
    block = MappedBlock(folder / segment.file, width, fusion, segment.checksum)
    if len(block) != len(segment.keys):
        raise RowsDamaged(block.path, "its rows differ from the catalogue")
    return block


class SegmentWriter:
    """Brings the segments of a library up to date; `fuse` makes rows from stored embeddings."""

    def __init__(
        self, folder: Path, catalogue: Lookup, fusion: Fusion, width: int, fuse: Fuse
    ) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._fusion = fusion
        self._width = width
        self._fuse = fuse

    def updated(self, stored: SegmentManifest, generation: int) -> SegmentManifest | None:
        """Write what is worth it; what is then stored, or None when nothing needs to change.

        The files are there when this returns; they count once the catalogue says so.
        """
        present = self._catalogue.present()
        touched = np.array(self._catalogue.touched_since(stored.generation), dtype=np.int64)
        sound = [segment for segment in stored.segments if self._is_sound(segment)]
        whole = len(sound) == len(stored.segments)
        known = np.union1d(_pictures(sound), np.array(stored.waiting, np.int64))
        if whole and not len(touched) and np.array_equal(known, present):
            behind = 0 < stored.generation < generation  # the usual case: nothing is compared
            return replace(stored, generation=generation) if behind else None
        kept = []
        for segment in sound:
            ids = segment.pictures
            outdated = ids[~np.isin(ids, present) | np.isin(ids, touched)]
            kept.append(segment.blotted(outdated))
        fresh = [segment for segment in kept if not segment.worn]
        missing = np.setdiff1d(present, _pictures(fresh))
        lost = len(fresh) < len(stored.segments)
        few = len(missing) * WORTH < len(present) and len(missing) < MANY
        if not lost and (few or not len(missing)):
            return SegmentManifest(
                stored.made_with, generation, tuple(kept), tuple(missing.tolist())
            )
        if fresh and len(fresh[-1].pictures) < SEGMENT // 2:
            fresh, missing = fresh[:-1], np.union1d(missing, fresh[-1].pictures)
        written = [self._written(ids) for ids in chunks(missing.tolist(), SEGMENT)]
        return SegmentManifest(stored.made_with, generation, (*fresh, *filter(None, written)))

    def _is_sound(self, segment: Segment) -> bool:
        try:
            opened_segment(self._folder, segment, self._fusion, self._width).verify()
        except RowsDamaged as error:
            logger.info("%s", error)
            return False
        return True

    def _written(self, ids: Sequence[int]) -> Segment | None:
        """A new segment of these pictures; None when none of them has an embedding."""
        keys, blocks = [], []
        for part in chunks(ids, _AT_ONCE):
            found, rows, has_caption = self._fuse(part)
            keys.append(np.where(has_caption, found, ~found))
            blocks.append(RowBlock.of(rows.astype(np.float16), has_caption, self._fusion))
        if not any(map(len, blocks)):
            return None
        written = write_block(self._folder, RowBlock.joined(blocks))
        return Segment(*written, np.concatenate(keys))


def delete_other_files(folder: Path, names: set[str]) -> None:
    """Delete files of vectors that are none of the named ones; one that cannot be costs space."""
    for path in other_files(folder, names):
        with suppress(OSError):
            path.unlink()


def other_files(folder: Path, names: set[str]) -> list[Path]:
    """Files of vectors, whole or half written, that are none of the named ones."""
    return sorted(path for path in folder.glob("vectors-*") if path.name not in names)


def _pictures(segments: Sequence[Segment]) -> Ids:
    return np.concatenate([np.zeros(0, np.int64), *(s.pictures for s in segments)])
