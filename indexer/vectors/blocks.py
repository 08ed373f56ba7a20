"""Blocks of stored rows: in a file mapped into memory, or in memory only.

A file holds float16 rows, each part of a row (`Fusion.parts`) separately, their measures and their
sums. It never changes. Its head describes the content, with a checksum for every run of rows. The
head and the file's size are checked on opening; a run of rows is checked when it is first used. So
a file of any size opens at once, and damaged rows are never used.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.embedding import Floats, Ints, Mask, Rows
from indexer.errors import LibraryDamaged
from indexer.fusion import Fusion, RowSums
from indexer.vectors.files import write_named

RUN = 256  # rows of a part that share a checksum
SUFFIX = ".rows"
_HEAD = struct.Struct("<16s6Q")  # magic, rows, parts, width, measured, with and without caption
_MAGIC = b"picfuse rows 01\n"
_ALIGNED = 64  # bytes of a cache line


class RowsDamaged(LibraryDamaged):
    """A file of rows differs from what was written; `file` is its name."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}; it will be rebuilt")
        self.file = path.name


class RowBlock:
    """Rows of some pictures: `parts`, each (n, width / parts), and `measures` (measured, n).

    Rows of a file are float16 and the block has the file's `name`; rows in memory may be float32.
    """

    name = ""

    def __init__(
        self, parts: tuple[NDArray[np.floating], ...], measures: Floats, sums: RowSums
    ) -> None:
        self.parts = parts
        self.measures = measures
        self.sums = sums

    @classmethod
    def of(cls, rows: NDArray[np.floating], has_caption: Mask, fusion: Fusion) -> RowBlock:
        """Make a block of rows (n, width) in memory, with their precision."""
        parts = tuple(np.ascontiguousarray(p) for p in np.split(rows, fusion.parts, axis=1))
        measures = fusion.measures(np.asarray(rows, np.float32))
        return cls(parts, measures, RowSums.of(rows, has_caption))

    @classmethod
    def joined(cls, blocks: Sequence[RowBlock]) -> RowBlock:
        """Join several blocks to one in memory."""
        parts = zip(*(block.parts for block in blocks), strict=True)
        measures = np.concatenate([block.measures for block in blocks], axis=1)
        sums = reduce(add, (block.sums for block in blocks))
        return cls(tuple(np.concatenate(part) for part in parts), measures, sums)

    def __len__(self) -> int:
        return int(self.measures.shape[1])

    def check(self, part: int, rows: Ints | None = None) -> None:
        """Raise `RowsDamaged` if a part of some rows, or of all, is damaged."""
        return

    def verify(self) -> None:
        """Raise `RowsDamaged` if anything is damaged."""

    def take(self, rows: Ints) -> Rows:
        """Some complete rows (m, width) in float32."""
        return np.concatenate([part[rows] for part in self.parts], axis=1).astype(np.float32)


class MappedBlock(RowBlock):
    """The rows of a file; reads only what is used."""

    def __init__(self, path: Path, width: int, fusion: Fusion, checksum: str) -> None:
        """Open a file. Raises `RowsDamaged` unless its head has this checksum."""
        self.path = path
        self.name = path.name
        content, head = _mapped(path)
        n, layout = _layout(path, head, len(content), width, fusion)
        if xxhash.xxh3_128_hexdigest(content[: layout.head].data) != checksum:
            raise RowsDamaged(path, "damaged (its checksum differs)")
        self._checksums = content[layout.table : layout.head].view("<u8")
        self._checksums = self._checksums.reshape(fusion.parts, layout.runs)
        ends = (layout.head, layout.measured, *(p + 2 * n * layout.dim for p in layout.parts))
        starts = (layout.measures, *layout.parts, layout.size)
        self._between = [content[e:s] for e, s in zip(ends, starts, strict=True)]
        self._seen = np.zeros(self._checksums.shape, np.bool_)
        sums = content[_HEAD.size : layout.table].view("<f8").reshape(2, width)
        measures = content[layout.measures : layout.measured].view("<f4")
        parts = tuple(
            content[start : start + 2 * n * layout.dim].view("<f2").reshape(n, layout.dim)
            for start in layout.parts
        )
        super().__init__(
            parts, measures.reshape(fusion.measured, n), RowSums(sums[0], sums[1], *head[5:7])
        )

    def verify(self) -> None:
        """Raise `RowsDamaged` if any byte of the file was changed."""
        self._seen[:] = False
        for part in range(len(self.parts)):
            self.check(part)
        if any(between.any() for between in self._between):
            raise RowsDamaged(self.path, "damaged (it has content that was never written)")

    def check(self, part: int, rows: Ints | None = None) -> None:
        seen = self._seen[part]
        if rows is None:
            if seen.all():
                return
            runs: Iterable[int] = np.flatnonzero(~seen).tolist()
        else:
            if seen[rows // RUN].all():
                return
            # np.unique would import numpy.ma, for which a cold query would wait.
            runs = [run for run in sorted(set((rows // RUN).tolist())) if not seen[run]]
        for run in runs:
            if _checksum(self.parts[part], self.measures, run) != self._checksums[part, run]:
                raise RowsDamaged(self.path, "damaged (a checksum of its rows differs)")
            seen[run] = True


def _checksum(part: NDArray[np.floating], measures: Floats, run: int) -> int:
    """Checksum of a run of rows: of one part and of the measures."""
    rows = slice(run * RUN, (run + 1) * RUN)
    seed = xxhash.xxh3_64_intdigest(measures[:, rows].tobytes())
    return int(xxhash.xxh3_64_intdigest(part[rows].data, seed=seed))


class _Layout:
    """Offsets of all sections in a file."""

    def __init__(self, n: int, parts: int, width: int, measured: int) -> None:
        self.dim = width // parts
        self.runs = -(-n // RUN)
        self.table = _HEAD.size + 2 * 8 * width
        self.head = self.table + 8 * parts * self.runs
        self.measures = _aligned(self.head)
        self.measured = self.measures + 4 * measured * n
        start, self.parts = _aligned(self.measured), []
        for _ in range(parts):
            self.parts.append(start)
            start = _aligned(start + 2 * n * self.dim)
        self.size = start


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED


def _mapped(path: Path) -> tuple[NDArray[np.uint8], tuple[Any, ...]]:
    """Map a file into memory and unpack its head."""
    try:
        with path.open("rb") as file:
            content = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        return content, _HEAD.unpack_from(content.data)
    except OSError as error:
        raise RowsDamaged(path, error.strerror or "cannot be read") from error
    except (ValueError, struct.error) as error:  # it is empty, or shorter than a head
        raise RowsDamaged(path, "damaged (it is too short)") from error


def _layout(
    path: Path, head: tuple[Any, ...], size: int, width: int, fusion: Fusion
) -> tuple[int, _Layout]:
    """The number of rows and their offsets. Raises `RowsDamaged` if the head does not fit."""
    n, expected = head[1], (fusion.parts, width, fusion.measured)
    if head[0] != _MAGIC or head[2:5] != expected or n > size:
        raise RowsDamaged(path, f"not a file of rows of width {width}")
    layout = _Layout(n, *expected)
    if layout.size != size:
        raise RowsDamaged(path, "damaged (its size is wrong)")
    return n, layout


def write_block(folder: Path, block: RowBlock) -> tuple[str, str]:
    """Write `vectors-….rows`; returns its name and its checksum. Raises `LibraryError`."""
    return write_named(folder, SUFFIX, lambda file: _write(file, block))


def _write(file: BinaryIO, block: RowBlock) -> str:
    parts = [np.ascontiguousarray(part, "<f2") for part in block.parts]
    measures = np.ascontiguousarray(block.measures, "<f4")
    n, width = len(block), sum(part.shape[1] for part in parts)
    layout = _Layout(n, len(parts), width, len(measures))
    counts = (block.sums.with_caption, block.sums.without_caption)
    head = _HEAD.pack(_MAGIC, n, len(parts), width, len(measures), *counts)
    head += np.stack([block.sums.captioned, block.sums.plain]).astype("<f8").tobytes()
    table = [[_checksum(part, measures, run) for run in range(layout.runs)] for part in parts]
    head += np.array(table, "<u8").tobytes()
    file.write(head)
    for start, content in zip([layout.measures, *layout.parts], [measures, *parts], strict=True):
        file.write(bytes(start - file.tell()))
        file.write(content.reshape(-1).view(np.uint8).data)
    file.write(bytes(layout.size - file.tell()))
    return xxhash.xxh3_128_hexdigest(head)


def read_checked(path: Path, checksum: str) -> bytes:
    """Read a file. Raises `RowsDamaged` unless it has this checksum."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RowsDamaged(path, error.strerror or "cannot be read") from error
    if xxhash.xxh3_128_hexdigest(content) != checksum:
        raise RowsDamaged(path, "damaged (its checksum differs)")
    return content
