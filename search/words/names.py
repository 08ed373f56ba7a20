"""Names and numbers in a query: words that no embedding knows, but a caption or a file's name has.

"Anna on the beach" asks for pictures that have the word "Anna", those on a beach first. What
descriptions are made of never counts here: measured, it would push away what an embedding finds
(docs/words.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.tokens import WORD, plain
from search.ranking.order import RankedPictures, Ranking
from search.words.query_words import FILLERS, QueryWords
from search.words.vocabulary import SHORTEST, is_described

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


def names_in(wording: QueryWords) -> tuple[str, ...]:
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


def named_first(
    order: RankedPictures,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    named: Mapping[int, int],
) -> RankedPictures:
    """An order with the pictures before it that have a name, those with most names first.

    `ids` are they, by meaning, with their scores (n,); it decides among those with as many names.
    """
    most_first = np.argsort([-named[key] for key in ids.tolist()], kind="stable").astype(np.int64)
    ids, scores = ids[most_first], scores[most_first]

    def first(count: int) -> Ranking:
        if count <= len(ids):
            return ids[:count], scores[:count]
        others, below = order.first(count)
        rest = np.isin(others, ids, invert=True)
        both = np.append(ids, others[rest]), np.append(scores, below[rest])
        return both[0][:count], both[1][:count]

    return RankedPictures(first, order.cheap)
