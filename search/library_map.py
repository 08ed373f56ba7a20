"""A map of a library: where its pictures lie beside each other."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.tables import chunks
from indexer.files import whole_file
from indexer.library.library import Library
from indexer.locations import cache_directory
from search.export.rows import embeddings_of, width_of
from search.projection import Points, method_of, projected

MOST = 5000  # pictures on a map: a browser shows more of them slowly, and an eye does not


@dataclass(frozen=True, slots=True)
class LibraryMap:
    """Pictures (n,) and their points (n, 2) from -1 to 1; a sample of all that the library has."""

    ids: NDArray[np.int64]
    points: Points
    method: str
    pictures: int


def library_map(
    library: Library, *, kind: str = "picture", method: str = "auto", most: int = MOST
) -> LibraryMap:
    """The map of a library by the embeddings of a `kind`; of `most` pictures, drawn evenly.

    Pictures without such an embedding are left out. What was made for the library as it is now is
    read from the user's cache directory instead. Raises `InputError`.
    """
    method = method_of(method)
    kept = _place(library, kind, method, most)
    made_for = f"{library.vectors_key} {library.generation}"
    found = _read(kept, made_for, method)
    if found is not None:
        return found
    present = library.catalogue.present()
    ids, rows = _embedded(library, _drawn(present, most), kind)
    made = LibraryMap(ids, projected(rows, method), method, len(present))
    _keep(kept, made_for, made)
    return made


def _drawn(present: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Some of the pictures, always the same ones of the same."""
    if len(present) <= most:
        return present
    return np.sort(np.random.default_rng(0).choice(present, most, replace=False))


def _embedded(
    library: Library, ids: NDArray[np.int64], kind: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    parts = [embeddings_of(library, list(part), kind) for part in chunks(ids.tolist())]
    rows = np.concatenate([np.zeros((0, width_of(library, kind)), np.float32), *parts])
    known = ~np.isnan(rows[:, 0])
    return ids[known], rows[known]


def _place(library: Library, kind: str, method: str, most: int) -> Path:
    """The file of one kind of map of a library: the next one takes its place."""
    what = f"{library.path} {kind} {method} {most}".encode("utf-8", "surrogateescape")
    name = hashlib.sha256(what).hexdigest()[:32]
    return (library.cache or cache_directory()) / "maps" / f"{name}.npz"


def _read(path: Path, made_for: str, method: str) -> LibraryMap | None:
    """The map that was kept, where it is of the library as it is now."""
    try:
        with np.load(path) as kept:
            if str(kept["made_for"]) == made_for:
                return LibraryMap(kept["ids"], kept["points"], method, int(kept["pictures"]))
    except (OSError, ValueError, KeyError, BadZipFile):  # none is kept, or it is damaged
        pass
    return None


def _keep(path: Path, made_for: str, made: LibraryMap) -> None:
    with suppress(OSError), whole_file(path) as temporary, temporary.open("wb") as file:
        facts = {"made_for": made_for, "pictures": made.pictures}
        np.savez(file, ids=made.ids, points=made.points, **facts)  # type: ignore[arg-type]
