"""Indexing: scan, compare, decode, encode, store; fusing follows from what is stored.

Worker processes decode while this one encodes and commits batch by batch, so that what is
committed is never lost and the next run goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from indexer.batch import Batch, PictureFacts
from indexer.captions import Caption
from indexer.decoded import Decoded, DecodeFailure, Outcome
from indexer.decoding import DecodingPool
from indexer.encoders import IMAGE, TEXT, Rows
from indexer.errors import LibraryError, PictureError
from indexer.folders import name_folders
from indexer.images import MAX_PIXELS, FoundPicture, hash_bytes, read_picture
from indexer.library import Library
from indexer.plan import FolderPlan, plan_folder
from indexer.report import IndexOptions, IndexReport, Progress
from indexer.schema import MISSING, text_hash

BATCH = 32  # pictures a transaction: the work that a pulled plug can cost
_NO_PIXELS = np.zeros((0, 1, 1, 3), np.uint8)


def index_folder(
    library: Library, *folders: str | Path, options: IndexOptions | None = None
) -> IndexReport:
    """Bring folders of a library up to date (none named: all that it knows); returns the report.

    Adds folders that are new. Raises `InputError` for a folder that is not there and
    `CaptionFileError` for a named caption file that cannot be used; a picture that cannot be
    read is a `Failure` in the report.
    """
    report = IndexReport()
    for _ in index_progress(library, folders, options or IndexOptions(), report):
        pass
    return report


def index_progress(
    library: Library,
    folders: Sequence[str | Path],
    options: IndexOptions,
    report: IndexReport,
) -> Generator[Progress, None, None]:
    """Do what `index_folder` does, yield `Progress` after each batch, and fill `report`.

    Closing the generator (or an interrupt) ends it between two batches; nothing committed is
    lost, and `report` says what was done until then.
    """
    start = time.monotonic()
    try:
        chosen = name_folders(library, folders, options)
        plans = [plan_folder(library.catalogue, f, library.path, options, report) for f in chosen]
        yield from _carry_out(library, plans, options, report)
        library.save_vectors()
    except (KeyboardInterrupt, GeneratorExit):
        report.interrupted = True
        with suppress(LibraryError):
            library.save_vectors()
        raise
    finally:
        report.elapsed_ms = round(1000 * (time.monotonic() - start), 1)


def _carry_out(
    library: Library, plans: Sequence[FolderPlan], options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    total = sum(len(plan.decode) + len(plan.recaption) for plan in plans)
    done = 0
    yield Progress(done, total)
    for plan in plans:
        for count in _index_plan(library, plan, options, report):
            done += count
            yield Progress(done, total)
    if library.catalogue.counts().get(MISSING) and any(p.gone or p.decode for p in plans):
        with library.writing() as batch:  # after all folders: a picture may move between two
            batch.forget_moved()


def _index_plan(
    library: Library, plan: FolderPlan, options: IndexOptions, report: IndexReport
) -> Iterator[int]:
    """Index one folder; yields the number of pictures of each batch."""
    found = {picture.relative: picture for picture in plan.decode}
    items = ((relative, plan.full(relative)) for relative in found)
    if found:
        with _pool(library, options) as pool, closing(pool.decode_all(items)) as outcomes:
            while batch := list(islice(outcomes, BATCH)):
                _store(library, plan, [(found[_name(o)], o) for o in batch], report)
                yield len(batch)
    todo = list(plan.recaption.items())
    for start in range(0, len(todo), 8 * BATCH):
        part = todo[start : start + 8 * BATCH]
        _recaption(library, part, report)
        yield len(part)
    if plan.gone or plan.returned:
        with library.writing() as batch_:
            batch_.mark_missing(plan.gone)
            batch_.mark_present(plan.returned)
    report.removed += len(plan.gone)
    report.added += len(set(plan.returned) - set(plan.recaption))


def _pool(library: Library, options: IndexOptions) -> DecodingPool:
    return DecodingPool(
        library.encoder.transform,
        library.thumbnails,
        workers=options.workers,
        time_limit=options.time_limit,
        max_pixels=options.max_pixels or MAX_PIXELS,
    )


def _name(outcome: Outcome) -> bytes:
    assert isinstance(outcome.key, bytes)
    return outcome.key


def _store(
    library: Library,
    plan: FolderPlan,
    outcomes: Sequence[tuple[FoundPicture, Outcome]],
    report: IndexReport,
) -> None:
    """Encode what is new in a batch and commit everything about it in one transaction."""
    decoded = [outcome for _, outcome in outcomes if isinstance(outcome, Decoded)]
    captions = [c for d in decoded for c in (*plan.captions.get(_name(d), ()), *d.captions)]
    images = _encoded_images(library, decoded)
    texts = _encoded_texts(library, captions)
    with library.writing() as batch:
        batch.put_embeddings(library.encoder_id, IMAGE, *images)
        batch.put_embeddings(library.encoder_id, TEXT, *texts)
        for found, outcome in outcomes:
            _store_picture(batch, plan, found, outcome)
    for found, outcome in outcomes:
        if isinstance(outcome, DecodeFailure):
            report.fail(plan.full(found.relative), outcome.reason)
        elif found.relative in plan.known:
            report.changed += 1
        else:
            report.added += 1


def _store_picture(batch: Batch, plan: FolderPlan, found: FoundPicture, outcome: Outcome) -> None:
    facts = PictureFacts(found.relative, found.size, found.mtime_ns, outcome.content_hash)
    if isinstance(outcome, DecodeFailure):
        facts = replace(facts, content_hash=outcome.content_hash or _readable(plan, found))
        reason = outcome.reason.encode("utf-8", "backslashreplace").decode()  # it may hold a name
        batch.put_picture(plan.folder.id, replace(facts, reason=reason))
        return
    facts = replace(
        facts,
        width=outcome.width,
        height=outcome.height,
        format=outcome.format,
        taken=outcome.taken,
    )
    key = batch.put_picture(plan.folder.id, facts)
    batch.put_captions(key, plan.captions.get(found.relative, ()), embedded=False)
    batch.put_captions(key, outcome.captions, embedded=True)


def _readable(plan: FolderPlan, found: FoundPicture) -> bytes | None:
    """The hash of a file that no decoder survived; None when the file cannot even be read."""
    with suppress(PictureError):
        return hash_bytes(read_picture(plan.full(found.relative)))
    return None


def _recaption(
    library: Library, todo: Sequence[tuple[int, tuple[Caption, ...]]], report: IndexReport
) -> None:
    """Store the new captions of pictures that are themselves unchanged."""
    texts = _encoded_texts(library, [caption for _, captions in todo for caption in captions])
    with library.writing() as batch:
        batch.put_embeddings(library.encoder_id, TEXT, *texts)
        for key, captions in todo:
            batch.put_captions(key, captions, embedded=False)
        batch.touch([key for key, _ in todo])
    report.changed += len(todo)


def _encoded_images(library: Library, decoded: Sequence[Decoded]) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the pictures whose content has none yet."""
    pixels = {d.content_hash: d.pixels for d in decoded}
    stored = library.catalogue.stored(library.encoder_id, IMAGE, pixels)
    new = [key for key in pixels if key not in stored]
    images = np.stack([pixels[key] for key in new]) if new else _NO_PIXELS
    return new, library.encoder.encode_images(images)


def _encoded_texts(library: Library, captions: Sequence[Caption]) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the captions whose text has none yet."""
    texts = {text_hash(caption.text): caption.text for caption in captions}
    stored = library.catalogue.stored(library.encoder_id, TEXT, texts)
    new = [key for key in texts if key not in stored]
    return new, library.encoder.encode_texts([texts[key] for key in new])
