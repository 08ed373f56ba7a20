"""Features of captioned pictures, as the trunk of the image tower puts them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAP_SHAPE = (208, 10, 10)  # of a picture, as a tail reads it
Ints = NDArray[np.int64]
Maps = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Features:
    """Output of the trunk for captioned pictures.

    `views`: float16 (k, n, 7504) for k views of n pictures, the first being the unchanged picture;
    (k, n, 10064) once the output of a tail is included. `maps`: input of a tail, one array
    float16 (k, N, 208, 10, 10) on disk for each data set; those of picture i are at `places[i]`,
    which names the array and the row, (n, 2). `captions[i]`: the places of its captions among the m
    captions of all data sets. `weights` (n,): the share of the passes in which a picture is seen.
    """

    views: NDArray[np.float16]
    maps: Sequence[Maps]
    places: Ints
    captions: list[Ints]
    weights: NDArray[np.float32]

    def owners(self) -> Ints:
        """The picture of each caption, in the order of `captions`, shape (m,)."""
        return np.repeat(np.arange(len(self.captions)), [len(c) for c in self.captions])

    def all_captions(self) -> Ints:
        """The captions in the order of `owners`, shape (m,)."""
        return np.concatenate(self.captions)

    def read_maps(self, views: Ints, at: Ints) -> Maps:
        """The input of a tail for the pictures `at` (b,), each in a view, (b, 208, 10, 10)."""
        read = np.empty((len(at), *MAP_SHAPE), np.float16)
        for number, maps in enumerate(self.maps):
            mine = np.flatnonzero(self.places[at, 0] == number)
            read[mine] = maps[views[mine], self.places[at[mine], 1]]
        return read

    def subset(self, mask: NDArray[np.bool_]) -> Features:
        """The features of the pictures in a mask (n,)."""
        captions = [rows for rows, keep in zip(self.captions, mask, strict=True) if keep]
        return Features(
            self.views[:, mask], self.maps, self.places[mask], captions, self.weights[mask]
        )


def joined(parts: Sequence[Features]) -> Features:
    """Join the features of several data sets; their captions follow each other."""
    places, captions, said = [], list[Ints](), 0
    for number, part in enumerate(parts):
        places.append(np.column_stack([np.full(len(part.places), number), part.places[:, 1]]))
        captions += [rows + said for rows in part.captions]
        said += sum(map(len, part.captions))
    return Features(
        np.concatenate([part.views for part in parts], axis=1),
        [part.maps[0] for part in parts],
        np.concatenate(places),
        captions,
        np.concatenate([part.weights for part in parts]),
    )
