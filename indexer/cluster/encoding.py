"""The pictures of a piece, decoded and encoded as indexing does, as records for a shard."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from indexer.captions import Caption
from indexer.catalogue.values import LATEST, state_of
from indexer.cluster.pieces import Content
from indexer.cluster.told import Told
from indexer.cluster.wanted import Fetching, Wanted, wanted_of
from indexer.encoders import Encoder
from indexer.encoders.parts import encode_with_parts
from indexer.metadata.fields import VERSION
from indexer.pictures.decoding import Decoded, DecodeFailure
from indexer.pictures.pool import DecodingPool
from indexer.pipeline.facts import all_facts
from indexer.pipeline.report import PICTURES_PER_BATCH
from indexer.shards.record import CaptionRecord, FactRecord, PictureRecord, Row

Pair: TypeAlias = tuple[Wanted, Decoded | DecodeFailure]


class PieceEncoder:
    """Encodes pieces, one after the other, with the same encoder and the same workers."""

    def __init__(self, encoder: Encoder, pool: DecodingPool) -> None:
        self._encoder = encoder
        self._pool = pool

    def records(self, content: Content, told: Told) -> Iterator[list[PictureRecord]]:
        """The records of a piece's pictures in batches, in any order.

        `told` takes the files beside them that could not be read. Raises OSError and `InputError`
        for a piece of which nothing can be read.
        """
        with TemporaryDirectory(prefix="picfuse-") as folder:
            scratch = Path(folder)
            wanted = wanted_of(content, scratch, told)
            with (
                closing(Fetching(scratch)) as fetching,
                closing(self._pairs(fetching, wanted)) as pairs,
            ):
                while batch := list(islice(pairs, PICTURES_PER_BATCH)):
                    yield self._encoded(batch)

    def _pairs(self, fetching: Fetching, wanted: Iterator[Wanted]) -> Generator[Pair, None, None]:
        with closing(self._pool.decode_all(fetching.paths(wanted))) as outcomes:
            for outcome in outcomes:
                assert isinstance(outcome.key, int)
                assert isinstance(outcome, Decoded | DecodeFailure)  # nothing is known before
                yield fetching.taken(outcome.key), outcome
        for number, reason in fetching.failed:
            yield fetching.taken(number), DecodeFailure(number, None, reason)

    def _encoded(self, batch: Sequence[Pair]) -> list[PictureRecord]:
        v_i, v_t = self._images(batch), self._texts(batch)
        return [
            _record(wanted, outcome, v_i.get(place), v_t)
            for place, (wanted, outcome) in enumerate(batch)
        ]

    def _images(self, batch: Sequence[Pair]) -> dict[int, Row]:
        """The embeddings of the pictures that could be decoded, by their place in the batch."""
        decoded = {n: o for n, (_, o) in enumerate(batch) if isinstance(o, Decoded)}
        if not decoded:
            return {}
        pixels = np.stack([each.pixels for each in decoded.values()])
        parts = [each.parts for each in decoded.values()]
        rows = encode_with_parts(self._encoder, pixels, parts).astype(np.float16)
        return dict(zip(decoded, rows, strict=True))

    def _texts(self, batch: Sequence[Pair]) -> dict[str, Row]:
        """The embeddings of all captions."""
        texts = dict.fromkeys(
            c.text for pair in batch for captions in _said(*pair) for c in captions
        )
        rows = self._encoder.encode_texts(list(texts)).astype(np.float16)
        return dict(zip(texts, rows, strict=True))


def _said(
    wanted: Wanted, outcome: Decoded | DecodeFailure
) -> tuple[Sequence[Caption], Sequence[Caption]]:
    """The captions beside a picture, and those that it carries; none if it could not be read."""
    if outcome.content.reason is not None:
        return (), ()
    return wanted.captions, outcome.content.captions


def _record(
    wanted: Wanted,
    outcome: Decoded | DecodeFailure,
    v_i: Row | None,
    v_t: Mapping[str, Row],
) -> PictureRecord:
    asked, content = wanted.asked, outcome.content
    columns = content.columns
    facts: tuple[FactRecord, ...] = ()
    beside, carried = _said(wanted, outcome)
    if content.reason is None:
        folder = Path(os.fsdecode(asked.folder))
        values, origins = all_facts(folder, asked.relative, content.metadata, wanted.facts)
        columns |= values.columns
        facts = tuple(
            FactRecord(fact.field, fact.value, fact.source, origin)
            for origin, own in origins.items()
            for fact in own
        )
    captions = (*_captions(beside, v_t, embedded=False), *_captions(carried, v_t, embedded=True))
    return PictureRecord(
        folder=asked.folder,
        relative=asked.relative,
        size=asked.size,
        mtime_ns=min(asked.mtime_ns, LATEST),
        content_hash=outcome.content_hash,
        metadata_version=VERSION,
        state=state_of(content.reason),
        captions=captions,
        facts=facts,
        v_i=v_i,
        **columns,
    )


def _captions(
    captions: Iterable[Caption], v_t: Mapping[str, Row], *, embedded: bool
) -> Iterator[CaptionRecord]:
    for each in captions:
        yield CaptionRecord(each.text, each.source, embedded, v_t[each.text])
