"""Regions of a map: groups of pictures that lie together, named by words of their captions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.neighbours import clusters
from search.projection import Points
from search.words.query_words import FILLERS, split_words

MOST_REGIONS = 10
PICTURES_PER_REGION = 12  # on average, at least
_WORDS = 2  # of a name
_SHORTEST = 3  # letters of a word that names something
_SHARE = 0.08  # of a region's pictures that have a word, for it to be of the region
_SAID_OF_ALL = (  # words of captions that name no thing
    "across along another around back behind beside between big black blue brown down during four "
    "front full gray green grey holding large little looking lying many near next off one orange "
    "other people person pink purple red several side sitting small standing three through "
    "together top toward towards two very walking wearing while white yellow young"
)
_UNTELLING = FILLERS.union(_SAID_OF_ALL.split())


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a map: the words that tell it from the others, and its middle (x, y)."""

    name: str
    x: float
    y: float


def regions(points: Points, captions: Sequence[Sequence[str]]) -> list[Region]:
    """The regions of a map of points (n, 2), each with a name; `captions` are those of each point.

    A region without words of its own is left out. The same points give the same regions.
    """
    number = min(MOST_REGIONS, len(points) // PICTURES_PER_REGION)
    if number < 2:
        return []
    owners = clusters(points, number)
    words = [_words(texts) for texts in captions]
    whole = Counter(word for each in words for word in each)
    return [
        Region(name, *np.median(points[owners == region], axis=0).tolist())
        for region in range(number)
        if (name := _name([words[place] for place in np.flatnonzero(owners == region)], whole))
    ]


def _words(captions: Sequence[str]) -> frozenset[str]:
    """The words of a picture's captions that may name something, in small letters."""
    found = (word.strip(".,;:!?\"'()").lower() for text in captions for word in split_words(text))
    return frozenset(
        word
        for word in found
        if len(word) >= _SHORTEST and word.isalpha() and word not in _UNTELLING
    )


def _name(pictures: Sequence[frozenset[str]], whole: Counter[str]) -> str:
    """The most telling words of some pictures: frequent among them, and rare elsewhere.

    A word's value is its part of the divergence of their words from those of all (Kullback and
    Leibler 1951). Words of few of the pictures tell nothing of a region.
    """
    here = Counter(word for words in pictures for word in words)
    all_here, everywhere = here.total(), whole.total()
    values = {
        word: number / all_here * math.log(number / all_here / (whole[word] / everywhere))
        for word, number in here.items()
        if number >= max(2, _SHARE * len(pictures))
    }
    ranked = sorted((word for word in values if values[word] > 0), key=lambda w: (-values[w], w))
    return ", ".join(_distinct(ranked))


def _distinct(ranked: Sequence[str]) -> list[str]:
    """The first words, of which none begins like another ("dog", "dogs")."""
    kept: list[str] = []
    for word in ranked:
        if not any(word.startswith(one) or one.startswith(word) for one in kept):
            kept.append(word)
    return kept[:_WORDS]
