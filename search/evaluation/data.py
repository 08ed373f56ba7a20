"""The data of an evaluation: embeddings of a captioned or labelled data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.datasets.folder import Labels
from indexer.datasets.pairs import captioned_rows
from indexer.embedding import Ints, Rows


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """Embeddings of a captioned data set.

    `v_i` (n, d) of its pictures; `v_t` (m, d) of their captions, in the order of the pictures;
    `owners` (m,) the picture of each caption; `means` of the encoder by modality.
    """

    v_i: Rows
    v_t: Rows
    owners: Ints
    means: Mapping[str, NDArray[np.float32]]

    @property
    def first(self) -> Ints:
        """The first caption of each picture, as rows of `v_t`."""
        return np.unique(self.owners, return_index=True)[1].astype(np.int64)

    @property
    def others(self) -> Ints:
        """All captions but the first ones."""
        return np.setdiff1d(np.arange(len(self.owners)), self.first)


def read_embeddings(library: Library) -> EvaluationData:
    """Embeddings of the captioned pictures of a library. Raises `DatasetError` if there are none.

    Pictures are in the order of their names, so that any library of them has the same figures, even
    where pictures are drawn at random.
    """
    rows = captioned_rows(library)
    owners = np.repeat(np.arange(len(rows.counts)), rows.counts)
    return EvaluationData(rows.v_i, rows.v_t, owners, library.encoder.means)


def labelled_embeddings(library: Library, labels: Labels) -> tuple[Rows, list[str]]:
    """Embeddings of the labelled pictures that could be read, and their labels."""
    catalogue = library.catalogue
    (folder,) = catalogue.folders()
    known = catalogue.known_pictures(folder.id)
    label_of = {known[name].id: label for name, label in sorted(labels.labels) if name in known}
    features = library.embedded(list(label_of))
    place = {int(key): n for n, key in enumerate(features.ids)}
    ids = [key for key in label_of if key in place]
    return features.v_i[[place[key] for key in ids]], [label_of[key] for key in ids]
