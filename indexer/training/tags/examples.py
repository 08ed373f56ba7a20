"""Labelled pictures with their stored embeddings, from which a tag head learns."""

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
    """`v_i` and `v_t` (n, dim) of pictures, the mask (n,) of captioned ones, and tags (n, tags)."""

    names: tuple[bytes, ...]
    v_i: Rows
    v_t: Rows
    has_caption: Mask
    targets: Targets

    def __len__(self) -> int:
        return len(self.names)

    def take(self, mask: Mask) -> Examples:
        """The examples in a mask (n,)."""
        names = tuple(name for name, keep in zip(self.names, mask, strict=True) if keep)
        rows = (self.v_i[mask], self.v_t[mask], self.has_caption[mask], self.targets[mask])
        return Examples(names, *rows)

    def named(self, names: Collection[bytes]) -> Mask:
        """The mask (n,) of the examples with these names."""
        return np.array([name in names for name in self.names], np.bool_)

    def without_captions(self) -> Examples:
        """The same examples without captions."""
        return replace(self, has_caption=np.zeros_like(self.has_caption))


def read_examples(
    library: Library, sets: TagSets, tags: tuple[str, ...], *, first_caption: bool = False
) -> Examples:
    """The readable labelled pictures of a data set's library, in the order of their names.

    `first_caption`: only the first caption of each picture counts; the others may be the source
    of its labels.
    """
    (folder,) = library.catalogue.folders()
    known = library.catalogue.known_pictures(folder.id)
    names = {known[name].id: name for name in sorted(sets.of) if name in known}
    features = library.embedded(list(names))
    listed = [names[int(key)] for key in features.ids]
    v_t, has_caption = features.v_t, features.has_caption
    if first_caption:
        ids, dim = features.ids.tolist(), library.settings.dim
        owners, rows = library.embeddings.caption_embeddings(library.encoder_id, dim, ids)
        captioned, first = np.unique(owners, return_index=True)
        has_caption = np.isin(features.ids, captioned)
        v_t = np.zeros_like(features.v_t)
        v_t[np.searchsorted(features.ids, captioned)] = rows[first]
    order = sorted(range(len(listed)), key=lambda row: listed[row])
    names_in_order = [listed[row] for row in order]
    return Examples(
        tuple(names_in_order),
        features.v_i[order],
        v_t[order],
        has_caption[order],
        sets.targets(names_in_order, tags),
    )
