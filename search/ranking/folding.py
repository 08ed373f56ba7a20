"""Folding: hits that are nearly the same picture become one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from indexer.library.searchable import Searchable

BITS, COSINE = 10, 0.75  # most bits of a perceptual hash (of 63) that differ, and least cosine
FAR_BITS, NEAR_COSINE = 20, 0.9  # or more bits, if the embeddings are nearly the same
LOOK_BACK = 1000  # earlier hits that each hit is compared with
_BLOCK_HITS = 512
Places = NDArray[np.int64]
LookAlike = Callable[[int, int], bool]


def leaders(library: Searchable, ids: NDArray[np.int64]) -> Places:
    """The place (n,) of the hit that each of these hits is folded into; its own for most.

    A hit is folded into the first hit before it that is not folded itself and has either the same
    bytes, or a near perceptual hash, a near embedding and a look that differs in no part. Pictures
    without shapes have no perceptual hash and are never alike. Later hits make no difference.
    """
    looks = library.catalogue.hashes_of(ids.tolist())
    contents = [looks.get(key, (None, None))[0] for key in ids.tolist()]
    hashes = [looks.get(key, (None, None))[1] or bytes(8) for key in ids.tolist()]
    alike: dict[int, list[int]] = {}
    for later, before in _alike(library, ids, np.frombuffer(b"".join(hashes), np.uint64)):
        alike.setdefault(later, []).append(before)
    look_alike = _looks(library, {int(ids[n]) for later in alike for n in (later, *alike[later])})
    first: dict[bytes, int] = {}
    into = np.arange(len(ids))
    for place, content in enumerate(contents):
        same = place if content is None else first.setdefault(content, place)
        if same != place:
            into[place] = into[same]
        else:
            leading = (n for n in alike.get(place, ()) if into[n] == n)
            into[place] = next(
                (n for n in leading if look_alike(int(ids[place]), int(ids[n]))), place
            )
    return into


def _looks(library: Searchable, ids: Collection[int]) -> LookAlike:
    """Whether two of these pictures, by id, look alike.

    The module is imported when there are any: most answers have no such pictures, and need no
    Pillow.
    """
    if not ids:
        return lambda one, other: False
    looks = import_module("search.ranking.looks")
    sights = {
        key: looks.Sight(info.content_hash, info.path, library.thumbnails)
        for key, info in library.catalogue.pictures(ids).items()
    }
    return lambda one, other: (
        one in sights and other in sights and looks.near(sights[one], sights[other])
    )


def are_alike(bits: NDArray[np.uint8], cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether pairs (n,) are nearly the same, by the bits of their hashes that differ and cosines.

    Both have to agree: embeddings alone take two scenes of one game for one picture.
    """
    near = (bits <= BITS) & (cosines >= COSINE)
    return near | ((bits <= FAR_BITS) & (cosines >= NEAR_COSINE))


def _alike(
    library: Searchable, ids: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> list[tuple[int, int]]:
    """Pairs of places of hits that are nearly the same, (later, earlier), the earlier ascending.

    Reads only the embeddings of hits whose hashes are near: few, and none in most answers.
    """
    later, before, bits = _near(hashes)
    if not len(later):
        return []
    embedded = library.embedded(ids[sorted({*later.tolist(), *before.tolist()})].tolist())
    place = {int(key): n for n, key in enumerate(embedded.ids)}
    rows = np.array([place.get(key, -1) for key in ids.tolist()], np.int64)
    cosines = np.einsum("nd,nd->n", embedded.v_i[rows[later]], embedded.v_i[rows[before]])
    near = are_alike(bits, cosines) & (rows[later] >= 0) & (rows[before] >= 0)
    return list(zip(later[near].tolist(), before[near].tolist(), strict=True))


def _near(hashes: NDArray[np.uint64]) -> tuple[Places, Places, NDArray[np.uint8]]:
    """Places (m,) of the later and earlier hits with near hashes, and the bits that differ."""
    blocks = []
    for start in range(0, len(hashes), _BLOCK_HITS):
        first = max(0, start - LOOK_BACK)
        these, those = hashes[start : start + _BLOCK_HITS], hashes[first : start + _BLOCK_HITS]
        bits = np.bitwise_count(these[:, None] ^ those[None])
        apart = np.arange(start, start + len(these))[:, None] - np.arange(first, first + len(those))
        near = (bits <= FAR_BITS) & (apart > 0) & (apart <= LOOK_BACK)
        near &= (these != 0)[:, None] & (those != 0)
        later, before = np.nonzero(near)
        blocks.append((later + start, before + first, bits[near]))
    empty = np.zeros(0, np.int64)
    parts = zip((empty, empty, empty.astype(np.uint8)), *blocks, strict=True)
    later, before, bits = (np.concatenate(part) for part in parts)
    return later, before, bits
