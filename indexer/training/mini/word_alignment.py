"""Word alignment: which words of two languages mean the same, from captions of the same pictures.

IBM model 1 (Brown et al., 1993) in both directions, which agree on each link (Liang, Taskar and
Klein, 2006). A caption of a picture may be the translation of any of its English captions, or of
none: the better one explains it, the more it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOTHING = ""  # the word that words without a counterpart are linked to
PASSES, APART = 8, 3  # of the estimation; those before both directions have to agree
SHARPNESS = 0.5  # of the choice among the English captions of a picture
LEAST = 1e-9  # probability of a link

Ints = NDArray[np.int32]
Floats = NDArray[np.floating]
Tokens = Sequence[str]


@dataclass(frozen=True, slots=True)
class Links:
    """Possible links, between each word of a caption and of each English caption beside it.

    All (n,): the numbers of the words in `words` and `english_words`, and the places of both in the
    run of all words. `caption` (places,) is the pair of captions of a place of the first kind,
    `lengths` (pairs,) the number of English words of a pair, `sources` (pairs,) its caption.
    """

    words: Ints
    english: Ints
    places: Ints
    english_places: Ints
    caption: Ints
    lengths: Ints
    sources: Ints
    names: list[str]
    english_names: list[str]


def links_of(captions: Sequence[tuple[Tokens, Sequence[Tokens]]]) -> Links:
    """The possible links of captions, each with the English captions of the same picture."""
    names: dict[str, int] = {}
    english_names: dict[str, int] = {}
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    caption, lengths, sources = list[int](), list[int](), list[int]()
    start = english_start = 0
    for source, (tokens, beside) in enumerate(captions):
        words = np.array([names.setdefault(word, len(names)) for word in tokens], np.int32)
        for text in beside:
            numbers = [english_names.setdefault(w, len(english_names)) for w in (NOTHING, *text)]
            english = np.array(numbers, np.int32)
            n, m = len(words), len(english)
            places = np.arange(start, start + n, dtype=np.int32)
            others = np.arange(english_start, english_start + m, dtype=np.int32)
            here = words.repeat(m), places.repeat(m)
            parts.append((here[0], np.tile(english, n), here[1], np.tile(others, n)))
            caption += [len(lengths)] * n
            lengths.append(m)
            sources.append(source)
            start, english_start = start + n, english_start + m
    words, english, places, others = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Links(
        words,
        english,
        places,
        others,
        np.array(caption, np.int32),
        np.array(lengths, np.int32),
        np.array(sources, np.int32),
        list(names),
        list(english_names),
    )


def link_counts(links: Links) -> Floats:
    """Expected number of times that each link holds, (n,), by expectation and maximisation."""
    width = len(links.english_names)
    numbers = links.words.astype(np.int64) * width + links.english
    keys, kind = np.unique(numbers, return_inverse=True)
    kind = kind.astype(np.int32)
    word, english = keys // width, keys % width
    pair = links.caption[links.places]
    there, back = _shares(np.ones(len(keys)), english), _shares(np.ones(len(keys)), word)
    expected = np.zeros(len(kind))
    for turn in range(PASSES):
        forward, backward = there[kind], back[kind]
        explained = _sums(links.places, forward)
        chosen = _chosen(links, explained) if turn else _chosen(links, np.ones(len(explained)))
        forward /= explained[links.places]
        backward /= _sums(links.english_places, backward)[links.english_places]
        if turn < APART:
            there = _shares(_sums(kind, chosen[pair] * forward), english)
            back = _shares(_sums(kind, chosen[pair] * backward), word)
            continue
        expected = chosen[pair] * forward * backward
        counts = _sums(kind, expected)
        there, back = _shares(counts, english), _shares(counts, word)
    return expected


def _chosen(links: Links, explained: Floats) -> Floats:
    """The share of each pair of captions among those of its caption, (pairs,)."""
    logs = _sums(links.caption, np.log(explained / links.lengths[links.caption]))
    logs = np.append(logs, np.zeros(len(links.lengths) - len(logs)))
    starts = np.flatnonzero(np.diff(links.sources, prepend=-1))
    best = np.maximum.reduceat(logs, starts).repeat(np.diff(np.append(starts, len(logs))))
    weights = np.exp(SHARPNESS * (logs - best))
    return np.asarray(weights / _sums(links.sources, weights)[links.sources])


def _shares(counts: Floats, groups: NDArray[np.int64]) -> Floats:
    """Counts as shares of those of their group, none of them zero."""
    totals = _sums(groups, counts)
    return np.maximum(counts / np.maximum(totals[groups], LEAST), LEAST)


def _sums(groups: NDArray[np.integer], values: Floats) -> Floats:
    """The sum of the values of each group, (groups,)."""
    return np.asarray(np.bincount(groups, values), np.float64)
