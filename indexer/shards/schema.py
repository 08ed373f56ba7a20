"""The columns of a shard: records as an Arrow table, and back.

Embeddings are fixed-size lists of float16. Paths are binary, since they need not be UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.catalogue.values import FAILED, MISSING, PRESENT, UNDECODED
from indexer.errors import InputError, LibraryDamaged
from indexer.shards.record import CaptionRecord, FactRecord, PictureRecord, ReadingRecord, Row

_PICTURE = (
    ("folder", pa.binary()),
    ("relative", pa.binary()),
    ("size", pa.int64()),
    ("mtime_ns", pa.int64()),
    ("content_hash", pa.binary()),
    ("pixels_hash", pa.binary()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("format", pa.string()),
    ("taken", pa.string()),
    ("taken_last", pa.string()),
    ("taken_source", pa.string()),
    ("camera", pa.string()),
    ("lens", pa.string()),
    ("latitude", pa.float64()),
    ("longitude", pa.float64()),
    ("place_source", pa.string()),
    ("rating", pa.int32()),
    ("metadata_version", pa.int32()),
    ("perceptual_hash", pa.binary()),
    ("state", pa.string()),
    ("reason", pa.string()),
)
_CAPTION = (("text", pa.string()), ("source", pa.string()), ("embedded", pa.bool_()))
_FACTS = pa.list_(
    pa.struct([(name, pa.string()) for name in ("field", "value", "source", "origin")])
)
_READING = pa.struct([(name, pa.string()) for name in ("text", "models", "reason")])


def schema_of(dim: int) -> pa.Schema:
    """The columns of a shard whose embeddings are `dim` wide."""
    row = pa.list_(pa.float16(), dim)
    captions = pa.list_(pa.struct([*_CAPTION, ("v_t", row)]))
    return pa.schema(
        [
            *_PICTURE,
            ("captions", captions),
            ("facts", _FACTS),
            ("reading", _READING),
            ("v_i", row),
        ]
    )


def to_table(records: Sequence[PictureRecord], dim: int) -> pa.Table:
    """Records as a table; raises `InputError` for an embedding of another width."""
    schema = schema_of(dim)
    arrays = [
        pa.array([getattr(record, name) for record in records], kind) for name, kind in _PICTURE
    ]
    facts = [[_parts(fact) for fact in record.facts] for record in records]
    readings = [record.reading and _parts(record.reading) for record in records]
    arrays += [
        _captions([record.captions for record in records], schema.field("captions").type, dim),
        pa.array(facts, _FACTS),
        pa.array(readings, _READING),
        _vectors([record.v_i for record in records], dim),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def records_of(table: pa.Table | pa.RecordBatch) -> list[PictureRecord]:
    """The records in a table; raises `LibraryDamaged` for values that no record has."""
    columns = [table.column(name).to_pylist() for name, _ in _PICTURE]
    names = [name for name, _ in _PICTURE]
    captions, facts, readings, v_i = (
        _whole(table.column(name)) for name in ("captions", "facts", "reading", "v_i")
    )
    try:
        said = zip(
            _captions_in(captions),
            _several(facts.to_pylist(), FactRecord),
            ((one and ReadingRecord(**one)) for one in readings.to_pylist()),
            _rows_in(v_i),
            strict=True,
        )
        records = [
            PictureRecord(
                **dict(zip(names, values, strict=True)),
                captions=texts,
                facts=known,
                reading=reading,
                v_i=row,
            )
            for values, (texts, known, reading, row) in zip(
                zip(*columns, strict=True), said, strict=True
            )
        ]
        for record in records:
            _check(record)
        return records
    except (AttributeError, TypeError, ValueError) as error:
        raise LibraryDamaged(f"values that no picture has ({error})") from error


def _check(record: PictureRecord) -> None:
    """Raise `ValueError` for a record that no library could have made."""
    parts = record.relative.split(b"/")
    if not record.folder or not all(parts) or b".." in parts or b"\0" in record.relative:
        raise ValueError(f"the path {record.relative!r}")
    if record.state not in (PRESENT, MISSING, FAILED, UNDECODED):
        raise ValueError(f"the state {record.state!r}")
    texts = [text for c in record.captions for text in (c.text, c.source)]
    values = [value for f in record.facts for value in (f.field, f.value, f.source, f.origin)]
    read = [record.reading.text, record.reading.models] if record.reading else []
    if None in (record.size, record.mtime_ns, *texts, *values, *read):
        raise ValueError("a value is missing")


def _parts(value: FactRecord | ReadingRecord) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _several(lists: Iterable[Sequence[dict[str, Any]]], kind: Callable[..., Any]) -> Any:
    return (tuple(kind(**each) for each in own) for own in lists)


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _captions(captions: Sequence[Sequence[CaptionRecord]], kind: pa.DataType, dim: int) -> pa.Array:
    """Captions as lists of structs; their embeddings go through NumPy, not value by value."""
    flat = list(chain.from_iterable(captions))
    fields = [pa.array([getattr(one, name) for one in flat], each) for name, each in _CAPTION]
    structs = pa.StructArray.from_arrays(
        [*fields, _vectors([one.v_t for one in flat], dim)], fields=list(kind.value_type)
    )
    ends = accumulate((len(own) for own in captions), initial=0)
    return pa.ListArray.from_arrays(pa.array(list(ends), pa.int32()), structs, type=kind)


def _captions_in(column: Any) -> list[tuple[CaptionRecord, ...]]:
    structs = column.flatten()
    fields = [structs.field(name).to_pylist() for name, _ in _CAPTION]
    rows = _rows_in(structs.field("v_t"))
    flat = iter([CaptionRecord(*parts) for parts in zip(*fields, rows, strict=True)])
    lengths = column.value_lengths().to_pylist()
    return [tuple(next(flat) for _ in range(length)) for length in lengths]


def _vectors(rows: Sequence[Row | None], dim: int) -> pa.Array:
    """Embeddings as fixed-size lists; a missing one is null."""
    matrix = np.zeros((len(rows), dim), np.float16)
    for place, row in enumerate(rows):
        if row is not None:
            if row.shape != (dim,):
                raise InputError(f"an embedding has shape {row.shape}, the store needs ({dim},)")
            matrix[place] = row
    missing = pa.array(np.array([row is None for row in rows], np.bool_))
    values = pa.array(matrix.reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, type=pa.list_(pa.float16(), dim), mask=missing)


def _rows_in(column: Any) -> list[Row | None]:
    """The embeddings in a column; one that is no number anywhere raises `ValueError`."""
    dim = column.type.list_size
    there = column.is_valid().to_numpy(zero_copy_only=False)
    values = column.drop_null().flatten().to_numpy(zero_copy_only=False)
    matrix = values.reshape(-1, dim)
    if not np.isfinite(matrix).all():
        raise ValueError("an embedding holds infinity or NaN")
    found = iter(matrix)
    return [next(found) if each else None for each in there]
