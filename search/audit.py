"""The audit of a library's captions: which fit their picture badly, and what others would say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.embedding import IMAGE, TEXT, PictureFeatures, Rows, unit_rows, without_hub
from indexer.fusion.base import OWN_MEANS_FROM

NEIGHBOURS = 10  # pictures and captions that tell how crowded the surroundings of one are
SAMPLE = 4000  # captioned pictures among which neighbours are looked for
BLOCK = 4096  # pictures at a time
FEWEST = 20  # captioned pictures: fewer have no distribution to stand out from


@dataclass(frozen=True, slots=True)
class Doubt:
    """A picture whose captions fit it badly.

    `agreement`: how many deviations its captions fit it better than those of the library do on
    average; the doubtful ones are far below 0.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    agreement: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A picture without a caption, and those of the captioned pictures that look most like it.

    `likeness`: the cosines (centred) of the pictures that the captions are from, highest first.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    likeness: tuple[float, ...]


def doubtful(library: Library, k: int = 20) -> list[Doubt]:
    """The k pictures whose captions fit worst, worst first; none where too few have captions."""
    found = _embedded(library)
    rows = np.flatnonzero(found.has_caption)
    if len(rows) < FEWEST:
        return []
    images, texts = _centred(library, found)
    fit = agreement(images[rows], texts[rows])
    fit = (fit - fit.mean()) / max(float(fit.std()), 1e-6)
    worst = np.argsort(fit, kind="stable")[:k]
    shown = library.catalogue.pictures(found.ids[rows[worst]].tolist())
    return [
        Doubt(key, shown[key].path, shown[key].captions, round(float(fit[place]), 2))
        for place, key in zip(worst, found.ids[rows[worst]].tolist(), strict=True)
        if key in shown
    ]


def suggested(library: Library, k: int = 20, *, each: int = 3) -> Iterator[Suggestion]:
    """For the first k pictures without a caption: captions of the `each` most alike pictures."""
    found = _embedded(library)
    bare, captioned = np.flatnonzero(~found.has_caption), np.flatnonzero(found.has_caption)
    if not len(captioned):
        return
    images, _ = _centred(library, found)
    known = images[captioned]
    for row in bare[:k]:
        likeness = known @ images[row]
        nearest = np.argsort(-likeness, kind="stable")[:each]
        keys = found.ids[captioned[nearest]].tolist()
        shown = library.catalogue.pictures([int(found.ids[row]), *keys])
        there = all(key in shown and shown[key].captions for key in keys)
        if int(found.ids[row]) not in shown or not there:
            continue  # it went meanwhile
        yield Suggestion(
            int(found.ids[row]),
            shown[int(found.ids[row])].path,
            tuple(shown[key].captions[0] for key in keys),
            tuple(round(float(value), 3) for value in likeness[nearest]),
        )


def agreement(images: Rows, texts: Rows) -> NDArray[np.float32]:
    """How well each text fits its image (n,), of centred unit rows (n, dim).

    Twice their cosine, less the mean cosine of each to its nearest neighbours of the other kind:
    the cross-domain similarity local scaling of Conneau et al. 2018 (arXiv:1710.04087). An image
    that resembles many texts, or a text that would fit many images, is thereby no better off.
    """
    crowd = _crowding(images, texts) + _crowding(texts, images)
    own: NDArray[np.float32] = np.einsum("nd,nd->n", images, texts)
    return 2 * own - crowd


def _crowding(rows: Rows, others: Rows) -> NDArray[np.float32]:
    """Mean cosine of each row to its nearest neighbours in a sample of the other kind, (n,)."""
    sample = np.unique(np.linspace(0, len(others) - 1, min(SAMPLE, len(others))).astype(np.int64))
    count = min(NEIGHBOURS, len(sample))
    found = np.zeros(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        cosines = rows[start : start + BLOCK] @ others[sample].T
        nearest = np.partition(cosines, len(sample) - count, axis=1)[:, -count:]
        found[start : start + BLOCK] = nearest.mean(axis=1)
    return found


def _embedded(library: Library) -> PictureFeatures:
    return library.embedded(library.catalogue.present_ids())


def _centred(library: Library, found: PictureFeatures) -> tuple[Rows, Rows]:
    """Embeddings of pictures and captions with the mean of their kind taken off, without hubness.

    The means are those of the library itself, if it is no small one, as in a search.
    """
    has, means = found.has_caption, library.encoder.means
    zero = np.zeros(found.v_i.shape[1], np.float32)
    own = len(has) >= OWN_MEANS_FROM, has.sum() >= OWN_MEANS_FROM
    image = found.v_i.mean(0) if own[0] else means.get(IMAGE, zero)
    text = found.v_t[has].mean(0) if own[1] else means.get(TEXT, zero)
    rows = found.v_i - image, found.v_t - text
    v_i, v_t = (unit_rows(without_hub(centred, means)) for centred in rows)
    return v_i, v_t
