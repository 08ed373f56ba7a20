"""Upper bound for what any fusion of the built-in model's embeddings could find beyond `mean`.

    python benchmarks/fusion_ceiling.py FLICKR8K --split train.txt

No library could search with these scorers: they see the query, the picture and the caption
together, whereas a fusion stores a picture before any query. They learn from half of the pictures
that were held out when the model was trained, and are tested on the other half, whose embeddings
are alike; each caption is indexed in turn, the others are queries.

- parts: a weight for each part of picture and caption (heads, classes, sense, hubness).
- pictures: these weights depend on how well picture and caption agree, and each picture has a bias.
- network: adds the output of a hidden layer that reads the scores of all parts, that agreement, and
  facts of the query: its best score, the spread of its five best, and its number of words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from confidence import HELD_OUT, captioned_pool
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.confidence.pool import Pool
from indexer.datasets.folder import held_out, read_split
from indexer.embedding import TEXT, centred_query
from indexer.encoders.mini.heads import BUILT_IN, read_heads
from indexer.encoders.mini.projection import means_of

KINDS = ("parts", "pictures", "network")
PARTS = 4  # heads, classes, sense, hubness
EPOCHS, BATCHES, RATE, DECAY = 6, 8, 1e-2, 1e-4
HIDDEN, SHARPNESS, BEST = 32, 20.0, 5


@dataclass(frozen=True)
class Questions:
    """Captions as queries (q), with one caption of each of n pictures indexed.

    `right` (q,): the places of their pictures. `scores` (q, n, 8): those of the parts of picture
    and caption, which add up to the score of `mean`. `queries` (q, 3) and `pictures` (n, 2) hold
    features of these.
    """

    right: NDArray[np.int64]
    scores: NDArray[np.float32]
    queries: NDArray[np.float32]
    pictures: NDArray[np.float32]


class Scorer(nn.Module):
    """Scores (q, n) of questions; before training, those of `mean`."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.sharpness = nn.Parameter(torch.tensor(np.log(SHARPNESS)))
        self.weights = nn.Parameter(torch.ones(2 * PARTS))
        self.by_picture, self.bias = nn.Linear(2, 2 * PARTS), nn.Linear(2, 1)
        layers = nn.Linear(2 * PARTS + 5, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 1)
        self.network = nn.Sequential(*layers)
        for layer in (self.by_picture, self.bias, layers[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, scores: Tensor, queries: Tensor, pictures: Tensor) -> Tensor:
        """Scores (q, n) of queries for pictures."""
        weights = self.weights
        if self.kind != "parts":
            weights = weights + self.by_picture(pictures)
        found = (scores * weights).sum(-1)
        if self.kind != "parts":
            found = found + 0.1 * self.bias(pictures)[:, 0]
        if self.kind == "network":
            wide = [rows.expand(*scores.shape[:2], -1) for rows in (queries[:, None], pictures)]
            found = found + 0.1 * self.network(torch.cat([5 * scores, *wide], -1))[..., 0]
        return self.sharpness.exp() * found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), default=Path("train.txt"))
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
def main(folder: Path, split: Path, repeat: int) -> None:
    """Learn to rank one half of the held-out pictures of FOLDER, and rank the other half."""
    pool = captioned_pool(folder, held_out(read_split(folder, split), HELD_OUT))
    click.echo(f"{len(pool)} pictures, half of them to learn from; R@1 among the other half")
    found = np.array([figures for seed in range(repeat) for figures in _halves(pool, seed)])
    mean, learned = found[:, 0].mean(), found[:, 1:].mean(axis=0)
    gains = found[:, 1:] - found[:, :1]
    for kind, figure, gain in zip(KINDS, learned, gains.T, strict=True):
        click.echo(
            f"{kind:8}  mean {mean:.1f}, learned {figure:.1f}: {gain.mean():+.1f} "
            f"({gain.min():+.1f} to {gain.max():+.1f} in {len(gain)} halves)"
        )


def _halves(pool: Pool, seed: int) -> Iterator[list[float]]:
    """R@1 of `mean` and of each kind of scorer, on each half after training on the other."""
    order = np.random.default_rng(seed).permutation(len(pool))
    halves = [list(_questions(pool.take(np.sort(half)))) for half in np.array_split(order, 2)]
    for learned_from, tested in (halves, halves[::-1]):
        mean = np.mean([_recall(questions.scores.sum(-1), questions) for questions in tested])
        yield [
            float(mean),
            *(_scorer_recall(_train_scorer(kind, learned_from, seed), tested) for kind in KINDS),
        ]


@torch.no_grad()
def _scorer_recall(scorer: Scorer, tested: list[Questions]) -> float:
    """R@1 of a scorer."""
    scores = [scorer(*_tensors(questions, slice(None))).numpy() for questions in tested]
    return float(np.mean([_recall(*pair) for pair in zip(scores, tested, strict=True)]))


def _train_scorer(kind: str, learned_from: list[Questions], seed: int) -> Scorer:
    torch.manual_seed(seed)
    draw, scorer = np.random.default_rng(seed), Scorer(kind)
    optimiser = torch.optim.AdamW(scorer.parameters(), lr=RATE, weight_decay=DECAY)
    for place in np.concatenate([draw.permutation(len(learned_from)) for _ in range(EPOCHS)]):
        questions = learned_from[place]
        for rows in np.array_split(draw.permutation(len(questions.right)), BATCHES):
            scores = scorer(*_tensors(questions, rows))
            loss = functional.cross_entropy(scores, torch.from_numpy(questions.right[rows]))
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    return scorer


def _questions(pool: Pool) -> Iterator[Questions]:
    """Yield the questions for each turn: one caption of each picture is indexed."""
    weights, _ = read_heads(BUILT_IN)
    owners = np.repeat(np.arange(len(pool)), pool.counts)
    lengths = np.array([len(text.split()) for text in pool.texts])
    ends = np.cumsum(
        [weights[name].shape[-1] for name in ("image.bias", "class.bias", "sense.bias")]
    )
    for turn in range(pool.counts.min()):
        indexed = pool.starts[:-1] + turn
        asks = np.setdiff1d(np.arange(len(owners)), indexed)
        q, v_t = centred_query(pool.v_t[asks], TEXT, means_of(weights)), pool.v_t[indexed]
        long = np.linalg.norm(pool.v_i + v_t, axis=1)
        products = [
            part @ rows.T / long
            for side in (pool.v_i, v_t)
            for part, rows in zip(np.split(q, ends, 1), np.split(side, ends, 1), strict=True)
        ]
        scores = np.stack(products, axis=-1)
        best = np.sort(scores.sum(-1), axis=1)[:, -BEST:]
        queries = np.stack([best[:, -1] - 0.5, 10 * best.std(1), lengths[asks] / 10], axis=1)
        agreement = np.stack([long - np.sqrt(2), (pool.v_i * v_t).sum(1)], axis=1)
        known = queries.astype(np.float32), agreement.astype(np.float32)
        yield Questions(owners[asks], scores.astype(np.float32), *known)


def _tensors(questions: Questions, rows: slice | NDArray[np.int64]) -> tuple[Tensor, ...]:
    found = questions.scores[rows], questions.queries[rows], questions.pictures
    return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in found)


def _recall(scores: NDArray[np.float32], questions: Questions) -> float:
    """R@1 in per cent."""
    return float(100 * (scores.argmax(axis=1) == questions.right).mean())


if __name__ == "__main__":
    main()
