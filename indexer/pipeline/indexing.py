"""Indexing: scan, compare, decode, encode, store; fusing follows from what is stored.

Worker processes decode, this thread encodes, and another one commits the previous batch, so neither
the encoder nor the decoders wait for a disk. Committed work is never lost: the next run continues
from there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from indexer.catalogue.lookup.contents import contents_of
from indexer.catalogue.values import FAILED, PRESENT, UNDECODED, VECTORS
from indexer.errors import LibraryError
from indexer.fusion import open_fusion
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.library.upkeep import calibrate
from indexer.pictures.decoding import Outcome
from indexer.pictures.facts import ContentFacts
from indexer.pipeline.absence import tell_away
from indexer.pipeline.decoders import decoding_pool
from indexer.pipeline.fillers import choose_fillers, note_repeated
from indexer.pipeline.folders import name_folders
from indexer.pipeline.marking import keep_captions_digest, mark
from indexer.pipeline.passing import tell_nothing_else
from indexer.pipeline.plan import FolderPlan, plan_folder
from indexer.pipeline.pruning import prune
from indexer.pipeline.reading import choose_reading, read_texts
from indexer.pipeline.reencoding import change_encoder
from indexer.pipeline.report import PICTURES_PER_BATCH, IndexOptions, IndexReport
from indexer.pipeline.storing import EncodedBatch, encode_pictures, store_captions, store_pictures
from indexer.pipeline.tagging import adopt, named_heads
from indexer.pipeline.verification import end_verification, settled, verified
from indexer.progress import Progress
from indexer.vectors.compression import compress

_MAX_SAME_SIZE = 1000  # known contents of one size that a decoder is given to compare with


def indexing(
    library: Library, *folders: str | Path, options: IndexOptions | None = None
) -> IndexSteps:
    """A run that brings folders of a library up to date (none named: all its folders).

    Loop over it to do the work. New folders are added. The loop raises `InputError` for a folder
    that does not exist and `CaptionFileError` for a named caption file that cannot be used; a
    picture that cannot be read becomes a `Failure` in the report.
    """
    return IndexSteps(library, folders, options or IndexOptions())


def index_folder(
    library: Library, *folders: str | Path, options: IndexOptions | None = None
) -> IndexReport:
    """Bring folders of a library up to date (none named: all its folders); returns the report.

    It is the loop over `indexing`, and raises the same errors.
    """
    run = indexing(library, *folders, options=options)
    for _ in run:
        pass
    return run.report


class IndexSteps(Iterator[Progress]):
    """A run of indexing: yields `Progress` after each batch; a context manager.

    `report` grows with each step and is complete at the end. Nothing is done before the first
    step. Closing the run, or an interrupt, ends it between two batches: committed batches stay,
    and the report covers them. If you leave the loop early, close the run: until
    then, no other process can change the library.
    """

    def __init__(
        self, library: Library, folders: Sequence[str | Path], options: IndexOptions
    ) -> None:
        self.report = IndexReport()
        self._steps = _timed(library, folders, options, self.report)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __next__(self) -> Progress:
        return next(self._steps)

    def close(self) -> None:
        """End the run, if it is not over: what was committed stays."""
        self._steps.close()


def _timed(
    library: Library, folders: Sequence[str | Path], options: IndexOptions, report: IndexReport
) -> Generator[Progress, None, None]:
    """Do the work as the only writer; the report says how long it took and whether it ended."""
    start = time.monotonic()
    try:
        is_first_run = library.catalogue.setting(VECTORS) is None  # another one may be at it
        with only_writer(library.path, patient=is_first_run):
            yield from _run(library, folders, options, report)
    except (KeyboardInterrupt, GeneratorExit):
        report.interrupted = True
        raise
    finally:
        report.elapsed_ms = round(1000 * (time.monotonic() - start), 1)


def _run(
    library: Library, folders: Sequence[str | Path], options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    settings = library.settings
    if options.model is None:  # otherwise `change_encoder` checks the heads
        named_heads(options.tags or (), settings.fingerprint, settings.encoder)
    try:
        _check_weight(library, options)
        if options.model is not None:
            yield from change_encoder(library, options, report)
        if options.fusion is not None:
            library.set_fusion(options.fusion)
        if options.weight not in (None, library.settings.weight):
            library.set_weight(options.weight)
        choose_reading(library, options.text)
        choose_fillers(library, options.fillers)
        if options.tags is not None:
            adopt(library, options.tags)
        known = name_folders(library, folders, options)
        tell_away(library.catalogue, known, report)
        done = verified(library.path) if options.verify else ()
        plans = [plan_folder(library, f, options, report, done) for f in known]
        report.unmatched += _unmatched(options.exclude, [plan.matched for plan in plans])
        brought = [plan.brought_back for plan in plans]
        report.unmatched_includes += _unmatched(options.include, brought)
        yield from _carry_out(library, plans, options, report)
        if options.verify:
            end_verification(library.path)
    except (KeyboardInterrupt, GeneratorExit):
        with suppress(LibraryError):
            library.save_vectors()
        raise
    library.save_vectors()
    yield from compress(library)
    yield from calibrate(library)
    yield from read_texts(library, [plan.folder.id for plan in plans], options, report)


def _unmatched(patterns: Sequence[str], places: Sequence[Collection[int]]) -> list[str]:
    """The patterns given for this run that did nothing in any of its folders."""
    given = [pattern for pattern in patterns if pattern]
    matched = {place for each in places for place in each}
    return [pattern for place, pattern in enumerate(given) if place not in matched]


def _check_weight(library: Library, options: IndexOptions) -> None:
    """Raise `InputError` for a weight that the fusion cannot serve, before anything changes."""
    if options.weight is not None:
        fusion = open_fusion(options.fusion) if options.fusion else library.fusion
        fusion.check_weight(options.weight)


def _carry_out(
    library: Library, plans: Sequence[FolderPlan], options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    total = sum(len(plan.decode) + len(plan.recaption) for plan in plans)
    done = 0
    yield Progress(done, total)
    for plan in plans:
        mark(library, plan, report)
    before = _replaced_contents(library, plans)
    for plan in plans:
        for count in _index_plan(library, plan, before, options, report):
            done += count
            yield Progress(done, total)
    if moved := library.catalogue.moved():  # after all folders: one may move between two
        with library.writing() as batch:
            batch.pictures.forget(moved)
    _tell_undecoded(library, plans, report)
    for plan in plans:
        keep_captions_digest(library, plan, stored=True)
    if options.prune:
        report.pruned += prune(library, [plan.folder for plan in plans], report)
    anew = total + report.added + report.removed + report.pruned > 0
    note_repeated(library, report, anew=anew)


def _tell_undecoded(library: Library, plans: Sequence[FolderPlan], report: IndexReport) -> None:
    """Note the folders without an indexed picture, because no decoder is installed."""
    for plan in plans if report.undecoded else ():
        states = library.catalogue.states_in(plan.folder.id)
        if states[UNDECODED] and not (states[PRESENT] or states[FAILED]):
            tell_nothing_else(plan.folder.path, report)


def _index_plan(
    library: Library,
    plan: FolderPlan,
    before: Mapping[bytes, ContentFacts],
    options: IndexOptions,
    report: IndexReport,
) -> Iterator[int]:
    """Index one folder; yields the number of pictures in each batch."""
    if plan.decode:
        yield from _index_pictures(library, plan, before, options, report)
    todo = list(plan.recaption.items())
    for start in range(0, len(todo), 8 * PICTURES_PER_BATCH):
        part = todo[start : start + 8 * PICTURES_PER_BATCH]
        store_captions(library, part, report)
        yield len(part)


def _index_pictures(
    library: Library,
    plan: FolderPlan,
    before: Mapping[bytes, ContentFacts],
    options: IndexOptions,
    report: IndexReport,
) -> Iterator[int]:
    """Decode, encode and store; a batch is encoded while the previous one is stored."""
    pictures = {picture.relative: picture for picture in plan.decode}
    items = ((relative, plan.full(relative)) for relative in pictures)
    known = {} if options.limits_given else _known_contents(library, plan)
    waiting: _Waiting | None = None
    with (
        decoding_pool(library.encoder.transform, library.thumbnails, options) as pool,
        closing(pool.decode_all(items, known)) as outcomes,
        ThreadPoolExecutor(1, "storing") as storing,  # on any exit, it finishes its batch
    ):
        while batch := list(islice(outcomes, PICTURES_PER_BATCH)):
            pairs = [(pictures[_name(o)], o) for o in batch]
            if options.verify:
                pairs = settled(library.path, plan, pairs, report)
                yield len(batch) - len(pairs)
            if not pairs:
                continue
            ahead = waiting.batch if waiting else None
            encoded = encode_pictures(library, plan, pairs, before, ahead)
            if waiting is not None:
                yield waiting.settled()
            task = storing.submit(store_pictures, library, plan, encoded, report)
            waiting = _Waiting(encoded, task)
        if waiting is not None:
            yield waiting.settled()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A batch that is being stored."""

    batch: EncodedBatch
    task: Future[None]

    def settled(self) -> int:
        """Wait until it is committed; the number of its pictures. Raises the error of storing."""
        self.task.result()
        return len(self.batch.outcomes)


def _replaced_contents(library: Library, plans: Sequence[FolderPlan]) -> dict[bytes, ContentFacts]:
    """Facts of the former contents of changed pictures: another picture may have them now."""
    changed = (plan.known.get(found.relative) for plan in plans for found in plan.decode)
    hashes = {picture.content_hash for picture in changed if picture is not None}
    return contents_of(library.catalogue, (content for content in hashes if content is not None))


def _known_contents(library: Library, plan: FolderPlan) -> dict[Hashable, frozenset[bytes]]:
    """Known contents of the same size, for each picture to decode: it may be a copy of one."""
    sizes = {picture.size for picture in plan.decode}
    known = library.embeddings.contents_of_sizes(library.encoder_id, sizes)
    sent = {size: contents for size, contents in known.items() if len(contents) <= _MAX_SAME_SIZE}
    return {p.relative: sent[p.size] for p in plan.decode if p.size in sent}


def _name(outcome: Outcome) -> bytes:
    assert isinstance(outcome.key, bytes)
    return outcome.key
