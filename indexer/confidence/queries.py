"""What is asked when a calibration is fitted: captions, and a word or two of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.confidence.pool import Ints, Pool
from indexer.embedding import Rows

Encode = Callable[[Sequence[str]], Rows]
_TELLING = re.compile(r"[^\W\d_]{3,}")  # shorter words tell nothing in the languages with spaces
COMMON = 0.3  # of the pictures: a word that more of them have tells nothing either
SHORT = 2  # words of a short query, at most


@dataclass(frozen=True, slots=True)
class CalibrationQueries:
    """Queries: the `pictures` (q,) that are meant, the caption (q,) that is held out, and the rows.

    `right` (q, n) tells which pictures of the pool are right: the one that is meant, and for a few
    words all that have them in their captions.
    """

    pictures: Ints
    captions: Ints
    rows: Rows
    right: NDArray[np.bool_]

    def of(self, pool_pictures: Ints) -> CalibrationQueries:
        """The queries that mean some pictures of the pool (in any order), by their new numbers."""
        place = np.full(self.right.shape[1], -1)
        place[pool_pictures] = np.arange(len(pool_pictures))
        chosen = np.flatnonzero(place[self.pictures] >= 0)
        right = self.right[np.ix_(chosen, pool_pictures)]
        pictures = place[self.pictures[chosen]].astype(np.int64)
        return CalibrationQueries(pictures, self.captions[chosen], self.rows[chosen], right)


def sentences(pool: Pool, pictures: Ints, rng: np.random.Generator) -> CalibrationQueries:
    """Each picture is asked for with one of its captions, drawn at random."""
    captions = _drawn(pool, pictures, rng)
    right = pictures[:, None] == np.arange(len(pool))
    return CalibrationQueries(pictures, captions, pool.v_t[captions], right)


def words(
    pool: Pool, pictures: Ints, rng: np.random.Generator, encode: Encode
) -> CalibrationQueries:
    """Each picture is asked for with a word or two of a caption, as people do.

    Words of which none is telling ask for nothing, and are left out.
    """
    carriers, count = _carriers(pool), len(pool)
    captions = _drawn(pool, pictures, rng)
    said, right, kept = [], [np.zeros((0, count), np.bool_)], []
    for place, caption in enumerate(captions.tolist()):
        few = _few_words(pool.texts[caption], rng)
        telling = [w for w in _telling(few) if len(carriers[w]) <= COMMON * count]
        if telling:
            having = np.zeros(count, np.bool_)
            having[list(set.intersection(*(carriers[word] for word in telling)))] = True
            said.append(few)
            right.append(having[None])
            kept.append(place)
    rows = encode(said)
    return CalibrationQueries(pictures[kept], captions[kept], rows, np.concatenate(right))


def _drawn(pool: Pool, pictures: Ints, rng: np.random.Generator) -> Ints:
    """A caption of each picture."""
    counts = pool.counts[pictures]
    return np.asarray(pool.starts[pictures] + (rng.random(len(pictures)) * counts).astype(np.int64))


def _few_words(text: str, rng: np.random.Generator) -> str:
    """One or two words of a text that stand side by side."""
    found = text.split()
    length = int(rng.integers(1, SHORT + 1))
    start = int(rng.integers(0, max(len(found) - length, 0) + 1))
    return " ".join(found[start : start + length]).strip(" .,;:!?")


def _telling(text: str) -> set[str]:
    return set(_TELLING.findall(text.lower()))


def _carriers(pool: Pool) -> dict[str, set[int]]:
    """The pictures whose captions have a word, by word."""
    found: dict[str, set[int]] = defaultdict(set)
    owners = np.repeat(np.arange(len(pool)), pool.counts)
    for owner, text in zip(owners.tolist(), pool.texts, strict=True):
        for word in _telling(text):
            found[word].add(owner)
    return found
