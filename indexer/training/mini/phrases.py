"""Words and short texts of captions, and the pictures whose captions contain them.

People search with a few words; captions are sentences. A word is right for all pictures whose
captions contain it.
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

MIN_PICTURES, MAX_PICTURE_SHARE = 10, 0.25  # of a common word: "a" and "the" say nothing
MIN_CAPTIONS = 2  # of one picture that contain a word, for the picture to show it
MAX_WORDS, MAX_RIGHT_SHARE = 3, 0.07  # of a short text; share of the pictures it is right for
FUNCTION_WORDS = (  # of English; short texts leave them out
    "a an the this that these those some another other others each something who which what where "
    "of in on at to into onto from by with for as through over under up down off out near along "
    "across around behind toward towards there and or while is are be being has have it its his "
    "her their"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_FUNCTION = frozenset(FUNCTION_WORDS.split())


Captions = Sequence[Sequence[str]]  # those of each picture


class CommonWords(NamedTuple):
    """Words, and how many captions of each of n pictures contain them, `mentions` (m, n)."""

    texts: list[str]
    mentions: NDArray[np.float32]


class ShortText(NamedTuple):
    """A few words, and the pictures whose captions contain all of them."""

    text: str
    pictures: Ints


def common_words(captions: Captions) -> CommonWords:
    """The words that two captions of a picture have in common, for ten pictures or more.

    A word of only one caption of a picture does not count for it.
    """
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for picture, own in enumerate(captions):
        for caption in own:
            for word in set(_words(caption)):
                counts[word][picture] += 1
    limit, texts, rows = MAX_PICTURE_SHARE * len(captions), [], []
    for word, mentions in sorted(counts.items()):
        agreed = {picture: count for picture, count in mentions.items() if count >= MIN_CAPTIONS}
        if MIN_PICTURES <= len(agreed) <= limit:
            texts.append(word)
            rows.append(np.zeros(len(captions), np.float32))
            rows[-1][list(agreed)] = list(agreed.values())
    return CommonWords(texts, np.stack(rows) if rows else np.zeros((0, len(captions)), np.float32))


def short_texts(captions: Captions, seed: int = 0) -> list[ShortText]:
    """A few random words of each caption, and all its words except function words; each text once.

    Texts that are right for many pictures are left out: they teach little.
    """
    draw, texts = random.Random(seed), set[str]()
    pictures: dict[str, set[int]] = defaultdict(set)
    for picture, own in enumerate(captions):
        for words in map(_words, own):
            for word in words:
                pictures[word].add(picture)
            content = [word for word in words if word not in _FUNCTION]
            if content:
                texts |= {" ".join(content), " ".join(_random_words(content, draw))}
    kept = []
    for text in sorted(texts):
        right = set.intersection(*(pictures[word] for word in text.split()))
        if len(right) <= max(1, MAX_RIGHT_SHARE * len(captions)):
            kept.append(ShortText(text, np.array(sorted(right), np.int64)))
    return kept


def _random_words(words: Sequence[str], draw: random.Random) -> list[str]:
    """One to three of the words in their order; half of the time neighbours."""
    count = min(draw.randint(1, MAX_WORDS), len(words))
    if draw.random() < 0.5:
        first = draw.randint(0, len(words) - count)
        return list(words[first : first + count])
    return [words[place] for place in sorted(draw.sample(range(len(words)), count))]


def _words(caption: str) -> list[str]:
    return _WORD.findall(caption.lower())
