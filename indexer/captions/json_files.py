"""Captions in JSON: COCO, Karpathy's splits, lists of records, one record per line, by name."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from indexer.captions.caption import Caption, Rows, UnusableFile, captions_of
from indexer.captions.columns import (
    PICTURE_SUFFIXES,
    caption_columns,
    is_picture_name,
    is_sure,
    picture_column,
    texts_in,
)
from indexer.captions.named_columns import NamedColumns, listed
from indexer.captions.tables import flaw_of
from indexer.captions.text_files import MAX_BYTES, data_lines, peeked, read_limited, text_lines
from indexer.kinds.members import open_file

_CHUNK = 1 << 20
# Quoted words: a file must hold all those of one format.
_MARKS = (
    (b'"annotations"', b'"image_id"', b'"caption"'),
    (b'"images"', b'"sentences"'),
)
_RECORD_MARKS = (
    *(
        b'"caption',
        b'"text',
        b'"sentence',
        b'"description"',
        b'"title"',
        b'"raw"',
        b':description"',
    ),
    *(b'"conversations"', b'"messages"', b'"keywords"', b'"prompt"', b'"alt'),
)
_NAMED = re.compile(rf'"[^"\\]+{PICTURE_SUFFIXES}"\s*:'.encode(), re.IGNORECASE)
_ENTRY_KEYS = ("caption", "captions", "text", "description", "tags", "p")  # of a picture's entry
_SPEAKERS = ("gpt", "assistant")  # who describes the picture in a conversation
_SIDECAR_KEYS = ("caption", "captions", "text", "description")


def json_rows(path: Path, named: NamedColumns | None = None) -> Rows | None:
    """Read a JSON file of many pictures; None if it holds no captions.

    `named` are keys that a user has named; raises `UnusableFile` if no object has them.
    """
    guessed: set[str] = set()
    try:
        value = parsed(read_limited(path, MAX_BYTES), guessed)
    except ValueError as error:
        raise UnusableFile(f"it is not valid JSON ({error}); correct it") from error
    rows = _rows(value) if named is None else _named_rows(_record_list(value), named)
    return rows and replace(rows, guessed=frozenset(guessed))


def _rows(value: object) -> Rows | None:
    if isinstance(value, dict):
        return _coco(value) or _karpathy(value) or _records(value.get("data")) or _by_name(value)
    return _records(value)


def jsonl_rows(path: Path, named: NamedColumns | None = None) -> Rows | None:
    """Read one record per line, as in metadata.jsonl; None if the records are of another kind.

    `named` are as above.
    """
    guessed: set[str] = set()
    with open_file(path) as stream:
        lines = text_lines(stream, guessed)
        rows = _line_rows(lines) if named is None else _named_rows(_line_records(lines), named)
    return rows and replace(rows, guessed=frozenset(guessed))


def _line_rows(lines: Iterable[str]) -> Rows | None:
    rows: list[tuple[str, Caption]] = []
    flawed: list[int] = []
    recognised = sure = False
    for number, line in enumerate(lines, 1):
        record = _line_record(line)
        if record is None:
            flawed += [number] if line.strip() else []
            continue
        recognised = recognised or _is_captioned(record)
        sure = sure or _is_surely_captioned(record)
        rows += _record_rows(record, "metadata.jsonl")
        if not recognised and number > 100:  # a log or another data set: read no further
            return None
    flaw = flaw_of(flawed, "is not a JSON object")
    return Rows("metadata.jsonl", rows, flaw, sure) if recognised else None


def looks_like_json(path: Path) -> bool:
    """Whether a file holds the words of a format: most JSON is something else, and some is huge."""
    words = {word for marks in _MARKS for word in marks} | set(_RECORD_MARKS)
    seen: set[bytes] = set()
    tail = b""
    with open_file(path) as stream:
        first = stream.read(4).lstrip(b"\xef\xbb\xbf \t\r\n")
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 spells the words differently
            return True
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            window = (tail + chunk).lower()
            seen |= {word for word in words - seen if word in window}
            tail = window[-32:]
    by_name = first.startswith(b"{") and _looks_like_names(path)
    is_list = first.startswith(b"[") or b'"data"' in peeked(path)
    return (
        by_name
        or any(seen.issuperset(marks) for marks in _MARKS)
        or (is_list and not seen.isdisjoint(_RECORD_MARKS))
    )


def _looks_like_names(path: Path) -> bool:
    """Whether an object's keys are names of pictures, or its entries have captions."""
    start = peeked(path)
    return bool(_NAMED.search(start)) or any(b'"%s"' % k in start for k in (b"caption", b"tags"))


def looks_like_jsonl(data: bytes) -> bool:
    """Whether one of the first lines is a record with a picture and a caption."""
    records = (_line_record(line) for line in data_lines(data))
    return any(_is_captioned(record) for record in records if record is not None)


def sidecar_texts(data: bytes) -> list[str]:
    """Return the captions in one picture's own JSON file, as img2dataset writes it."""
    try:
        value = parsed(data)
    except ValueError as error:
        if b'"caption' in data:
            raise UnusableFile(f"it is not valid JSON ({error}); correct it") from error
        return []
    if not isinstance(value, dict):
        return []
    return [text for key in _SIDECAR_KEYS for text in texts_in(value.get(key))]


def parsed(data: bytes | str, guessed: set[str] | None = None) -> Any:
    """Parse JSON; raises ValueError for anything else, however deeply it is nested."""
    try:
        if isinstance(data, bytes):
            data = "".join(data_lines(data, guessed))
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _coco(value: dict[str, Any]) -> Rows | None:
    annotations = [a for a in _objects(value.get("annotations")) if "caption" in a]
    if not annotations:
        return None
    images = _objects(value.get("images"))
    names = {str(image.get("id")): _coco_name(image) for image in images}
    rows = [
        (names.get(number := str(annotation.get("image_id"))) or number, caption)
        for annotation in annotations
        for caption in captions_of(texts_in(annotation["caption"]), "coco")
    ]
    return Rows("coco", rows)


def _coco_name(image: dict[str, Any]) -> str:
    return str(image.get("file_name") or image.get("coco_url") or "")


def _karpathy(value: dict[str, Any]) -> Rows | None:
    images = [image for image in _objects(value.get("images")) if "sentences" in image]
    if not images:
        return None
    rows = [
        (_karpathy_name(image), caption)
        for image in images
        for caption in captions_of(texts_in(image["sentences"]), "karpathy")
    ]
    return Rows("karpathy", rows)


def _karpathy_name(image: dict[str, Any]) -> str:
    name, folder = str(image.get("filename") or ""), image.get("filepath")
    return f"{folder}/{name}" if folder and name else name


def _records(values: object) -> Rows | None:
    """Read a list of objects that name a picture and its captions, as for BLIP."""
    records = _objects(values)
    if not any(_is_captioned(record) for record in records):
        return None
    rows = [row for record in records for row in _record_rows(record, "json")]
    return Rows("json", rows, sure=any(map(_is_surely_captioned, records)))


def _named_rows(records: Iterable[dict[str, Any]], named: NamedColumns) -> Rows:
    """Read objects by the keys that a user has named."""
    rows: list[tuple[str, Caption]] = []
    first: dict[str, Any] | None = None
    for record in records:
        first = record if first is None else first
        for name, texts in named.read(record):
            rows += ((name, caption) for caption in captions_of(texts, "json"))
    if not rows:
        raise UnusableFile(f"no object in it has these keys; {listed(list(first or {}))}")
    return Rows("json", rows)


def _record_list(value: object) -> list[dict[str, Any]]:
    """The objects in a list, or in the first list of objects below an object."""
    if not isinstance(value, dict):
        return _objects(value)
    return next(filter(None, map(_objects, value.values())), [])


def _by_name(value: dict[str, Any]) -> Rows | None:
    """Read an object with an entry for each picture, by its name with suffix or without."""
    rows = [
        (name, caption)
        for name, entry in value.items()
        if isinstance(entry, dict) or is_picture_name(name)
        for caption in captions_of(_entry_texts(entry), "json")
    ]
    return Rows("json", rows, sure=False) if rows else None


def _entry_texts(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield from texts_in(entry)
        return
    for key in _ENTRY_KEYS:
        yield from texts_in(entry.get(key))


def _record_rows(record: dict[str, Any], source: str) -> Iterator[tuple[str, Caption]]:
    keys = list(record)
    picture = picture_column(keys)
    name = record[keys[picture]] if picture is not None else ""
    texts = [text for i in caption_columns(keys) for text in texts_in(record[keys[i]])]
    for caption in captions_of([*texts, *_said(record)], source):
        yield (str(name) if isinstance(name, str | int) else "", caption)


def _is_captioned(record: dict[str, Any]) -> bool:
    keys = list(record)
    said = bool(caption_columns(keys)) or next(_said(record), None) is not None
    return picture_column(keys) is not None and said


def _is_surely_captioned(record: dict[str, Any]) -> bool:
    return _is_captioned(record) and is_sure(list(record))


def _said(record: dict[str, Any]) -> Iterator[str]:
    """The model's part of a conversation about the picture, as LLaVA learns from."""
    for turn in _objects(record.get("conversations") or record.get("messages")):
        if (turn.get("from") or turn.get("role")) in _SPEAKERS:
            yield from texts_in(turn.get("value", turn.get("content")))


def _line_records(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (record for record in map(_line_record, lines) if record is not None)


def _line_record(line: str) -> dict[str, Any] | None:
    try:
        record = parsed(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _objects(value: object) -> list[dict[str, Any]]:
    entries: Iterable[object] = value if isinstance(value, list) else ()
    return [entry for entry in entries if isinstance(entry, dict)]
