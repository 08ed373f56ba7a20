"""All training texts of the built-in model, encoded by the text tower."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.mini.heads import CLASSES
from indexer.encoders.mini.towers import Towers
from indexer.progress import Progress
from indexer.training.mini.assembly import Kinds, Vocabulary
from indexer.training.mini.imagenet import imagenet_kinds, imagenet_wordings
from indexer.training.mini.phrases import Captions, common_words, short_texts
from indexer.training.mini.words import Ints, Words, read_words


class ShortTexts(NamedTuple):
    """Encoded short texts, and the pictures of one part of the data set that each is right for."""

    words: Words
    pictures: list[Ints]


class Texts(NamedTuple):
    """All captions of the data set, the classes of ImageNet in each wording, and other texts.

    `named`: things that texts may name besides the classes; `short` are the short texts of the
    training captions, `validation` those of the validation captions.
    """

    captions: Words
    classes: list[Words]
    named: Vocabulary
    short: ShortTexts
    validation: ShortTexts


def read_texts(
    towers: Towers, captions: Sequence[str], train: Sequence[Ints], validation: Sequence[Ints]
) -> Generator[Progress, None, Texts]:
    """Encode all texts; yields progress and returns them.

    `train` and `validation` hold the places of the captions of each picture of these parts.
    """
    learned, held_out = (
        [[captions[k] for k in own] for own in part] for part in (train, validation)
    )
    words = yield from read_words(towers, captions)
    classes = []
    for wording in imagenet_wordings():
        classes.append((yield from read_words(towers, wording)))
    named = yield from _read_named(towers, learned)
    short = yield from _read_short(towers, learned)
    return Texts(words, classes, named, short, (yield from _read_short(towers, held_out)))


def _read_named(towers: Towers, captions: Captions) -> Generator[Progress, None, Vocabulary]:
    texts, of = list[str](), list[NDArray[np.float32]]()
    for kind in imagenet_kinds():
        members = np.zeros(CLASSES, np.float32)
        members[list(kind.classes)] = 1
        texts += kind.texts
        of += [members] * len(kind.texts)
    kinds = yield from read_words(towers, texts)
    common = common_words(captions)
    words = yield from read_words(towers, common.texts)
    return Vocabulary(Kinds(kinds.sentences, np.stack(of)), words.sentences, common.mentions)


def _read_short(towers: Towers, captions: Captions) -> Generator[Progress, None, ShortTexts]:
    texts = short_texts(captions)
    words = yield from read_words(towers, [text for text, _ in texts])
    return ShortTexts(words, [pictures for _, pictures in texts])
