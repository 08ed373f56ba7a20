"""Output of the text tower word by word, on which the tail of that tower is trained."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.encoders.mini.heads import WORDS
from indexer.encoders.mini.towers import Towers
from indexer.progress import Progress
from indexer.training.halves import halves

PROGRESS_TEXTS = 2048  # between two progress events
TAIL_BATCH = 128  # texts that run through the tail together
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Words:
    """Features of n texts: of whole sentences and of their words.

    `sentences`: float32 (n, 384); `states`: input of a tail, float16 (words, 384); those of text i
    are from `starts[i]` to `starts[i + 1]`.
    """

    sentences: NDArray[np.float32]
    states: NDArray[np.float16]
    starts: Ints

    def padded(self, rows: Ints) -> tuple[Tensor, Tensor]:
        """Padded words (k, length, 384) of some texts, and the mask (k, length) of real ones."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        states = np.zeros((len(rows), lengths.max(), self.states.shape[1]), np.float32)
        for place, row in enumerate(rows):
            states[place, : lengths[place]] = self.states[self.starts[row] : self.starts[row + 1]]
        mask = np.arange(lengths.max()) < lengths[:, None]
        return torch.from_numpy(states), torch.from_numpy(mask.astype(np.float32))

    def by_length(self, rows: Ints) -> Ints:
        """The places in `rows`, sorted by the length of the texts."""
        order: Ints = np.argsort(self.starts[rows + 1] - self.starts[rows], kind="stable")
        return order


def read_words(towers: Towers, texts: Sequence[str]) -> Generator[Progress, None, Words]:
    """Encode texts; yields progress and returns their features."""
    sentences, states = [np.zeros((0, WORDS), np.float32)], list[NDArray[np.float16]]()
    for start in range(0, len(texts), PROGRESS_TEXTS):
        rows, words = towers.word_features(texts[start : start + PROGRESS_TEXTS])
        sentences.append(rows)
        states += words
        yield Progress(len(states), len(texts))
    starts = np.cumsum([0, *map(len, states)])
    none = np.zeros((0, WORDS), np.float16)
    return Words(np.concatenate(sentences), np.concatenate([none, *states]), starts)


def text_features(tail: nn.Module, words: Words, rows: Ints) -> Tensor:
    """Input of the text head for some texts, (len(rows), 768): sentences, and output of a tail.

    In training, the tail multiplies in bfloat16 if the processor supports that.
    """
    order = words.by_length(rows)
    parts = []
    for start in range(0, len(rows), TAIL_BATCH):
        read, mask = words.padded(rows[order[start : start + TAIL_BATCH]])
        with halves(tail.training):
            parts.append(tail(read, mask))
    output = torch.cat(parts)[torch.from_numpy(np.argsort(order))]
    return torch.cat([torch.from_numpy(words.sentences[rows]), output], -1)
