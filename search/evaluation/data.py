"""What is evaluated: the embeddings of a captioned or labelled data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.encoders import Rows
from indexer.errors import DatasetError
from indexer.training.datasets import Labels
from indexer.training.recall import Ints


@dataclass(frozen=True, slots=True)
class Evaluated:
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


def read_embeddings(library: Library) -> Evaluated:
    """What a library knows of its captioned pictures. Raises `DatasetError` without captions."""
    catalogue = library.catalogue
    ids = catalogue.present_ids()
    dim = library.settings.dim
    owners, v_t = library.embeddings.caption_embeddings(library.encoder_id, dim, ids)
    captioned = sorted(set(owners.tolist()))
    if len(captioned) < 2:
        raise DatasetError(
            f"{library.catalogue.folders()[0].path}: needs at least two captioned pictures, has "
            f"{len(captioned)}; put captions beside the pictures or name them with --captions"
        )
    found = library.embedded(captioned)
    position = {int(key): n for n, key in enumerate(found.ids)}
    lined_up = np.array([position[owner] for owner in owners.tolist()], dtype=np.int64)
    order = np.argsort(lined_up, kind="stable")
    return Evaluated(found.v_i, v_t[order], lined_up[order], library.encoder.means)


def labelled_embeddings(library: Library, labels: Labels) -> tuple[Rows, list[str]]:
    """Embeddings of the labelled pictures that could be read, and their labels."""
    catalogue = library.catalogue
    (folder,) = catalogue.folders()
    known = catalogue.known_pictures(folder.id)
    wanted = {known[name].id: label for name, label in labels.labels if name in known}
    found = library.embedded(sorted(wanted))
    return found.v_i, [wanted[int(key)] for key in found.ids]
