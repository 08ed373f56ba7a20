"""The fields of a collection, and how they are made of a picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import xxhash

from indexer.catalogue.database import folded
from indexer.catalogue.values import NEVER
from indexer.metadata.fields import KEPT, bare
from indexer.milvus.connection import Connection, Entity
from indexer.milvus.memory import distinct
from indexer.milvus.picture import StoredPicture

FORMAT = 1  # of collections; another one is refused
MOST_TOKENS, LONGEST_TOKEN = 4000, 64  # tokens of an array, letters of a token
LONGEST_TEXT = 60_000  # bytes
# What is unknown: no condition on numbers or texts holds for it.
UNKNOWN_TIME, UNKNOWN_NUMBER, UNKNOWN_DEGREES = -(2**62), -1, 999.0
_TEXTS = {  # bytes
    "folder": 8192, "file": 2048, "path": 8192, "source": 8192, "camera": 1024, "lens": 1024,
}  # fmt: skip
_TIMES = {"taken": 40, "taken_last": 40, "content": 128, "digest": 64}
_NUMBERS = ("modified", "newest", "rating", "size", "width", "height")
_DEGREES = ("latitude", "longitude", "megapixels")
_ARRAYS = ("words", "marks")
_WORD = re.compile(r"\w+")


def create(connection: Connection, dim: int, *, name: str, index: dict[str, Any]) -> bool:
    """Make an empty collection with its indexes; returns whether `v_i` and `v_t` are float16.

    A server that knows no float16 takes float32.
    """
    client, types = connection.client, connection.types
    half = not connection.is_lite
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", types.INT64, is_primary=True)
    for field in ("v_i", "v_t"):
        schema.add_field(field, types.FLOAT16_VECTOR if half else types.FLOAT_VECTOR, dim=dim)
    schema.add_field("captioned", types.BOOL)
    schema.add_field("record", types.VARCHAR, max_length=65_535)
    for field, longest in (_TEXTS | _TIMES).items():
        schema.add_field(field, types.VARCHAR, max_length=longest)
    for field in _NUMBERS:
        schema.add_field(field, types.INT64)
    for field in _DEGREES:
        schema.add_field(field, types.DOUBLE)
    for field in _ARRAYS:
        schema.add_field(
            field,
            types.ARRAY,
            element_type=types.VARCHAR,
            max_capacity=4096,
            max_length=4 * LONGEST_TOKEN + 20,
        )
    _add_text(schema, connection)
    with connection.told():
        client.create_collection(name, schema=schema, index_params=_indexes(connection, index))
        client.load_collection(name)
    return half


def _add_text(schema: Any, connection: Connection) -> None:
    """The tokens as one text, and their weights in BM25, which Milvus counts by itself."""
    types, functions = connection.types, connection.pymilvus
    analyzer = {"tokenizer": "standard" if connection.is_lite else "whitespace"}
    schema.add_field(
        "text",
        types.VARCHAR,
        max_length=65_535,
        enable_analyzer=True,
        enable_match=True,
        analyzer_params=analyzer,
    )
    schema.add_field("weights", types.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        functions.Function(
            name="bm25",
            function_type=functions.FunctionType.BM25,
            input_field_names=["text"],
            output_field_names=["weights"],
        )
    )


def _indexes(connection: Connection, index: dict[str, Any]) -> Any:
    params = connection.client.prepare_index_params()
    for field in ("v_i", "v_t"):
        params.add_index(field_name=field, metric_type="IP", **index)
    params.add_index(
        field_name="weights", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={}
    )
    scalars = ("content", "path", "newest", "taken", *(() if connection.is_lite else _ARRAYS))
    for field in scalars:
        params.add_index(field_name=field, index_type="INVERTED")
    return params


def entity(
    picture: StoredPicture, words: Sequence[tuple[str, str]], *, source: str, half: bool
) -> dict[str, Any]:
    """The row of a picture in a collection; `words` are its tokens with their columns."""
    known = picture.columns
    whole = folded(picture.folder, picture.relative) or ""
    where, _, file = whole.rpartition("/")
    taken = known["taken"] or ""
    v_i, v_t = ((row.astype("<f2") if half else row) for row in (picture.v_i, picture.v_t))
    return {
        "id": picture.id,
        "v_i": v_i if half else v_i.tolist(),
        "v_t": v_t if half else v_t.tolist(),
        "captioned": picture.has_caption,
        "record": picture.record,
        "folder": _cut(f"{where}/", 8000),
        "file": _cut(file, 2000),
        "path": path_text(os.path.join(picture.folder, picture.relative)),
        "camera": _cut((known["camera"] or "").casefold(), 1000),
        "lens": _cut((known["lens"] or "").casefold(), 1000),
        "taken": taken,
        "taken_last": known["taken_last"] or taken,
        "content": (known["content_hash"] or b"").hex(),
        "source": source,
        "modified": UNKNOWN_TIME if known["mtime_ns"] == NEVER else known["mtime_ns"],
        "newest": newest(known["taken"], known["mtime_ns"]),
        "rating": UNKNOWN_NUMBER if known["rating"] is None else known["rating"],
        "size": known["size"],
        "width": UNKNOWN_NUMBER if known["width"] is None else known["width"],
        "height": UNKNOWN_NUMBER if known["height"] is None else known["height"],
        "megapixels": (known["width"] or 0) * (known["height"] or 0) / 1e6
        if known["width"] is not None and known["height"] is not None
        else float(UNKNOWN_NUMBER),
        "latitude": UNKNOWN_DEGREES if known["latitude"] is None else known["latitude"],
        "longitude": UNKNOWN_DEGREES if known["longitude"] is None else known["longitude"],
        "words": [_cut_token(token) for token in distinct(words)[:MOST_TOKENS]],
        "marks": list(dict.fromkeys(_marks(picture)))[:MOST_TOKENS],
        "text": _cut(" ".join(token for _, token in words), LONGEST_TEXT),
    }


def path_text(path: bytes) -> str:
    """A path as it is compared: bytes that are no text become U+FFFD."""
    return _cut(path.decode("utf-8", "replace"), 8000)


def newest(taken: str | None, mtime_ns: int) -> int:
    """Seconds by which the newest pictures come first: by the camera's clock, or the file's."""
    if taken:
        return int(datetime.fromisoformat(taken).replace(tzinfo=UTC).timestamp())
    if mtime_ns == NEVER:
        return UNKNOWN_TIME
    local = datetime.fromtimestamp(mtime_ns / 1e9).replace(tzinfo=UTC)
    return int(local.timestamp())


def _marks(picture: StoredPicture) -> Iterator[str]:
    """Marks that conditions of `--where` look for, beside numbers and paths."""
    known = picture.columns
    yield mark("format", (known["format"] or "").lower())
    width, height = known["width"], known["height"]
    if width is not None and height is not None:
        shape = "landscape" if width > height else "portrait" if width < height else "square"
        yield mark("orientation", shape)
    yield from (mark("has", name) for name in _having(picture))
    for field, value in ((field, value) for _, field, value, _, _ in picture.facts):
        yield from (mark(field, word) for word in words_in(bare(value)))
    for text, _, _ in picture.captions:
        yield from (mark("caption", word) for word in words_in(text.casefold()))
    if picture.text is not None:
        yield from (mark("text", word) for word in words_in(bare(picture.text[0])))


def _having(picture: StoredPicture) -> Iterator[str]:
    """The names of what a picture has: columns, fields of facts, captions, text."""
    columns = ("taken", "camera", "latitude", "lens", "rating")
    yield from (name for name in columns if picture.columns[name] is not None)
    fields = {field for _, field, _, _, _ in picture.facts}
    yield from (name for name in KEPT if name in fields)
    if picture.captions:
        yield "caption"
    if picture.text is not None and picture.text[0]:
        yield "text"


def mark(field: str, value: str) -> str:
    """A mark as it is stored."""
    return _cut_token(f"{field}={value}")


def words_in(text: str) -> list[str]:
    """The words of a text that marks are made of."""
    return _WORD.findall(text)


def _cut_token(token: str) -> str:
    return token[:LONGEST_TOKEN]


def _cut(text: str, most: int) -> str:
    """The text, cut to a number of bytes in UTF-8; what is no text becomes "?"."""
    said = text.encode("utf-8", "replace")
    return said[:most].decode("utf-8", "ignore")


def digest_of(row: Entity) -> str:
    """A text that is the same for the same row; rows that are there already are not sent again."""
    hashed = xxhash.xxh3_128()
    for name in sorted(row):
        value = row[name]
        hashed.update(name.encode() + b"\0")
        hashed.update(value.tobytes() if hasattr(value, "tobytes") else repr(value).encode())
    return str(hashed.hexdigest())
