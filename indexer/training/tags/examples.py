"""Labelled pictures with their stored embeddings: what a tag head learns from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.datasets.labels import TagSets
from indexer.embedding import Mask, Rows
from indexer.library.library import Library

Targets = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Examples:
    """`v_i`, `v_t` (n, dim) of pictures, which have a caption (n,), and their tags (n, tags)."""

    names: tuple[bytes, ...]
    v_i: Rows
    v_t: Rows
    has_caption: Mask
    targets: Targets

    def __len__(self) -> int:
        return len(self.names)

    def take(self, chosen: Mask) -> Examples:
        """Some of the examples."""
        names = tuple(name for name, keep in zip(self.names, chosen, strict=True) if keep)
        rows = (self.v_i[chosen], self.v_t[chosen], self.has_caption[chosen], self.targets[chosen])
        return Examples(names, *rows)

    def named(self, names: Collection[bytes]) -> Mask:
        """Which of the examples have these names."""
        return np.array([name in names for name in self.names], np.bool_)

    def without_captions(self) -> Examples:
        """The same pictures as if they had no caption."""
        return replace(self, has_caption=np.zeros_like(self.has_caption))


def read_examples(
    library: Library, sets: TagSets, tags: tuple[str, ...], *, first_caption: bool = False
) -> Examples:
    """The labelled pictures of a data set's library that could be read, in the order of names.

    `first_caption`: the others of a picture are left aside (its labels may come from them).
    """
    (folder,) = library.catalogue.folders()
    known = library.catalogue.known_pictures(folder.id)
    names = {known[name].id: name for name in sorted(sets.of) if name in known}
    found = library.embedded(list(names))
    listed = [names[int(key)] for key in found.ids]
    v_t, has_caption = found.v_t, found.has_caption
    if first_caption:
        ids, dim = found.ids.tolist(), library.settings.dim
        owners, rows = library.embeddings.caption_embeddings(library.encoder_id, dim, ids)
        captioned, first = np.unique(owners, return_index=True)
        has_caption = np.isin(found.ids, captioned)
        v_t = np.zeros_like(found.v_t)
        v_t[np.searchsorted(found.ids, captioned)] = rows[first]
    order = sorted(range(len(listed)), key=lambda row: listed[row])
    names_in_order = [listed[row] for row in order]
    return Examples(
        tuple(names_in_order),
        found.v_i[order],
        v_t[order],
        has_caption[order],
        sets.targets(names_in_order, tags),
    )
