"""Examples: pictures of a query or marked as right or wrong, with their embeddings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import in_name
from indexer.catalogue.tokens import plain
from indexer.catalogue.values import unpack
from indexer.embedding import IMAGE, TEXT, Rows, unit_rows, without_hub
from indexer.errors import QueryError
from indexer.library.searchable import Searchable
from indexer.pictures.hashes import hash_bytes
from search.query.tokens import PLACES, URLS


@dataclass(frozen=True, slots=True)
class Example:
    """A picture by its content, with its embedding `v_i` (dim,) as the encoder gives it.

    `path` is where the file is or was, if it came from one.
    """

    content_hash: bytes
    row: NDArray[np.float32] = field(compare=False, repr=False)
    path: Path | None = field(default=None, compare=False)


# By id in the library, by path or URL, by bytes, or as an embedded picture.
Mark: TypeAlias = int | str | bytes | Example


def examples_of(library: Searchable, marks: Sequence[Mark]) -> list[Example]:
    """The marked pictures, each content once. Raises `QueryError` for one that cannot be read.

    Embeddings that the library has are looked up; only other pictures are encoded.
    """
    examples = [_example(library, mark) for mark in marks]
    return list({example.content_hash: example for example in examples}.values())


def _example(library: Searchable, mark: Mark) -> Example:
    if isinstance(mark, Example):
        return mark
    if isinstance(mark, int):
        return _of_id(library, mark)
    path = file_of(mark)
    if path is not None and not os.path.lexists(path):
        return away_example(library, str(mark), path)
    return _of_file(library, mark, path)


def away_example(library: Searchable, said: str, path: Path) -> Example:
    """A picture whose file is not there, by the embedding that the library has of it.

    Its disk may not be plugged in, or the user gives its name alone. Raises `QueryError`.
    """
    _, known = library.catalogue.picture_at(path) or (0, None)
    row = None if known is None else stored_row(library, known)
    if known is not None and row is not None:
        return Example(known, row, path)
    ids = ids_of_name(library, said)
    if len(ids) == 1:
        return _of_id(library, ids[0])
    if ids:
        first = library.catalogue.pictures(ids[:1])[ids[0]].path
        problem = (
            f"{said}: the library has {len(ids):,} pictures of that name; give the path of one"
        )
        raise QueryError(f"{problem}, such as {first}")
    where = "" if _is_path(said) else " here or in the library"
    raise QueryError(f"{said}: no such picture{where}; check the name")


def ids_of_name(library: Searchable, said: str) -> list[int]:
    """Ids of the pictures whose paths end with a name, in any case; none if it is a whole path."""
    if _is_path(said):
        return []
    end = f"/{plain(said)}".casefold()
    pictures = library.catalogue.pictures(library.words.matching(in_name(Path(said).name)))
    return [key for key, info in pictures.items() if plain(str(info.path)).casefold().endswith(end)]


def _is_path(said: str) -> bool:
    return said.startswith(PLACES)


def _of_id(library: Searchable, picture_id: int) -> Example:
    picture = library.catalogue.pictures([picture_id]).get(picture_id)
    row = None if picture is None else stored_row(library, picture.content_hash)
    if picture is None or row is None:
        raise QueryError(f"picture {picture_id} is no longer in the library; search again")
    return Example(picture.content_hash, row, picture.path)


def _of_file(library: Searchable, mark: str | bytes, path: Path | None) -> Example:
    pictures = import_module("search.query.pictures")  # brings Pillow and sockets
    content: bytes = pictures.read_query_picture(mark, offline=library.offline)
    key = hash_bytes(content)
    row = stored_row(library, key)
    if row is None:
        name = mark if isinstance(mark, str) else "the marked picture"
        row = pictures.encoded(content, library.encoder, name)
    return Example(key, row, path)


def file_of(mark: str | bytes) -> Path | None:
    """The absolute path that a mark names; None for bytes and URLs."""
    if isinstance(mark, bytes) or mark.startswith(URLS):
        return None
    return Path(os.path.abspath(os.path.expanduser(mark)))  # noqa: PTH111 - "~nobody"


def stored_row(library: Searchable, content: bytes) -> NDArray[np.float32] | None:
    """The embedding (dim,) that the library has of a picture's content, if any."""
    stored = library.embeddings.of_contents(library.encoder_id, IMAGE, [content])
    if content not in stored:
        return None
    row: NDArray[np.float32] = unit_rows(unpack([stored[content]], library.settings.dim))[0]
    return row


def marked_rows(
    library: Searchable,
    examples: Sequence[Example],
    means: Mapping[str, NDArray[np.float32]],
    weight: float,
) -> Rows:
    """Centred unit rows (n, dim) of examples, whose products with `q` are their scores.

    The picture counts by `weight` and its captions by the rest. A picture that is not in the
    library, or has no caption, counts alone. Hubness, its nearness to any query, is taken off.
    """
    zero = np.zeros(library.settings.dim, np.float32)
    rows = np.zeros((len(examples), len(zero)), np.float32)
    for place, example in enumerate(examples):
        rows[place] = example.row - means.get(IMAGE, zero)
        ids = library.catalogue.ids_of_content(example.content_hash)
        features = library.embedded(ids)
        captions = features.v_t[features.has_caption]
        if len(captions):
            caption = unit_rows(captions.mean(axis=0)) - means.get(TEXT, zero)
            rows[place] = weight * rows[place] + (1 - weight) * caption
    return unit_rows(without_hub(rows, means))
