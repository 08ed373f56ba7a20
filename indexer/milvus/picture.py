"""A picture as a collection keeps it: its row in each table of a catalogue, and its features."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.embedding import Floats
from indexer.errors import LibraryDamaged

HASHES = ("content_hash", "pixels_hash", "perceptual_hash")
COLUMNS = (  # of a picture's row, without its id, its folder and the revision
    "size", "mtime_ns", *HASHES, "width", "height", "format", "taken", "taken_last",
    "taken_source", "camera", "lens", "latitude", "longitude", "place_source", "rating",
    "metadata_version", "state", "reason",
)  # fmt: skip
MOST_BYTES = 60_000  # of a record: a text in Milvus has at most 65,535
StoredCaption = tuple[str, str, bool]  # text, source, whether the picture carries it
StoredFact = tuple[int, str, str, str, str]  # position, field, value, source, origin
StoredText = tuple[str, str]  # text in a picture, and the models that read it


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture with all that a catalogue knows of it, and its features `v_i`, `v_t` (dim,).

    `columns` are those of `COLUMNS`. `v_t` is zero without a caption.
    """

    id: int
    folder: bytes
    relative: bytes
    columns: Mapping[str, Any]
    captions: tuple[StoredCaption, ...]
    facts: tuple[StoredFact, ...]
    text: StoredText | None
    v_i: Floats
    v_t: Floats
    has_caption: bool

    @property
    def record(self) -> str:
        """Everything but the features, as text. Long texts are cut until it fits."""
        shortest = None
        for most in (None, 20_000, 5_000, 1_000, 200):
            shortest = _packed(self, most)
            if len(shortest) <= MOST_BYTES:
                return shortest
        raise LibraryDamaged(f"picture {self.id}: its facts are too long for Milvus")


def _packed(picture: StoredPicture, most: int | None) -> str:
    columns = [_plain(name, picture.columns[name]) for name in COLUMNS]
    few = None if most is None else max(1, most // 100)
    text = None if picture.text is None else (picture.text[0][:most], picture.text[1])
    fields = {
        "at": [_text(picture.folder), _text(picture.relative)],
        "columns": columns,
        "captions": [(t[:most], s, e) for t, s, e in picture.captions[:few]],
        "facts": [(n, f, v[:most], s, o) for n, f, v, s, o in picture.facts[:few]],
        "text": text,
    }
    said = json.dumps(fields, separators=(",", ":")).encode()
    return b64encode(zlib.compress(said, 6)).decode()


def unpacked(
    key: int, record: str, v_i: Floats, v_t: Floats, *, has_caption: bool
) -> StoredPicture:
    """The picture of a record. Raises `LibraryDamaged`."""
    try:
        fields = json.loads(zlib.decompress(b64decode(record, validate=True)))
        columns = dict(zip(COLUMNS, fields["columns"], strict=True))
        for name in HASHES:
            columns[name] = None if columns[name] is None else bytes.fromhex(columns[name])
        folder, relative = (text.encode("utf-8", "surrogateescape") for text in fields["at"])
        return StoredPicture(
            key,
            folder,
            relative,
            columns,
            tuple((str(t), str(s), bool(e)) for t, s, e in fields["captions"]),
            tuple((int(n), str(f), str(v), str(s), str(o)) for n, f, v, s, o in fields["facts"]),
            None if fields["text"] is None else (fields["text"][0], fields["text"][1]),
            v_i,
            v_t,
            has_caption,
        )
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise LibraryDamaged(
            f"picture {key} of the collection is damaged; publish the library again"
        ) from error


def features_of(value: Any) -> Floats:
    """A row (dim,) in float32 of what Milvus gives: numbers, or the bytes of float16."""
    if isinstance(value, bytes):
        return np.frombuffer(value, np.float16).astype(np.float32)
    return np.asarray(value, np.float32)


def _plain(name: str, value: Any) -> Any:
    return value.hex() if name in HASHES and value is not None else value


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
