"""Checks of the catalogue: is the file whole, and are its rows complete?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from indexer.catalogue.changes.batch import Batch
from indexer.doctor.finding import Finding, some
from indexer.errors import LibraryDamaged
from indexer.library.library import Library
from indexer.pipeline.reencoding import unfinished_move
from indexer.progress import Progress

_LENGTH_TOLERANCE = 0.02  # of a unit row in float16
_INDEX_MESSAGES = ("missing from index", "wrong # of entries in index", "non-unique entry in index")


def integrity(library: Library) -> Iterator[Finding | Progress]:
    """SQLite's own check of every page and index."""
    try:
        complaints = library.catalogue.integrity()
    except LibraryDamaged as error:
        complaints = [str(error)]
    if not complaints:
        return
    in_indexes = all(any(part in line for part in _INDEX_MESSAGES) for line in complaints)
    yield Finding(
        "catalogue",
        len(complaints),
        "the catalogue's search trees are damaged, but its rows are whole"
        if in_indexes
        else "pages of the catalogue are damaged, so some of its data is lost",
        "the trees are rebuilt from the rows"
        if in_indexes
        else "run 'picfuse doctor --rescue' to copy what can be read into a new catalogue, or "
        "restore the library from a backup",
        examples=some(complaints),
        mend=Batch.rebuild_search_trees if in_indexes else None,
    )


def references(library: Library) -> Iterator[Finding | Progress]:
    """Pictures without a folder, captions without a picture, embeddings without an encoder."""
    orphans = library.catalogue.orphans()
    if orphans:
        yield Finding(
            "references",
            len(orphans),
            "rows belong to pictures, folders or encoders that no longer exist",
            "they are deleted",
            examples=some([f"{table} {row}" for table, row in orphans]),
            mend=lambda batch: batch.delete_rows(orphans),
        )


def pictures_without_embedding(library: Library) -> Iterator[Finding | Progress]:
    """Present pictures that no search can find."""
    encoder_id = library.encoder_id
    lost = library.embeddings.pictures_without(encoder_id)
    lost = [(content, file) for content, file in lost if not file.waits]
    if lost:
        yield Finding(
            "pictures",
            len(lost),
            "pictures have no embedding, so no search finds them",
            "the next 'picfuse index' reads them again",
            examples=some([os.fsdecode(file.path) for _, file in lost]),
            mend=lambda batch: batch.pictures.recheck_unembedded(encoder_id),
        )


def captions_without_embedding(library: Library) -> Iterator[Finding | Progress]:
    """Captions that no search can find."""
    lost = library.embeddings.captions_without(library.encoder_id)
    if lost:
        yield Finding(
            "captions",
            len(lost),
            "captions have no embedding, so no search finds their pictures by them",
            "the next 'picfuse index' encodes them",
            examples=some([text for _, text in lost]),
            mend=lambda batch: batch.pictures.recheck(sorted({key for key, _ in lost})),
        )


def malformed_embeddings(library: Library) -> Iterator[Finding | Progress]:
    """Embeddings that are not unit rows of the encoder's width."""
    dim, bad, done = library.settings.dim, [], 0
    total = library.embeddings.count(library.encoder_id)
    for part in library.embeddings.raw(library.encoder_id):
        bad += [key for key, vector in part if not _is_unit_row(vector, dim)]
        done += len(part)
        yield Progress(done, total)
    if bad:
        yield Finding(
            "embeddings",
            len(bad),
            "embeddings are malformed, so their pictures rank wrongly",
            "they are deleted, and the next 'picfuse index' encodes their pictures again",
            mend=partial(_delete_embeddings, keys=bad, encoder_id=library.encoder_id),
        )


def _is_unit_row(vector: bytes, dim: int) -> bool:
    if len(vector) != 2 * dim:
        return False
    row = np.frombuffer(vector, dtype="<f2").astype(np.float32)
    return bool(
        abs(float(np.linalg.norm(row)) - 1) < _LENGTH_TOLERANCE
    )  # false for not-a-number too


def _delete_embeddings(batch: Batch, *, keys: list[int], encoder_id: int) -> None:
    batch.delete_rows([("embeddings", key) for key in keys])
    batch.pictures.recheck_unembedded(encoder_id)


def unused_embeddings(library: Library) -> Iterator[Finding | Progress]:
    """Embeddings, readings and comparisons of contents and texts that no picture has any more."""
    kinds: tuple[tuple[int, str, Callable[[Batch], None]], ...] = (
        (
            library.embeddings.unused(),
            "embeddings are of pictures and captions that have changed",
            lambda batch: batch.embeddings.forget_unused(),
        ),
        (
            library.readings.unused(),
            "texts were read in pictures that have changed or gone",
            lambda batch: batch.readings.forget_unused(),
        ),
        (
            library.comparisons.unused(),
            "comparisons are of pictures that have changed or gone",
            lambda batch: batch.comparisons.forget_unused(),
        ),
    )
    for count, what, mend in kinds:
        if count:
            what = f"{what}; they only take up space"
            yield Finding("unused", count, what, "they are deleted", serious=False, mend=mend)


def waiting(library: Library) -> Iterator[Finding | Progress]:
    """Pictures that the next run of indexing has to check."""
    files = [file for _, file in library.embeddings.pictures_without(None) if file.waits]
    if files:
        yield Finding(
            "waiting",
            len(files),
            "pictures are waiting to be read again",
            "run 'picfuse index'",
            serious=False,
            examples=some([os.fsdecode(file.path) for file in files]),
        )


def unfinished(library: Library) -> Iterator[Finding | Progress]:
    """A move to another encoder that was interrupted."""
    move = unfinished_move(library)
    if move is not None:
        yield Finding(
            "move",
            move.total - move.done,
            f"the move to {move.encoder!r} is not finished ({move.done} of {move.total} pictures); "
            "until it is, searches use the old encoder",
            f"run 'picfuse index --model {move.encoder}' to continue",
            serious=False,
        )
