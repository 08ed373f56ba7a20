"""The pictures of a piece, decoded and encoded as indexing does, as records for a shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from indexer.catalogue.values import text_hash
from indexer.cluster.pieces import Content
from indexer.cluster.told import Told
from indexer.cluster.wanted import Fetching, Wanted, wanted_of
from indexer.embedding import Rows
from indexer.encoders import Encoder
from indexer.encoders.parts import encode_with_parts
from indexer.pictures.decoding import Decoded, DecodeFailure, Outcome
from indexer.pictures.pool import DecodingPool
from indexer.pipeline.report import PICTURES_PER_BATCH
from indexer.shards.record import PictureRecord

Batch: TypeAlias = Sequence[tuple[Wanted, Outcome]]


class PieceEncoder:
    """Encodes pieces, one after the other, with the same encoder and the same workers."""

    def __init__(self, encoder: Encoder, pool: DecodingPool) -> None:
        self._encoder = encoder
        self._pool = pool

    def records(self, content: Content, told: Told) -> Iterator[list[PictureRecord]]:
        """The records of a piece's pictures in batches, in any order. Raises OSError."""
        with TemporaryDirectory(prefix="picfuse-") as folder:
            fetching = Fetching(Path(folder))
            with closing(fetching):
                outcomes = self._outcomes(fetching, wanted_of(content, Path(folder), told))
                with closing(outcomes):
                    while batch := list(islice(outcomes, PICTURES_PER_BATCH)):
                        yield self._encoded(batch)

    def _outcomes(
        self, fetching: Fetching, wanted: Iterator[Wanted]
    ) -> Iterator[tuple[Wanted, Outcome]]:
        with closing(self._pool.decode_all(fetching.paths(wanted))) as outcomes:
            for outcome in outcomes:
                assert isinstance(outcome.key, int)
                yield fetching.taken(outcome.key), outcome
        for number, reason in fetching.failed:
            yield fetching.taken(number), DecodeFailure(number, None, reason)

    def _encoded(self, batch: Batch) -> list[PictureRecord]:
        decoded = [outcome for _, outcome in batch if isinstance(outcome, Decoded)]
        images = self._images(decoded)
'''
