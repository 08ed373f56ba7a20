"""Work on the machines of a cluster: a task that lists sources, actors that encode pieces.

Rows between them are pickled values: pieces, and news for the head, which pass an actor unchanged.
"""

from __future__ import annotations

import os
import pickle
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from indexer.cluster.cores import take_cores
from indexer.cluster.encoding import PieceEncoder
from indexer.cluster.listing import Listing
from indexer.cluster.pieces import Piece
from indexer.cluster.places import Place, reason_of_storage
from indexer.cluster.report import EncodeOptions
from indexer.cluster.sources import Source
from indexer.cluster.told import SHOWN_FAILURES, Done, Told, Trouble
from indexer.encoders import Encoder, load_encoder
from indexer.errors import EncoderMismatch, InputError, PicfuseError
from indexer.locations import cache_directory
from indexer.pictures.limits import MAX_PIXELS, MEMORY_LIMIT, TIME_LIMIT
from indexer.pictures.pool import DecodingPool
from indexer.shards.record import PictureRecord
from indexer.shards.store import Store

VALUE, SOURCE = "value", "source"  # columns of the rows
Batch: TypeAlias = dict[str, Any]


def rows(values: Sequence[object]) -> Batch:
    """Values as a batch of rows."""
    return {VALUE: np.array([pickle.dumps(value) for value in values], dtype=object)}


def values(batch: Batch) -> list[Any]:
    """The values in a batch of rows."""
    return [pickle.loads(value) for value in batch[VALUE]]


class Tally:
    """Counts pictures while shards are under way, for whoever shows progress."""

    def __init__(self) -> None:
        self._listed = self._done = 0

    def add(self, *, listed: int = 0, done: int = 0) -> None:
        """Count pictures that were listed, and pictures that were encoded."""
        self._listed += listed
        self._done += done

    def counts(self) -> tuple[int, int]:
        """The pictures that are encoded, and all that were listed."""
        return self._done, self._listed


def list_sources(
    batch: Batch, sources: Sequence[Source], listing: Listing, tally: Any
) -> Iterator[Batch]:
    """Yield the pieces of the sources of a batch, and news of them, one row at a time."""
    for number in batch[SOURCE]:
        for value in listing.of(sources[number], lambda count: tally.add.remote(done=count)):
            yield rows([value])


@dataclass(frozen=True, slots=True)
class Task:
    """Facts that every actor is told: where the store is, and the encoder of its rows."""

    store: str
    fingerprint: str
    cores: int
    actors: int
    options: EncodeOptions


def count_source(source: Source, output: Place, tally: Any) -> None:
    """Count the pictures of a source for whoever shows progress."""
    with suppress(OSError, InputError):  # the listing reports them
        for count in source.count(output):
            tally.add.remote(listed=count)


class Actor:
    """Encodes pieces and writes each as a shard; one that cannot be written is told, not raised."""

    def __init__(self, task: Task, tally: Any) -> None:
        take_cores(task.cores)
        self._task = task
        self._tally = tally

    def __call__(self, batch: Batch) -> Batch:
        """Turn the pieces of a batch into news; other values pass."""
        return rows([self._done(v) if isinstance(v, Piece) else v for v in values(batch)])

    def _done(self, piece: Piece) -> Done:
        try:
            return self._written(piece)
        except OSError as error:
            return Done(piece.name, error=InputError(reason_of_storage(error)))
        except PicfuseError as error:
            return Done(piece.name, error=error)

    def _written(self, piece: Piece) -> Done:
        told = Told(piece.name)
        records = []
        for batch in self._pieces.records(piece.content, told):
            records += batch
            self._tally.add.remote(done=len(batch))
        records.sort(key=lambda record: (record.folder, record.relative))
        self._store.write_shard(piece.name, records)
        failed = [record for record in records if record.v_i is None]
        named = (Trouble(_place(each), each.reason or "") for each in failed[:SHOWN_FAILURES])
        return Done(piece.name, len(records), len(failed), tuple(named), tuple(told.problems))

    @cached_property
    def _store(self) -> Store:
        return Store.open(self._task.store, unfinished=True)

    @cached_property
    def _pieces(self) -> PieceEncoder:
        options, encoder = self._task.options, self._encoder
        pool = DecodingPool(
            encoder.transform,
            None,
            workers=self._task.cores,
            time_limit=options.time_limit or TIME_LIMIT,
            memory_limit=options.memory_limit or MEMORY_LIMIT,
            max_pixels=options.max_pixels or MAX_PIXELS,
            for_thumbnails=True,
        )
        return PieceEncoder(encoder, pool)

    @cached_property
    def _encoder(self) -> Encoder:
        options = self._task.options
        encoder = load_encoder(options.model, cache=cache_directory(), offline=options.offline)
        if encoder.fingerprint != self._task.fingerprint:
            raise EncoderMismatch(
                f"{options.model}: this machine has another model of this name than the head "
                "(install the same version of picfuse, and the same files, on all of them)"
            )
        return encoder


def _place(record: PictureRecord) -> str:
    return os.fsdecode(posixpath.join(record.folder, record.relative))
