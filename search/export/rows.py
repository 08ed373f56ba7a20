"""Embeddings in files, .npy of NumPy or Parquet, written in batches."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.errors import InputError
from indexer.library.library import Library

KINDS = ("picture", "caption", "fused")
SUFFIXES = (".npy", ".parquet")


def embeddings_of(library: Library, ids: list[int], kind: str) -> Rows:
    """Rows (n, width) in float32, in the order of the pictures; NaN for a picture without one.

    `kind`: "picture", "caption" (the mean of its captions) or "fused" (as a search uses it).
    """
    if kind == "fused":
        keys, rows, _ = library.fused(ids)
    else:
        features = library.embedded(ids)
        keys = features.ids if kind == "picture" else features.ids[features.has_caption]
        rows = features.v_i if kind == "picture" else features.v_t[features.has_caption]
    ordered = np.full((len(ids), rows.shape[1]), np.nan, np.float32)
    place = {key: n for n, key in enumerate(ids)}
    ordered[[place[key] for key in keys.tolist()]] = rows
    return ordered


def width_of(library: Library, kind: str) -> int:
    """The width of rows of a kind."""
    return library.width if kind == "fused" else library.settings.dim


class RowsFile(Protocol):
    """A file to which rows are added."""

    def add(self, ids: list[int], rows: Rows) -> None:
        """Write rows (n, width) of pictures."""

    def close(self) -> None:
        """Write what is left."""


def check_suffix(path: Path) -> None:
    """Raise `InputError` for a suffix that is not a format of embeddings."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{path}: unknown format for embeddings; end its name in {' or '.join(SUFFIXES)}"
        )


def rows_file(file: BinaryIO, path: Path, width: int) -> RowsFile:
    """The rows file that will get the name `path`. Raises `InputError` like `check_suffix`."""
    check_suffix(path)
    return Npy(file, width) if path.suffix.lower() == ".npy" else ParquetRows(file, width)


class Npy:
    """One array (n, width) of float32; closing writes its header again, with the final n."""

    def __init__(self, file: BinaryIO, width: int) -> None:
        self._file, self._width, self._count = file, width, 0
        self._header()

    def _header(self) -> None:
        shape = (self._count, self._width)
        facts = {"descr": "<f4", "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(self._file, facts)

    def add(self, ids: list[int], rows: Rows) -> None:
        """Append rows."""
        self._file.write(np.ascontiguousarray(rows, "<f4").tobytes())
        self._count += len(rows)

    def close(self) -> None:
        """Write the number of rows into the header."""
        self._file.seek(0)
        self._header()


class ParquetRows:
    """`id` and `embedding`, a list of fixed size; null for a picture without one."""

    def __init__(self, file: BinaryIO, width: int) -> None:
        self._arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        self._type = self._arrow.list_(self._arrow.float32(), width)
        schema = self._arrow.schema([("id", self._arrow.int64()), ("embedding", self._type)])
        self._writer: Any = parquet.ParquetWriter(file, schema)
        self._schema = schema

    def add(self, ids: list[int], rows: Rows) -> None:
        """Write a group of rows."""
        flat, missing = self._arrow.array(rows.ravel()), self._mask(rows)
        lists = self._arrow.FixedSizeListArray.from_arrays(flat, type=self._type, mask=missing)
        table = self._arrow.table([self._arrow.array(ids), lists], schema=self._schema)
        self._writer.write_table(table)

    def _mask(self, rows: NDArray[np.float32]) -> Any:
        return self._arrow.array(np.isnan(rows[:, 0]))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()
