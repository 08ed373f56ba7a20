"""Words that pictures show: the text that was read in them has all words of a query.

A picture of an invoice and one with the word "invoice" in it are both meant by "invoice". So text
raises a picture among those that are found by meaning, by a fixed number of standard deviations of
their scores: above all that merely look like it, but below what plainly shows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup, all_read
from search.query.terms import Query
from search.ranking.order import RankedPictures, Ranking
from search.words.query_words import QueryWords

DEVIATIONS = 3.0  # of the scores of a query, by which text raises a picture
_MAX_SHARE = 0.5  # of all pictures: words that more of them show tell nothing


def showing(lookup: WordLookup, query: Query, size: int) -> frozenset[int]:
    """Ids of the pictures in whose text all words of the positive terms were read.

    `size`: number of pictures of the library. None for a query with a picture.
    """
    if not lookup.shows_text() or any(term.picture is not None for term in query.terms):
        return frozenset()
    most = max(1, int(_MAX_SHARE * size))
    return frozenset(lookup.few(all_read(QueryWords.of(query).words), most))


def raised(order: RankedPictures, head: Ranking, by: float) -> RankedPictures:
    """An order in which some pictures, `head`, are ranked as if they scored `by` more.

    `head` are ids and scores of these pictures (n,), best first. Scores stay what they are.
    """
    ids, scores = head

    def first(count: int) -> Ranking:
        others, below = order.first(count)
        rest = np.isin(others, ids, invert=True)
        others, below = others[rest], below[rest]
        places = _places(below, scores + np.float32(by))
        both = np.insert(others, places, ids), np.insert(below, places, scores)
        return both[0][:count], both[1][:count]

    return RankedPictures(first, order.cheap)


def _places(below: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The place of each score (n,) among those of an order (m,), which need not fall throughout."""
    falling = np.minimum.accumulate(below) if len(below) else below
    return np.searchsorted(-falling, -scores)
