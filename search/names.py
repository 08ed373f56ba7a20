"""Names and numbers in a query: words that no embedding knows, but a caption or a file's name has.

"Anna on the beach" asks for pictures that have the word "Anna", those on a beach first. What
descriptions are made of never counts here: measured, it would push away what an embedding finds
(docs/words.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.tokens import WORD, plain
from indexer.word_lookup import WordLookup
from search.vocabulary import SHORTEST, is_described
from search.wording import FILLERS, Wording

Listed = tuple[NDArray[np.int64], NDArray[np.float32]]  # ids of pictures and their scores
K = 1  # of reciprocal rank fusion: the ranks of a query's first hits differ most
WEIGHT = 4.0  # of having a name against the rank by meaning: it comes first wherever that ranks it
_NUMBER = re.compile(r"\d{3,}|[a-z]+\d+")  # "2041", "p1000"; not "2", "4x4" or "3d"
_SHARE = 0.5  # of all pictures: what more of them have tells nothing


def is_name(word: str) -> bool:
    """Whether a word may be a name or a number rather than tell what is seen."""
    return any(_is_name(token) for token in WORD.findall(plain(word).lower()))


def _is_name(token: str) -> bool:
    if len(token) < SHORTEST or token in FILLERS:
        return False
    if any(c.isdecimal() for c in token):
        return _NUMBER.match(token) is not None
    return not is_described(token)


def names_in(wording: Wording) -> tuple[str, ...]:
    """The words of a query that may be names or numbers."""
    return tuple(word for word in wording.words if is_name(word))


def having_names(lookup: WordLookup, names: Sequence[str], size: int) -> dict[int, int]:
    """How many of the names each picture has, in a library of so many; those without are left out.

    A name that is found nowhere, or in most pictures, does not count.
    """
    counts: dict[int, int] = {}
    most = max(1, int(_SHARE * size))
    for name in names:
        ids = lookup.having(name, most + 1)
        for key in ids if len(ids) <= most else ():
            counts[key] = counts.get(key, 0) + 1
    return counts


def fused(found: Listed, having: Listed, named: Mapping[int, int], k: int) -> Listed:
    """The k best pictures by both ranks: 1 / (K + rank by meaning) + WEIGHT / (K + rank by names).

    Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009). `found` are the best by meaning,
    `having` all with a name, as ids and scores. Pictures with as many names share a rank; those
    with none have no part of it.
    """
    score = {key: value for ids, scores in (found, having) for key, value in _pairs(ids, scores)}
    by_meaning = sorted(score, key=lambda key: -score[key])
    tiers = sorted({*named.values()}, reverse=True)
    both = {
        key: 1 / (K + place) + (WEIGHT / (K + 1 + tiers.index(named[key])) if key in named else 0)
        for place, key in enumerate(by_meaning, start=1)
    }
    ids = sorted(both, key=lambda key: -both[key])[:k]
    return np.array(ids, np.int64), np.array([score[key] for key in ids], np.float32)


def _pairs(ids: NDArray[np.int64], scores: NDArray[np.float32]) -> Iterable[tuple[int, float]]:
    return zip(ids.tolist(), scores.tolist(), strict=True)
