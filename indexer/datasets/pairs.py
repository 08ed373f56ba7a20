"""Captioned pictures for training a fusion, with captions to index and captions as queries."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from indexer.embedding import Ints, Rows
from indexer.errors import DatasetError
from indexer.library.library import Library


@dataclass(frozen=True, slots=True)
class CaptionedRows:
    """Embeddings of captioned pictures, in the order of their names.

    `v_i` (n, dim); `v_t` (m, dim) of their distinct captions; `starts` (n + 1,): those of picture
    k are the rows from `starts[k]` to `starts[k + 1]`.
    """

    names: tuple[bytes, ...]
    v_i: Rows
    v_t: Rows
    starts: Ints

    @property
    def counts(self) -> Ints:
        """The number of captions of each picture, (n,)."""
        return np.diff(self.starts)

    @property
    def key(self) -> str:
        """A hash of the names and the embeddings."""
        digest = hashlib.sha256(b"\0".join(self.names))
        for part in (self.v_i, self.v_t, self.starts):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:32]

    def subset(self, names: Collection[bytes]) -> CaptionedRows:
        """The pictures with these names."""
        places = [k for k, name in enumerate(self.names) if name in names]
        captions = [np.arange(self.starts[k], self.starts[k + 1]) for k in places]
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in captions])])
        rows = np.concatenate([np.zeros(0, np.int64), *captions])
        kept = tuple(self.names[k] for k in places)
        return CaptionedRows(kept, self.v_i[places], self.v_t[rows], starts.astype(np.int64))

    def trials(self) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Index each caption in turn, with all others as queries.

        Yields for each turn the indexed captions (one for each picture), the captions that are
        queries, and for each query the place of its picture among the indexed ones. Pictures with
        one caption take no part.
        """
        several = np.flatnonzero(self.counts > 1)
        for turn in range(int(self.counts.max(initial=0))):
            indexed = self.starts[several] + turn % self.counts[several]
            owners = np.repeat(np.arange(len(several)), self.counts[several])
            ranges = [np.arange(self.starts[k], self.starts[k + 1]) for k in several]
            every = np.concatenate([np.zeros(0, np.int64), *ranges])
            is_query = ~np.isin(every, indexed)
            yield indexed, every[is_query], owners[is_query]


def captioned_rows(library: Library) -> CaptionedRows:
    """The captioned pictures of a library of one folder. Raises `DatasetError` without any."""
    (folder,) = library.catalogue.folders()
    names = {p.id: name for name, p in library.catalogue.known_pictures(folder.id).items()}
    ids = sorted(library.catalogue.present_ids(), key=lambda key: names[key])
    embeddings, dim = library.embeddings, library.settings.dim
    owners, v_t = embeddings.caption_embeddings(library.encoder_id, dim, ids)
    features = library.embedded(sorted(set(owners.tolist())))
    if len(features.ids) < 2:
        raise DatasetError(
            f"{folder.path}: needs at least two captioned pictures, has {len(features.ids)}; put "
            "captions beside the pictures or name them with --captions"
        )
    rank = {key: n for n, key in enumerate(sorted(features.ids.tolist(), key=lambda k: names[k]))}
    pictures = np.argsort([rank[key] for key in features.ids.tolist()])
    places = np.array([rank[owner] for owner in owners.tolist()], dtype=np.int64)
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(len(rank) + 1))
    ordered = tuple(names[key] for key in features.ids[pictures].tolist())
    return CaptionedRows(ordered, features.v_i[pictures], v_t[order], starts.astype(np.int64))
