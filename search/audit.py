"""The audit of captions: those that fit their picture badly, and suggestions for missing ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.embedding import IMAGE, TEXT, PictureFeatures, Rows, unit_rows, without_hub
from indexer.fusion.base import OWN_MEANS_FROM

NEIGHBOURS = 10  # nearest pictures or captions that measure how crowded a place is
SAMPLE_SIZE = 4000  # captioned pictures among which neighbours are searched for
BLOCK_ROWS = 4096
MIN_CAPTIONED = 20  # captioned pictures: fewer have no distribution to stand out from


@dataclass(frozen=True, slots=True)
class Doubt:
    """A picture whose captions fit it badly.

    `agreement`: by how many standard deviations its captions fit better than the average of the
    library; far below 0 for doubtful ones.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    agreement: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A picture without a caption, and the captions of the pictures that look most like it.

    `likeness`: the centred cosines of those pictures, highest first.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    likeness: tuple[float, ...]


def worst_captions(library: Library, k: int = 20) -> list[Doubt]:
    """The k pictures whose captions fit worst, worst first; empty if too few have captions."""
    features = _features(library)
    rows = np.flatnonzero(features.has_caption)
    if len(rows) < MIN_CAPTIONED:
        return []
    images, texts = _centred(library, features)
    fit = agreement(images[rows], texts[rows])
    fit = (fit - fit.mean()) / max(float(fit.std()), 1e-6)
    worst = np.argsort(fit, kind="stable")[:k]
    ids = features.ids[rows[worst]].tolist()
    pictures = library.catalogue.pictures(ids)
    return [
        Doubt(key, pictures[key].path, pictures[key].captions, round(float(fit[place]), 2))
        for place, key in zip(worst, ids, strict=True)
        if key in pictures
    ]


def suggest_captions(library: Library, k: int = 20, *, each: int = 3) -> Iterator[Suggestion]:
    """For the first k pictures without a caption: captions of the `each` most similar pictures."""
    features = _features(library)
    has_caption = features.has_caption
    bare, captioned = np.flatnonzero(~has_caption), np.flatnonzero(has_caption)
    if not len(captioned):
        return
    images, _ = _centred(library, features)
    known = images[captioned]
    for row in bare[:k]:
        likeness = known @ images[row]
        nearest = np.argsort(-likeness, kind="stable")[:each]
        own, keys = int(features.ids[row]), features.ids[captioned[nearest]].tolist()
        pictures = library.catalogue.pictures([own, *keys])
        complete = all(key in pictures and pictures[key].captions for key in keys)
        if own not in pictures or not complete:
            continue  # one of them has gone meanwhile
        yield Suggestion(
            own,
            pictures[own].path,
            tuple(pictures[key].captions[0] for key in keys),
            tuple(round(float(value), 3) for value in likeness[nearest]),
        )


def agreement(images: Rows, texts: Rows) -> NDArray[np.float32]:
    """The fit (n,) of each text to its image, of centred unit rows (n, dim).

    Twice their cosine, less the mean cosine of each to its nearest neighbours of the other kind:
    the cross-domain similarity local scaling of Conneau et al. 2018 (arXiv:1710.04087). An image
    that resembles many texts, or a text that fits many images, gains nothing by that.
    """
    crowd = _crowding(images, texts) + _crowding(texts, images)
    own: NDArray[np.float32] = np.einsum("nd,nd->n", images, texts)
    return 2 * own - crowd


def _crowding(rows: Rows, others: Rows) -> NDArray[np.float32]:
    """Mean cosine of each row to its nearest neighbours in a sample of the other kind, (n,)."""
    sample = np.unique(
        np.linspace(0, len(others) - 1, min(SAMPLE_SIZE, len(others))).astype(np.int64)
    )
    count = min(NEIGHBOURS, len(sample))
    crowding = np.zeros(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        cosines = rows[start : start + BLOCK_ROWS] @ others[sample].T
        nearest = np.partition(cosines, len(sample) - count, axis=1)[:, -count:]
        crowding[start : start + BLOCK_ROWS] = nearest.mean(axis=1)
    return crowding


def _features(library: Library) -> PictureFeatures:
    return library.embedded(library.catalogue.present_ids())


def _centred(library: Library, features: PictureFeatures) -> tuple[Rows, Rows]:
    """Embeddings of pictures and captions, centred on the mean of their kind, without hubness.

    As in a search, the means are those of the library itself unless it is small.
    """
    has, means = features.has_caption, library.encoder.means
    zero = np.zeros(features.v_i.shape[1], np.float32)
    own = len(has) >= OWN_MEANS_FROM, has.sum() >= OWN_MEANS_FROM
    image = features.v_i.mean(0) if own[0] else means.get(IMAGE, zero)
    text = features.v_t[has].mean(0) if own[1] else means.get(TEXT, zero)
    rows = features.v_i - image, features.v_t - text
    v_i, v_t = (unit_rows(without_hub(centred, means)) for centred in rows)
    return v_i, v_t
