"""Words and short texts of captions, and the pictures that they are right for.

People search with a few words; captions are sentences. A word is right for all pictures whose
captions contain it, in the singular or the plural, or name a thing of that kind.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.mini.noun_phrases import sentences_about, sentences_for, singular
from indexer.training.mini.noun_kinds import kinds_of
from indexer.training.mini.words import Ints

MIN_PICTURES = 10  # of a common word
MIN_CAPTIONS = 2  # of one picture that contain a word, for the picture to show it
FEW_CAPTIONS = 2  # of one picture, of which a single one need contain the word
MAX_WORDS = 3  # of a short text
MAX_RIGHT_SHARE = 0.8  # of the pictures that a word or a short text is right for
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
    """Words, and the share of the captions of each of n pictures that say them, (m, n)."""

    texts: list[str]
    mentions: NDArray[np.float32]


class ShortText(NamedTuple):
    """A few words, and the pictures whose captions say all of them."""

    text: str
    pictures: Ints


def common_words(captions: Captions) -> CommonWords:
    """The words that captions of a picture agree on, for ten pictures or more.

    Where a picture has more than two captions, a word of only one of them does not count.
    """
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for picture, own in enumerate(captions):
        for caption in own:
            for word in _said(caption):
                counts[word][picture] += 1
    texts, rows = list[str](), list[NDArray[np.float32]]()
    for word, mentions in sorted(counts.items()):
        row = np.zeros(len(captions), np.float32)
        for picture, count in mentions.items():
            of = len(captions[picture])
            if count >= (MIN_CAPTIONS if of > FEW_CAPTIONS else 1):
                row[picture] = count / of
        if MIN_PICTURES <= np.count_nonzero(row) <= MAX_RIGHT_SHARE * len(captions):
            texts.append(word)
            rows.append(row)
    return CommonWords(texts, np.stack(rows) if rows else np.zeros((0, len(captions)), np.float32))


def short_texts(captions: Captions, seed: int = 0) -> list[ShortText]:
    """Short texts of captions, as an encoder reads them, each once.

    Each word, a few random words of each caption, and all its words except function words. Texts
    that are right for most pictures are left out: they teach little.
    """
    draw, texts = random.Random(seed), set[str]()
    pictures: dict[str, set[int]] = defaultdict(set)
    for picture, own in enumerate(captions):
        for caption in own:
            for word in _said(caption):
                pictures[word].add(picture)
            content = [word for word in _words(caption) if word not in _FUNCTION]
            if content:
                texts |= {" ".join(content), " ".join(_random_words(content, draw))}
    said = {text: sentences_for(text) for text in sorted(texts)}
    said |= {word: sentences_about(word) for word, of in sorted(pictures.items()) if len(of) > 1}
    kept = dict[str, Ints]()
    for text, sentences in said.items():
        right = set.intersection(*(pictures[singular(word)] for word in text.split()))
        if 0 < len(right) <= max(1, MAX_RIGHT_SHARE * len(captions)):
            kept |= dict.fromkeys(sentences, np.array(sorted(right), np.int64))
    return [ShortText(text, right) for text, right in sorted(kept.items())]


def _random_words(words: Sequence[str], draw: random.Random) -> list[str]:
    """One to three of the words in their order; half of the time neighbours."""
    count = min(draw.randint(1, MAX_WORDS), len(words))
    if draw.random() < 0.5:
        first = draw.randint(0, len(words) - count)
        return list(words[first : first + count])
    return [words[place] for place in sorted(draw.sample(range(len(words)), count))]


def _said(caption: str) -> set[str]:
    """The words of a caption in the singular, and the kinds of things that they name."""
    words = {singular(word) for word in _words(caption) if word not in _FUNCTION}
    kinds = kinds_of()
    return words.union(*(kinds.get(word, ()) for word in words))


def _words(caption: str) -> list[str]:
    return _WORD.findall(caption.lower())
