"""What the text tower makes of texts, word by word: the tail of that tower is trained on these."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.encoders.mini.heads import WORDS
from indexer.encoders.mini.towers import Towers
from indexer.progress import Progress

READ_AT_ONCE = 2048  # texts between two signs of progress
AT_ONCE = 128  # texts that run through the tail together
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Words:
    """Features of n texts: of whole sentences and of their words.

    `sentences`: float32 (n, 384); `states`: what a tail reads, float16 (words, 384), those of text
    i from `starts[i]` to `starts[i + 1]`.
    """

    sentences: NDArray[np.float32]
    states: NDArray[np.float16]
    starts: Ints

    def padded(self, rows: Ints) -> tuple[Tensor, Tensor]:
        """The words of some texts, (k, length, 384), and which of them there are, (k, length)."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        states = np.zeros((len(rows), lengths.max(), self.states.shape[1]), np.float32)
        for place, row in enumerate(rows):
            states[place, : lengths[place]] = self.states[self.starts[row] : self.starts[row + 1]]
        mask = np.arange(lengths.max()) < lengths[:, None]
        return torch.from_numpy(states), torch.from_numpy(mask.astype(np.float32))

    def by_length(self, rows: Ints) -> Ints:
        """The places in `rows`, those of short texts first."""
        order: Ints = np.argsort(self.starts[rows + 1] - self.starts[rows], kind="stable")
        return order


def read_words(towers: Towers, texts: Sequence[str]) -> Generator[Progress, None, Words]:
    """Encode texts; yields progress and returns what they became."""
    sentences, states = [np.zeros((0, WORDS), np.float32)], list[NDArray[np.float16]]()
    for start in range(0, len(texts), READ_AT_ONCE):
        rows, read = towers.word_features(texts[start : start + READ_AT_ONCE])
        sentences.append(rows)
        states += read
        yield Progress(len(states), len(texts))
    starts = np.cumsum([0, *map(len, states)])
    nothing = np.zeros((0, WORDS), np.float16)
    return Words(np.concatenate(sentences), np.concatenate([nothing, *states]), starts)


def text_features(tail: nn.Module, words: Words, rows: Ints) -> Tensor:
    """What the text head reads of some texts, (len(rows), 768): sentences, and what a tail says.

    While the tail is trained it multiplies in bfloat16 where the processor is made for that.
    """
    order = words.by_length(rows)
    half = tail.training and _multiplies_halves()
    parts = []
    for start in range(0, len(rows), AT_ONCE):
        read, mask = words.padded(rows[order[start : start + AT_ONCE]])
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            parts.append(tail(read, mask))
    said = torch.cat(parts)[torch.from_numpy(np.argsort(order))]
    return torch.cat([torch.from_numpy(words.sentences[rows]), said], -1)


@cache
def _multiplies_halves() -> bool:
    """Whether the processor multiplies bfloat16 by itself; others imitate that, slowly."""
    try:
        known = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in known or "avx512_bf16" in known
