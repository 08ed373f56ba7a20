"""Corruption of training pictures, until they are as hard to find as new ones.

An encoder knows its own training pictures too well: captions find them more often than they find
any other picture. A fusion trained on them would trust pictures too much. Training therefore moves
their embeddings, just far enough to make them as hard to find as pictures that the encoder never
saw; if it saw neither, they are not moved.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from indexer.datasets.pairs import CaptionedRows
from indexer.embedding import Ints, Rows
from indexer.metrics.recall import mean_recall, ranks

BISECTIONS = 10
MAX_STRENGTH = 4.0
SAMPLES_PER_STEP = 3  # corrupted samples whose recall is averaged in each bisection


def corrupt(v_i: Tensor, pool: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Move each row by `strength` in the direction between two random rows of the pool.

    Returns unit rows (n, dim). Pictures do differ in such directions, unlike those of white noise.
    """
    if not strength:
        return v_i
    one, other = (
        pool[torch.randint(len(pool), (len(v_i),), generator=generator)] for _ in range(2)
    )
    return functional.normalize(v_i + strength * functional.normalize(one - other, dim=1), dim=1)


def fitting_strength(
    train: CaptionedRows, held_out: CaptionedRows, queries: tuple[Rows, Rows], seed: int
) -> float:
    """The strength at which captions find training pictures as often as held-out ones.

    `queries`: the captions of both as query rows. Each sample has as many training pictures as
    are held out, since recall depends on their number.
    """
    generator = torch.Generator().manual_seed(seed)
    target = picture_recall(held_out.v_i, held_out, queries[1], np.arange(len(held_out.v_i)))
    pool = torch.from_numpy(train.v_i)

    def recall(strength: float) -> float:
        recalls = []
        for _ in range(SAMPLES_PER_STEP):
            order = torch.randperm(len(pool), generator=generator)[: len(held_out.v_i)]
            v_i = corrupt(pool[order], pool, strength, generator).numpy()
            recalls.append(picture_recall(v_i, train, queries[0], order.numpy()))
        return float(np.mean(recalls))

    low, high = 0.0, MAX_STRENGTH
    if recall(low) <= target:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if recall(middle) > target else (low, middle)
    return low


def picture_recall(v_i: Rows, data: CaptionedRows, queries: Rows, places: Ints) -> float:
    """Mean recall of the pictures at `places` of a data set by all their captions, from `v_i`."""
    rows = [np.arange(data.starts[k], data.starts[k + 1]) for k in places]
    owners = np.repeat(np.arange(len(places)), [len(r) for r in rows])
    scores = queries[np.concatenate(rows)] @ v_i.T
    return mean_recall(ranks(scores, owners[:, None] == np.arange(len(v_i))))
