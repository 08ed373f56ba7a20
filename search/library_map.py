"""Maps of a library: its pictures as points on a plane, similar pictures near each other."""

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

MAX_PICTURES = 5000  # on a map; a browser shows more of them slowly, and an eye cannot


@dataclass(frozen=True, slots=True)
class LibraryMap:
    """Pictures (n,) and their points (n, 2) from -1 to 1, of all `pictures` of the library."""

    ids: NDArray[np.int64]
    points: Points
    method: str
    pictures: int


def draw_map(
    library: Library, *, kind: str = "picture", method: str = "auto", most: int = MAX_PICTURES
) -> LibraryMap:
    """The map of a library by embeddings of a `kind`, of a random sample of `most` pictures.

    Pictures without such an embedding are left out. A map that was made since the library last
    changed is read from the cache directory of the user. Raises `InputError`.
    """
    method = method_of(method)
    path = _path(library, kind, method, most)
    made_for = f"{library.vectors_key} {library.generation}"
    cached = _read(path, made_for, method)
    if cached is not None:
        return cached
    present = library.catalogue.present()
    ids, rows = _embedded(library, _sampled(present, most), kind)
    drawn = LibraryMap(ids, projected(rows, method), method, len(present))
    _write(path, made_for, drawn)
    return drawn


def _sampled(present: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """A random sample of pictures, always the same for the same pictures."""
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


def _path(library: Library, kind: str, method: str, most: int) -> Path:
    """The cache file for one kind of map of a library; a newer map replaces an older one."""
    key = f"{library.path} {kind} {method} {most}".encode("utf-8", "surrogateescape")
    name = hashlib.sha256(key).hexdigest()[:32]
    return (library.cache or cache_directory()) / "maps" / f"{name}.npz"


def _read(path: Path, made_for: str, method: str) -> LibraryMap | None:
    """The cached map, if it was made for the library as it is now."""
    try:
        with np.load(path) as cached:
            if str(cached["made_for"]) == made_for:
                return LibraryMap(cached["ids"], cached["points"], method, int(cached["pictures"]))
    except (OSError, ValueError, KeyError, BadZipFile):  # missing or damaged
        pass
    return None


def _write(path: Path, made_for: str, drawn: LibraryMap) -> None:
    with suppress(OSError), whole_file(path) as temporary, temporary.open("wb") as file:
        facts = {"made_for": made_for, "pictures": drawn.pictures}
        np.savez(file, ids=drawn.ids, points=drawn.points, **facts)  # type: ignore[arg-type]
