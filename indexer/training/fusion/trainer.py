"""Training of a learned fusion on the stored embeddings of a library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from indexer.datasets.pairs import CaptionedRows
from indexer.embedding import Rows, unit_rows
from indexer.fusion import spread_ratio
from indexer.metrics.recall import RetrievalRanks, figures, mean_recall, ranks
from indexer.training.batches import batch_starts, shuffled_batches
from indexer.training.fusion.corruption import corrupt
from indexer.training.fusion.model import FusionModel, initial_tensors
from indexer.training.loop import Judgement, LoopSettings, Task
from indexer.training.losses import info_nce

LOOP = LoopSettings(epochs=8, patience=3, learning_rate=5e-4, weight_decay=0.1)
GAIN_QUERIES = 500  # queries from which the gain is measured


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """Settings of a fusion's training; chosen on pictures held out of Flickr8k's train split.

    `modality_dropout`: the share of training pictures that lose their caption, and the same share
    of captions that lose their picture; `most_captions`: the largest number of captions that are
    indexed with a picture.
    """

    strategy: str = "gated"
    batch: int = 1000
    temperature: float = 0.08
    label_smoothing: float = 0.05
    modality_dropout: float = 0.1
    most_captions: int = 1
    loop: LoopSettings = LOOP


@dataclass(frozen=True, slots=True)
class FusionBatch:
    """Rows (n, dim) of different pictures: query `q` should find the pair of `v_i` and `v_t`."""

    v_i: Tensor
    v_t: Tensor
    q: Tensor


class FusionTrainer:
    """Makes the task of the training loop, and the tensors of the file from its result.

    `train` and `validation` are the data; `queries` the query rows of their captions, in the same
    order; `corruption` the strength by which training pictures are moved.
    """

    def __init__(
        self,
        train: CaptionedRows,
        validation: CaptionedRows,
        queries: tuple[Rows, Rows],
        settings: FusionSettings,
        corruption: float,
    ) -> None:
        torch.manual_seed(settings.loop.seed)
        self.settings = settings
        self.corruption = corruption
        first = initial_tensors(settings.strategy, train.v_i.shape[1])
        self.model = FusionModel(settings.strategy, first, settings.temperature)
        self.train, self.validation, self.queries = train, validation, queries
        self._v_i, self._v_t = torch.from_numpy(train.v_i), torch.from_numpy(train.v_t)
        self._q = torch.from_numpy(queries[0])

    def task(self) -> Task[FusionBatch]:
        """The task of the training loop."""
        key = repr((self.settings, self.corruption, self.train.key, self.validation.key))
        steps = self._rounds * len(batch_starts(len(self._v_i), self.settings.batch))
        return Task(self.model, self.batches, steps, self.loss, self.judge, key)

    def batches(self, generator: torch.Generator) -> Iterator[FusionBatch]:
        """One epoch: every picture m times, where m is the largest number of captions of a picture.

        One of its captions is the query; one, several or none of the others are indexed with it.
        """
        for _ in range(self._rounds):
            for pictures in shuffled_batches(len(self._v_i), self.settings.batch, generator):
                yield self._batch(pictures, generator)

    def loss(self, batch: FusionBatch) -> Tensor:
        """InfoNCE between queries and fused rows."""
        rows = self.model(batch.v_i, batch.v_t)
        return info_nce(rows, batch.q, self.model.scale, self.settings.label_smoothing)

    def judge(self) -> Judgement:
        """Mean recall and figures of the validation pictures."""
        ranked = trial_ranks(self.model, self.validation, self.queries[1]).ranks
        return mean_recall(ranked), figures(ranked)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Tensors of the file: the model, mean rows with and without captions, and the gain.

        All but the model are measured on the validation pictures, which neither encoder nor fusion
        knows too well.
        """
        data = self.validation
        v_t = data.v_t[data.starts[:-1]]
        both, plain = (fuse_rows(self.model, data.v_i, t) for t in (v_t, 0 * v_t))
        centred = [rows - rows.mean(0) for rows in (both, plain)]
        queries = self.queries[1][data.starts[:-1]][:GAIN_QUERIES]
        gain = spread_ratio(centred[0] @ queries.T, centred[1] @ queries.T).mean()
        means = {"centre_captioned": both.mean(0), "centre_plain": plain.mean(0)}
        return self.model.exported() | means | {"gain": np.array([gain], np.float32)}

    @property
    def _rounds(self) -> int:
        return int(self.train.counts.max())

    def _batch(self, pictures: Tensor, generator: torch.Generator) -> FusionBatch:
        starts = torch.from_numpy(self.train.starts)[pictures]
        counts = torch.from_numpy(self.train.counts)[pictures]
        query = _random_below(counts, generator)
        indexed = torch.zeros(len(pictures), self._v_t.shape[1])
        several = 1 + _random_below(torch.full_like(counts, self.settings.most_captions), generator)
        for n in range(self.settings.most_captions):
            step = 1 + _random_below(counts - 1, generator)
            other = starts + (query + step) % counts
            indexed += torch.where((n < several)[:, None], self._v_t[other], 0)
        chance = torch.rand(len(pictures), 1, generator=generator)
        drop = self.settings.modality_dropout
        has_caption = (chance >= drop) & (counts > 1)[:, None]
        v_t = functional.normalize(indexed, dim=1) * has_caption
        v_i = corrupt(self._v_i[pictures], self._v_i, self.corruption, generator)
        v_i = v_i * ((chance < 1 - drop) | ~has_caption)
        return FusionBatch(v_i, v_t, self._q[starts + query])


def _random_below(limits: Tensor, generator: torch.Generator) -> Tensor:
    """A random whole number below each limit; 0 if the limit is 0."""
    chance = torch.rand(len(limits), generator=generator, dtype=torch.float64)
    return (chance * limits.clamp(min=0)).long()


def fuse_rows(model: FusionModel, v_i: Rows, v_t: Rows) -> Rows:
    """Fuse numpy rows."""
    with torch.no_grad():
        rows: Rows = model(torch.from_numpy(v_i), torch.from_numpy(v_t)).numpy()
    return rows


def trial_ranks(model: FusionModel | None, data: CaptionedRows, queries: Rows) -> RetrievalRanks:
    """Ranks of all queries, where each caption is indexed in turn and the others are queries.

    Without a model, the fusion is `mean`.
    """
    several = np.flatnonzero(data.counts > 1)
    v_i = data.v_i[several]
    ranked, pictures = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for indexed, others, owners in data.trials():
        v_t = data.v_t[indexed]
        rows = unit_rows(v_i + v_t) if model is None else fuse_rows(model, v_i, v_t)
        ranked.append(ranks(queries[others] @ rows.T, owners[:, None] == np.arange(len(v_i))))
        pictures.append(owners)
    return RetrievalRanks(np.concatenate(ranked), np.concatenate(pictures))
