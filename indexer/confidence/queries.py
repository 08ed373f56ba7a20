"""The queries that a calibration is fitted with: captions, and a few words of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.confidence.pool import Pool
from indexer.embedding import Ints, Mask, Rows

Encode = Callable[[Sequence[str]], Rows]
_TELLING = re.compile(r"[^\W\d_]{3,}")  # shorter words say little in languages with spaces
COMMON = 0.3  # share of the pictures: a word in the captions of more of them says little, too


@dataclass(frozen=True, slots=True)
class CalibrationQueries:
    """Queries `rows` (q, dim), the `pictures` (q,) they aim at, and the held-out `captions` (q,).

    `right` (q, n) marks the right pictures of the pool: the target, and for a query of a few words
    every picture with these words in its captions.
    """

    pictures: Ints
    captions: Ints
    rows: Rows
    right: Mask

    def of(self, pool_pictures: Ints) -> CalibrationQueries:
        """Select the queries for some pictures of the pool, numbered by their new places."""
        place = np.full(self.right.shape[1], -1)
        place[pool_pictures] = np.arange(len(pool_pictures))
        queries = np.flatnonzero(place[self.pictures] >= 0)
        right = self.right[np.ix_(queries, pool_pictures)]
        pictures = place[self.pictures[queries]].astype(np.int64)
        return CalibrationQueries(pictures, self.captions[queries], self.rows[queries], right)


def sentences(pool: Pool, pictures: Ints, rng: np.random.Generator) -> CalibrationQueries:
    """Make a query for each picture: one of its captions, drawn at random."""
    captions = _random_captions(pool, pictures, rng)
    right = pictures[:, None] == np.arange(len(pool))
    return CalibrationQueries(pictures, captions, pool.v_t[captions], right)


def words(
    pool: Pool, pictures: Ints, lengths: Sequence[int], rng: np.random.Generator, encode: Encode
) -> CalibrationQueries:
    """Make a query for each picture: so many neighbouring words of a caption, as people search.

    Skips a picture if all the words drawn for it say little.
    """
    carriers, count = _carriers(pool), len(pool)
    captions = _random_captions(pool, pictures, rng)
    texts, right, places = [], [np.zeros((0, count), np.bool_)], []
    for place, caption in enumerate(captions.tolist()):
        few = _few_words(pool.texts[caption], int(rng.choice(lengths)), rng)
        telling = [w for w in _telling(few) if len(carriers[w]) <= COMMON * count]
        if telling:
            having = np.zeros(count, np.bool_)
            having[list(set.intersection(*(carriers[word] for word in telling)))] = True
            texts.append(few)
            right.append(having[None])
            places.append(place)
    rows = encode(texts)
    return CalibrationQueries(pictures[places], captions[places], rows, np.concatenate(right))


def _random_captions(pool: Pool, pictures: Ints, rng: np.random.Generator) -> Ints:
    """Draw a caption of each picture."""
    counts = pool.counts[pictures]
    return np.asarray(pool.starts[pictures] + (rng.random(len(pictures)) * counts).astype(np.int64))


def _few_words(text: str, length: int, rng: np.random.Generator) -> str:
    """Draw neighbouring words of a text; a single one from those that may say something."""
    all_words = text.split()
    if length == 1:
        all_words = [word for word in all_words if _telling(word)] or all_words
    start = int(rng.integers(0, max(len(all_words) - length, 0) + 1))
    return " ".join(all_words[start : start + length]).strip(" .,;:!?")


def _telling(text: str) -> set[str]:
    """The words of a text that may say something, in the singular where a plural has an "s"."""
    return {word.removesuffix("s") for word in _TELLING.findall(text.lower())}


def _carriers(pool: Pool) -> dict[str, set[int]]:
    """Map each word to the pictures that have it in a caption."""
    carriers: dict[str, set[int]] = defaultdict(set)
    owners = np.repeat(np.arange(len(pool)), pool.counts)
    for owner, text in zip(owners.tolist(), pool.texts, strict=True):
        for word in _telling(text):
            carriers[word].add(owner)
    return carriers
