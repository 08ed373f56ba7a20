"""Pictures made as uncertain as new ones are.

An encoder knows the pictures that it was trained on too well: their captions find them more often
than they will find any other picture. A fusion trained on them would trust pictures too much. So
their embeddings are moved in training, by as much as makes them as hard to find as pictures are
that the encoder never saw; by nothing, where the encoder saw neither.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from indexer.datasets.pairs import CaptionedRows
from indexer.embedding import Ints, Rows
from indexer.metrics.recall import mean_recall, ranks

STEPS = 10  # of the bisection
STRONGEST = 4.0
DRAWS = 3  # corrupted samples that are looked at in each step


def corrupted(v_i: Tensor, pool: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Each row moved `strength` towards the direction between two random rows of the pool.

    Unit rows (n, dim); such directions lie where pictures differ, unlike those of white noise.
    """
    if not strength:
        return v_i
    one, other = (
        pool[torch.randint(len(pool), (len(v_i),), generator=generator)] for _ in range(2)
    )
    return functional.normalize(v_i + strength * functional.normalize(one - other, dim=1), dim=1)


def fitting_strength(
    train: CaptionedRows, held_out: CaptionedRows, asked: tuple[Rows, Rows], seed: int
) -> float:
    """The strength by which captions find training pictures as often as held-out ones.

    `asked`: what the captions of both ask with. Each time as many training pictures are looked
    at as are held out, since recall depends on their number.
    """
    generator = torch.Generator().manual_seed(seed)
    target = recall_alone(held_out.v_i, held_out, asked[1], np.arange(len(held_out.v_i)))
    pool = torch.from_numpy(train.v_i)

    def recall(strength: float) -> float:
        found = []
        for _ in range(DRAWS):
            order = torch.randperm(len(pool), generator=generator)[: len(held_out.v_i)]
            v_i = corrupted(pool[order], pool, strength, generator).numpy()
            found.append(recall_alone(v_i, train, asked[0], order.numpy()))
        return float(np.mean(found))

    low, high = 0.0, STRONGEST
    if recall(low) <= target:
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if recall(middle) > target else (low, middle)
    return low


def recall_alone(v_i: Rows, data: CaptionedRows, queries: Rows, chosen: Ints) -> float:
    """Mean recall of the pictures `chosen` of a data set by all of their captions, by `v_i`."""
    rows = [np.arange(data.starts[k], data.starts[k + 1]) for k in chosen]
    owners = np.repeat(np.arange(len(chosen)), [len(r) for r in rows])
    scores = queries[np.concatenate(rows)] @ v_i.T
    return mean_recall(ranks(scores, owners[:, None] == np.arange(len(v_i))))
