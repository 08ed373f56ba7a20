"""Names and numbers in a query: words that no embedding knows, but a caption or file name has.

"Anna on the beach" finds pictures that have the word "Anna", those on a beach first. Words of
descriptions never count here: by measurement, they would push away what an embedding finds
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
_MAX_SHARE = 0.5  # of all pictures: a word that more of them have tells nothing


def is_name(word: str) -> bool:
    """Whether a word may be a name or number rather than describe what is seen."""
    return any(_is_name(token) for token in WORD.findall(plain(word).lower()))


def _is_name(token: str) -> bool:
    if len(token) < SHORTEST or token in FILLERS:
        return False
    if any(c.isdecimal() for c in token):
        return _NUMBER.match(token) is not None
    return not is_described(token)


def names_in(words: QueryWords) -> tuple[str, ...]:
    """The words of a query that may be names or numbers."""
    return tuple(word for word in words.words if is_name(word))


def having_names(lookup: WordLookup, names: Sequence[str], size: int) -> dict[int, int]:
    """The number of names that each picture has, by id; pictures without a name are left out.

    `size`: number of pictures of the library. A name that no picture has, or most have, does not
    count.
    """
    counts: dict[int, int] = {}
    most = max(1, int(_MAX_SHARE * size))
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
    """An order, preceded by the pictures that have a name, those with most names first.

    `ids` are these pictures in their order by meaning, with their scores (n,). Among pictures with
    as many names, meaning decides.
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
