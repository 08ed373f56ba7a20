"""The vector index: stored rows, keyed by picture id, in blocks.

It is a cache of the catalogue. A picture without a caption has the complement `~id` of its id as
key, so that a key tells the kind of its row without reading the catalogue. An index never changes:
`add` and `without` return a new one, which shares the blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Mask, Rows
from indexer.fusion import Fusion, RowSums
from indexer.vectors.blocks import RowBlock
from indexer.vectors.keys import GONE, Ids, ascending, picture_ids, without_pictures

if TYPE_CHECKING:
    from indexer.vectors.compressed import CompressedIndex

JOIN_BELOW_ROWS = 1024  # smaller blocks in memory are joined with the rows added next


@dataclass(frozen=True)
class KeyedBlock:
    """A block and the keys (n,) of its rows; that of a row out of date is `GONE`."""

    block: RowBlock
    keys: Ids

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def gone(self) -> Ids:
        """Rows that are out of date."""
        return np.flatnonzero(self.keys == GONE)

    @cached_property
    def plain(self) -> Mask | None:
        """Mask (n,) of the rows without a caption; None if every row has one."""
        plain: Mask = (self.keys < 0) & (self.keys != GONE)
        return plain if plain.any() else None

    @property
    def sums(self) -> RowSums:
        """Sums of the current rows."""
        if not len(self.gone):
            return self.block.sums
        current = np.flatnonzero(self.keys != GONE)
        return RowSums.of(self.block.take(current), self.keys[current] >= 0)

    def without(self, outdated: Ids) -> KeyedBlock:
        """Mark the rows of these pictures as out of date."""
        keys = without_pictures(self.keys, outdated)
        return self if keys is self.keys else replace(self, keys=keys)


@dataclass(frozen=True)
class Whole:
    """A library of which an index has only some rows: the facts that scores need of all.

    `sums` and `number` are those of all pictures. A coarse filter let `searched` of all through, of
    which `among` have rows here: the exact one tells their share. `sample` (m, width) are rows of
    captioned pictures, `level` those of any.
    """

    sums: RowSums
    number: int
    searched: int
    among: int
    sample: NDArray[np.floating]
    level: KeyedBlock

    def number_of(self, allowed: int) -> int:
        """Number of all pictures that a filter lets through if it lets so many rows through."""
        return round(self.searched * allowed / self.among) if self.among else 0


class VectorIndex:
    """Rows of one fusion and width; the position of a row counts through all blocks in turn."""

    def __init__(
        self,
        fusion: Fusion,
        width: int,
        blocks: Iterable[KeyedBlock] = (),
        compressed: CompressedIndex | None = None,
        whole: Whole | None = None,
    ) -> None:
        self.fusion = fusion
        self.whole = whole
        self.compressed = compressed
        self.width = width
        self.blocks: Sequence[KeyedBlock] = tuple(blocks)
        self.starts: Ids = np.cumsum([0, *(len(block) for block in self.blocks)])

    def __len__(self) -> int:
        return self.size - sum(len(block.gone) for block in self.blocks)

    @property
    def precision(self) -> np.dtype[np.floating]:
        """Type of the stored numbers."""
        types = (keyed.block.parts[0].dtype for keyed in self.blocks)
        return np.result_type(np.float16, *types)

    @property
    def number(self) -> int:
        """Number of pictures of the whole library."""
        return len(self) if self.whole is None else self.whole.number

    @property
    def size(self) -> int:
        """Number of positions, including rows that are out of date."""
        return int(self.starts[-1])

    @cached_property
    def all_keys(self) -> Ids:
        """Key at each position, `GONE` for a row out of date; the blocks share this memory."""
        all_keys = np.concatenate([np.zeros(0, np.int64), *(block.keys for block in self.blocks)])
        shared = np.split(all_keys, self.starts[1:-1])
        self.blocks = tuple(
            replace(block, keys=keys) for block, keys in zip(self.blocks, shared, strict=False)
        )
        return all_keys

    def keys_at(self, positions: Ids) -> Ids:
        """Keys at some positions."""
        return self.all_keys[positions]

    @property
    def keys(self) -> Ids:
        """Keys (n,) of all current rows, in the order of positions."""
        keys = self.all_keys
        return np.asarray(keys[keys != GONE])

    @property
    def picture_ids(self) -> Ids:
        """Pictures (n,) of all current rows."""
        return picture_ids(self.keys)

    @property
    def has_caption(self) -> Mask:
        """Whether each of these pictures has a caption, (n,)."""
        return self.keys >= 0

    @property
    def rows(self) -> Rows:
        """All current rows (n, width) in float32, checked. Raises `RowsDamaged`."""
        return self.take(np.flatnonzero(self.all_keys != GONE))

    @cached_property
    def sums(self) -> RowSums:
        """Sums of both kinds of rows, of the whole library."""
        if self.whole is not None:
            return self.whole.sums
        zero = RowSums.of(np.zeros((0, self.width)), np.zeros(0, np.bool_))
        return reduce(add, (block.sums for block in self.blocks), zero)

    @cached_property
    def _by_picture(self) -> tuple[Ids, Ids | None]:
        """Pictures in ascending order with their positions; None if the rows have that order.

        They mostly do, and a million positions would take 8 MB.
        """
        positions = np.flatnonzero(self.all_keys != GONE)
        pictures = picture_ids(self.all_keys[positions])
        if len(pictures) == self.size and (pictures[1:] > pictures[:-1]).all():
            return pictures, None
        order = np.argsort(pictures, kind="stable")
        return pictures[order], positions[order]

    def positions(self, pictures: Ids) -> Ids:
        """Positions of the rows of pictures, ascending; ignores pictures without a row."""
        known, positions = self._by_picture
        if not len(known):
            return np.zeros(0, np.int64)
        places = np.clip(pictures - known[0], 0, len(known) - 1)  # right if no id is missing
        if (known[places] != pictures).any():
            places = np.minimum(np.searchsorted(known, pictures), len(known) - 1)
        places = places[known[places] == pictures]
        return ascending(places if positions is None else positions[places])

    def split(self, positions: Ids) -> Iterator[tuple[KeyedBlock, Ids]]:
        """Yield each block that holds some of these ascending positions, with its row numbers."""
        bounds = np.searchsorted(positions, self.starts)
        for block, start, first, end in zip(
            self.blocks, self.starts, bounds, bounds[1:], strict=False
        ):
            if end > first:
                yield block, positions[first:end] - start

    def take(self, positions: Ids) -> Rows:
        """Rows (m, width) at ascending positions, checked. Raises `RowsDamaged`."""
        self.check(positions, range(self.fusion.parts))
        taken = [np.zeros((0, self.width), np.float32)]
        taken += [keyed.block.take(rows) for keyed, rows in self.split(positions)]
        return np.concatenate(taken)

    def check(self, positions: Ids, parts: Iterable[int]) -> None:
        """Raise `RowsDamaged` if these parts of rows at ascending positions are damaged."""
        for keyed, rows in self.split(positions):
            for part in parts:
                keyed.block.check(part, rows)

    def gathered(self, positions: Ids, parts: Collection[int]) -> KeyedBlock:
        """Gather these parts of rows at ascending positions in one block, unchecked."""
        count, dim = len(positions), self.width // self.fusion.parts
        precision = self.precision
        gathered = [
            np.empty((count if part in parts else 0, dim), precision)
            for part in range(self.fusion.parts)
        ]
        measures = np.empty((self.fusion.measured, count), np.float32)
        first = 0
        for keyed, rows in self.split(positions):
            end = first + len(rows)
            for part in parts:
                keyed.block.parts[part].take(rows, 0, gathered[part][first:end], "clip")
            keyed.block.measures.take(rows, 1, measures[:, first:end], "clip")
            first = end
        block = RowBlock(tuple(gathered), measures, self.sums)
        return KeyedBlock(block, self.keys_at(positions))

    def verify(self) -> None:
        """Raise `RowsDamaged` if any byte of any block was changed."""
        for keyed in self.blocks:
            keyed.block.verify()

    def without(self, pictures: Ids) -> VectorIndex:
        """Return the index without the rows of some pictures; ignores pictures without a row."""
        if not len(pictures):
            return self
        blocks = (block.without(pictures) for block in self.blocks)
        return VectorIndex(self.fusion, self.width, blocks, self.compressed, self.whole)

    def add(self, pictures: Ids, rows: Rows, has_caption: Mask) -> VectorIndex:
        """Return the index with rows of pictures that have none yet.

        They are rounded to float16, like rows read from a file.
        """
        if not len(pictures):
            return self
        blocks, keys = list(self.blocks), np.where(has_caption, pictures, ~pictures)
        block = RowBlock.of(rows.astype(np.float16), has_caption, self.fusion)
        if blocks and type(blocks[-1].block) is RowBlock and len(blocks[-1]) < JOIN_BELOW_ROWS:
            last = blocks.pop()
            block, keys = RowBlock.joined([last.block, block]), np.concatenate([last.keys, keys])
        blocks.append(KeyedBlock(block, keys))
        return VectorIndex(self.fusion, self.width, blocks, self.compressed, self.whole)
