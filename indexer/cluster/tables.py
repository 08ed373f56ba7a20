"""Parquet files whose rows are pictures: by their bytes, as Hugging Face has them, or addresses."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import ArrowException
from pyarrow.parquet import ParquetFile

from indexer.captions.caption import Caption, captions_of
from indexer.captions.columns import caption_columns, picture_column, texts_in
from indexer.captions.named_columns import NamedColumns, listed
from indexer.cluster.addresses import asked_at
from indexer.cluster.pieces import Asked, Rows
from indexer.cluster.places import Place, reason_of_storage
from indexer.errors import InputError
from indexer.shards.places import first_line

_BYTES, _PATH = "bytes", "path"  # as Hugging Face names them
_BATCH = 256  # rows that are in memory together, each perhaps with the bytes of a picture
_SOURCE = "parquet"


@dataclass(frozen=True, slots=True)
class PictureColumns:
    """The column of pictures, whether it holds their bytes, and the columns of captions."""

    picture: str
    holds_bytes: bool
    captions: tuple[str, ...]

    @classmethod
    def of(cls, schema: Any, named: NamedColumns | None = None) -> PictureColumns | None:
        """The columns of a Parquet file; None if none holds pictures or their addresses."""
        names = list(schema.names)
        if named is not None:
            columns = named.of(names)
            if columns is None:
                raise InputError(f"--columns: {named.missing_in(names)}")
            captions = tuple(names[place] for place in columns.captions)
            return cls._with(schema, names[columns.picture], captions)
        captions = tuple(names[place] for place in caption_columns(names))
        place = picture_column(names)
        picture = names[place] if place is not None else None
        if picture is None or not _has_bytes(schema.field(picture).type):
            picture = next((n for n in names if _has_bytes(schema.field(n).type)), picture)
        return None if picture is None else cls._with(schema, picture, captions)

    @classmethod
    def _with(cls, schema: Any, picture: str, captions: tuple[str, ...]) -> PictureColumns:
        own = tuple(name for name in captions if name != picture)
        return cls(picture, _has_bytes(schema.field(picture).type), own)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the picture that it names or holds, with the bytes in that case, and its captions."""

    asked: Asked
    content: bytes | None
    captions: tuple[Caption, ...]


def holds_pictures(place: Place) -> bool:
    """Whether a file met in a folder has pictures in it; one that cannot be read has none."""
    try:
        with _opened(place) as file:
            columns = PictureColumns.of(file.schema_arrow)
    except (OSError, InputError):
        return False
    return columns is not None and columns.holds_bytes


def rows_of_table(place: Place, size: int, columns: str | None = None) -> Iterator[Rows]:
    """Cut a file into pieces of at most `size` rows. `columns` are those that a user names.

    Raises OSError, and `InputError` for a file that is no Parquet or has no column of pictures.
    """
    named = NamedColumns.parse(columns) if columns else None
    info = place.info()
    with _opened(place) as file:
        found = PictureColumns.of(file.schema_arrow, named)
        if found is None:
            raise InputError(
                f"{place}: it has no column of pictures or addresses; "
                f"{listed(file.schema_arrow.names)}; say which: --columns file=NAME,caption=NAME"
            )
        count = file.metadata.num_rows
    state = (place, info.size, info.mtime_ns or 0)
    for first in range(0, count, size):
        end = min(first + size, count)
        yield Rows(*state, first, end, found.picture, found.captions, found.holds_bytes)


def read_rows(rows: Rows) -> Iterator[Row]:
    """Read a piece of a file, row by row. Raises OSError and `InputError`."""
    with _opened(rows.place) as file:
        number, groups = _groups(file, rows)
        columns = list(dict.fromkeys([rows.picture, *rows.captions]))
        for batch in file.iter_batches(_BATCH, row_groups=groups, columns=columns):
            skipped = max(0, rows.first - number)
            for record in batch.slice(skipped, max(0, rows.end - number - skipped)).to_pylist():
                yield _row(rows, number + skipped, record)
                skipped += 1
            number += batch.num_rows
            if number >= rows.end:
                return


def _groups(file: Any, rows: Rows) -> tuple[int, list[int]]:
    """The number of the first row that is read, and the groups to read."""
    begin, start = 0, 0
    groups: list[int] = []
    for number in range(file.metadata.num_row_groups):
        end = begin + file.metadata.row_group(number).num_rows
        if end > rows.first and begin < rows.end:
            start = start if groups else begin
            groups.append(number)
        begin = end
    return start, groups


def _row(rows: Rows, number: int, record: dict[str, Any]) -> Row:
    texts = [text for column in rows.captions for text in texts_in(record[column])]
    captions, value = tuple(captions_of(texts, _SOURCE)), record[rows.picture]
    if value and not rows.holds_bytes:
        return Row(asked_at(str(value), _folder(rows.place), rows.mtime_ns), None, captions)
    path, content = "", value
    if isinstance(value, dict):
        path, content = value.get(_PATH) or "", value.get(_BYTES)
    folder, _, name = rows.place.name.rpartition("/")
    parts = [name, f"row{number}", posixpath.basename(path)]
    relative = os.fsencode("/".join(filter(None, parts)))
    asked = Asked(os.fsencode(folder), relative, len(content or b""), rows.mtime_ns)
    return Row(asked, content or b"", captions)


def _folder(place: Place) -> Place:
    return Place(place.name.rpartition("/")[0], place.query)


def _has_bytes(kind: Any) -> bool:
    """Whether a column's type is that of pictures' bytes, alone or beside their path."""
    if pa.types.is_struct(kind):
        return kind.get_field_index(_BYTES) >= 0 and _has_bytes(kind.field(_BYTES).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


@contextmanager
def _opened(place: Place) -> Iterator[Any]:
    try:
        with place.opened() as stream, ParquetFile(stream) as file:
            yield file
    except ArrowException as error:
        raise InputError(f"{place}: not a readable Parquet file ({first_line(error)})") from error
    except OSError as error:
        raise OSError(error.errno, f"{place}: {reason_of_storage(error)}") from error
