"""Words and short texts that captions are made of, and the pictures whose captions have them.

People ask in some words; captions are sentences. Which pictures a word is right for, the captions
tell: all those of which it is said.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.training.mini.words import Ints

FEWEST, BROADEST = 10, 0.25  # pictures of a word; their share of all: "a" and "the" say nothing
AGREE = 2  # captions of one picture that have a word, for it to be what the picture shows
LONGEST, RAREST = 3, 0.07  # words of a short text; share of the pictures that it may be right for
FUNCTION_WORDS = (  # of English: what a short text is made without
    "a an the this that these those some another other others each something who which what where "
    "of in on at to into onto from by with for as through over under up down off out near along "
    "across around behind toward towards there and or while is are be being has have it its his "
    "her their"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_FUNCTION = frozenset(FUNCTION_WORDS.split())


Captions = Sequence[Sequence[str]]  # those of each picture


class CommonWords(NamedTuple):
    """Words of captions, and how many captions of each of n pictures say them, (m, n)."""

    texts: list[str]
    said: NDArray[np.float32]


class ShortText(NamedTuple):
    """A few words, and the pictures whose captions have all of them."""

    text: str
    pictures: Ints


def common_words(captions: Captions) -> CommonWords:
    """The words that two captions of a picture have in common, of ten pictures at least.

    What only one caption of a picture says counts nothing.
    """
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for picture, own in enumerate(captions):
        for caption in own:
            for word in set(_words(caption)):
                counts[word][picture] += 1
    most, texts, rows = BROADEST * len(captions), [], []
    for word, said in sorted(counts.items()):
        agreed = {picture: count for picture, count in said.items() if count >= AGREE}
        if FEWEST <= len(agreed) <= most:
            texts.append(word)
            rows.append(np.zeros(len(captions), np.float32))
            rows[-1][list(agreed)] = list(agreed.values())
    return CommonWords(texts, np.stack(rows) if rows else np.zeros((0, len(captions)), np.float32))


def short_texts(captions: Captions, seed: int = 0) -> list[ShortText]:
    """Of each caption a few of its words, and all but function words; each text once.

    Left out is what is right for many pictures: that a text is near to all of them teaches little.
    """
    draw, texts = random.Random(seed), set[str]()
    pictures: dict[str, set[int]] = defaultdict(set)
    for picture, own in enumerate(captions):
        for words in map(_words, own):
            for word in words:
                pictures[word].add(picture)
            content = [word for word in words if word not in _FUNCTION]
            if content:
                texts |= {" ".join(content), " ".join(_some(content, draw))}
    found = []
    for text in sorted(texts):
        right = set.intersection(*(pictures[word] for word in text.split()))
        if len(right) <= max(1, RAREST * len(captions)):
            found.append(ShortText(text, np.array(sorted(right), np.int64)))
    return found


def _some(words: Sequence[str], draw: random.Random) -> list[str]:
    """One to three words in their order, as often neighbours as not."""
    count = min(draw.randint(1, LONGEST), len(words))
    if draw.random() < 0.5:
        first = draw.randint(0, len(words) - count)
        return list(words[first : first + count])
    return [words[place] for place in sorted(draw.sample(range(len(words)), count))]


def _words(caption: str) -> list[str]:
    return _WORD.findall(caption.lower())
