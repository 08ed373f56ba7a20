"""Does the encoder still give the same embeddings? It may change with a package or a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from indexer.catalogue.lookup.embeddings import StoredFile
from indexer.catalogue.values import unpack
from indexer.doctor.finding import Finding, some
from indexer.embedding import IMAGE, Golden, unit_rows
from indexer.encoders import Encoder
from indexer.encoders.golden import TOLERANCE, golden_of, least_cosine
from indexer.encoders.parts import encode_with_parts
from indexer.errors import EncoderMismatch, ModelError
from indexer.library.library import Library
from indexer.pictures.decoding import Decoded
from indexer.pipeline.decoders import decoding_pool
from indexer.pipeline.report import IndexOptions
from indexer.progress import Progress

SAMPLE_PICTURES = 8  # that are decoded and encoded again
_LOWEST_COSINE = 0.98  # of a picture's embedding with the stored one
_CHANGED = (
    "a package was updated, or this machine computes differently, so new pictures would not match "
    "those indexed before"
)
_REMEDY = "reinstall the earlier versions of the packages, or index the folders into a new library"


def encoder_drift(library: Library) -> Iterator[Finding | Progress]:
    """Encode the golden picture and sentence and a few pictures of the library again."""
    try:
        encoder = library.encoder
        now = golden_of(encoder)
    except (EncoderMismatch, ModelError) as error:
        yield Finding("encoder", 1, "the encoder cannot be used", str(error))
        return
    before, encoder_id = _stored(library), library.encoder_id
    if before is None:
        yield Finding(
            "encoder",
            1,
            "no output of the encoder is stored yet for comparison",
            "its present output is stored, to be compared with later",
            serious=False,
            mend=lambda batch: batch.embeddings.put_golden(encoder_id, now),
        )
    elif not (cosine := least_cosine(before, now)) >= 1 - TOLERANCE:  # true for not-a-number too
        meaning = f"the encoder gives different embeddings than at first (cosine {cosine:.4f})"
        yield Finding("encoder", 1, f"{meaning}: {_CHANGED}", _REMEDY)
    yield from _pictures(library, encoder)


def _stored(library: Library) -> Golden | None:
    row = library.catalogue.encoder(library.settings.fingerprint)
    if row is None or row.golden_image is None or row.golden_text is None:
        return None
    image, text = unit_rows(unpack([row.golden_image, row.golden_text], row.dim))
    return Golden(image, text)


def _pictures(library: Library, encoder: Encoder) -> Iterator[Finding]:
    """Compare today's embeddings of a few pictures with the stored ones."""
    present = library.embeddings.pictures_without(None)
    step = max(1, len(present) // SAMPLE_PICTURES)
    sample = [(c, file) for c, file in present[::step] if file.is_as_indexed()][:SAMPLE_PICTURES]
    other = [f"{path} (cosine {cosine:.3f})" for path, cosine in _cosines(library, encoder, sample)]
    if other:
        yield Finding(
            "encoder",
            len(other),
            f"pictures get different embeddings than at first: {_CHANGED}",
            _REMEDY,
            examples=some(other),
        )


def _cosines(
    library: Library, encoder: Encoder, sample: Sequence[tuple[bytes, StoredFile]]
) -> list[tuple[Path, float]]:
    """The pictures whose embedding has changed, and its cosine with the stored one."""
    stored = library.embeddings.of_contents(library.encoder_id, IMAGE, [c for c, _ in sample])
    width = 2 * encoder.dim  # bytes; another check finds other widths
    items = [(c, file.path) for c, file in sample if len(stored.get(c, b"")) == width]
    if not items:
        return []
    options = IndexOptions(workers=1)
    with (
        decoding_pool(encoder.transform, None, options) as pool,
        closing(pool.decode_all(items)) as outcomes,
    ):
        same = [o for o in outcomes if isinstance(o, Decoded) and o.content_hash == o.key]
    if not same:
        return []
    pixels, parts = np.stack([o.pixels for o in same]), [o.parts for o in same]
    whole, now = encoder.encode_images(pixels), encode_with_parts(encoder, pixels, parts)
    before = unit_rows(unpack([stored[o.content_hash] for o in same], encoder.dim))
    paths = dict(items)
    # A panorama may have been indexed before there were parts.
    cosines = np.maximum((now * before).sum(axis=1), (whole * before).sum(axis=1))
    return [
        (Path(paths[o.content_hash].decode("utf-8", "surrogateescape")), float(cosine))
        for o, cosine in zip(same, cosines, strict=True)
        if not cosine >= _LOWEST_COSINE
    ]
