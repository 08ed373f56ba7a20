"""Merging: libraries and stores become one library, without encoding anything.

The sources are only read. What was merged is committed in batches, so an interrupted run can be
repeated, and a finished one changes nothing when it is.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from indexer.catalogue.values import unpack
from indexer.embedding import Golden
from indexer.errors import (
    EncoderMismatch,
    InputError,
    LibraryDamaged,
    LibraryError,
    ModelError,
)
from indexer.files import whole_file
from indexer.fusion import open_fusion
from indexer.library.creation import create_with
from indexer.library.directory import is_vacant
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.library.upkeep import calibrate
from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from indexer.pipeline.fillers import note_repeated
from indexer.pipeline.report import IndexReport
from indexer.progress import Progress
from indexer.settings import DEFAULT_FUSION, LibrarySettings
from indexer.shards.adopting import Renamed, adopt_albums, adopt_folders, adopt_heads
from indexer.shards.manifest import StoreEncoder
from indexer.shards.record import PictureRecord
from indexer.shards.sources import Batches, Source, open_source
from indexer.shards.writing import Added, add_records
from indexer.vectors.compression import compress


class Problem(NamedTuple):
    """A source or a folder of the library, and why a part of it could not be used."""

    place: str
    reason: str


@dataclass(slots=True)
class SourceReport:
    """Results of merging one source; `kind` is library or store."""

    place: str
    kind: str
    pictures: Added = field(default_factory=Added)


@dataclass(slots=True)
class MergeReport:
    """Results of a merge.

    `thumbnails` counts those that were copied; `renamed` are albums and tag heads whose name was
    in use. `problems` are parts of sources that could not be read, and whatever else the user
    should know; `complete` is False if a part is missing for them.
    """

    sources: list[SourceReport] = field(default_factory=list)
    thumbnails: int = 0
    renamed: list[Renamed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    interrupted: bool = False
    elapsed_ms: float = 0.0

    @property
    def pictures(self) -> Added:
        """Numbers of pictures of all sources together."""
        return reduce(Added.and_then, (each.pictures for each in self.sources), Added())

    def problem(self, place: str | Path, error: Exception) -> None:
        """Note something that could not be done."""
        self.problems.append(Problem(str(place), str(error)))


@contextmanager
def opened_sources(places: Sequence[str], library: Path) -> Iterator[list[Source]]:
    """The sources at these places, which have one encoder.

    Raises `InputError` for a place without one and for the `library` itself, `EncoderMismatch` for
    two encoders, and all errors of opening libraries and stores.
    """
    with ExitStack() as opened:
        sources: list[Source] = []
        for place in dict.fromkeys(places):
            source = open_source(place)
            opened.callback(source.close)
            if source.place == str(library):
                raise InputError(f"{place}: this is the library itself; name another one")
            sources.append(source)
            _check_encoder(source, sources[0].place, sources[0].encoder)
        yield sources


def _check_encoder(source: Source, place: str, other: StoreEncoder) -> None:
    own = source.encoder
    if own.fingerprint != other.fingerprint:
        raise EncoderMismatch(
            f"{source.place}: made with {own.name!r} ({own.fingerprint[:8]}), but {place} with "
            f"{other.name!r} ({other.fingerprint[:8]}); give both the same: {source.remedy} "
            f"{other.name}"
        )


def library_for(
    path: Path, sources: Sequence[Source], *, offline: bool = False, cache: Path | None = None
) -> Library:
    """The library at a path, made like the first source if it is new.

    Raises `EncoderMismatch` if its encoder is not that of the sources.
    """
    if is_vacant(path):
        _create(path, sources)
    library = Library.open(path, offline=offline, cache=cache)
    try:
        settings = library.settings
        encoder = StoreEncoder(settings.encoder, settings.fingerprint, settings.dim)
        for source in sources:
            _check_encoder(source, str(path), encoder)
    except BaseException:
        library.close()
        raise
    return library


def _create(path: Path, sources: Sequence[Source]) -> None:
    """Make a library of the sources' encoder, with the settings of the first that is a library."""
    first = next((source for source in sources if source.library), sources[0])
    encoder = first.encoder
    if first.library is not None:
        settings, fusion = first.library.settings, first.library.fusion
    else:
        fusion = open_fusion(DEFAULT_FUSION)
        settings = LibrarySettings(encoder.name, encoder.fingerprint, encoder.dim)
        settings = settings.with_fusion(fusion.name, fusion.fingerprint)
    fillers = [text for each in sources if each.library for text in each.library.settings.fillers]
    golden = None
    if encoder.golden_image is not None and encoder.golden_text is not None:
        golden = Golden(*unpack([encoder.golden_image, encoder.golden_text], encoder.dim))
    create_with(path, replace(settings, fillers=tuple(dict.fromkeys(fillers))), fusion, golden)


def merging(
    library: Library, sources: Sequence[Source], report: MergeReport
) -> Generator[Progress, None, None]:
    """Merge the sources into a library; the report grows with each step.

    Of a picture that several have under one path, the one that changed last stays; of equals, that
    of the first source. A part that is damaged is a problem in the report; all else is merged.
    """
    start = time.monotonic()
    try:
        with only_writer(library.path):
            try:
                yield from _merge(library, sources, report)
            except (KeyboardInterrupt, GeneratorExit):
                with suppress(LibraryError):
                    library.save_vectors()
                raise
            library.save_vectors()
            yield from _kept_up(library, report)
    except (KeyboardInterrupt, GeneratorExit):
        report.interrupted = True
        raise
    finally:
        report.elapsed_ms = round(1000 * (time.monotonic() - start), 1)


def _kept_up(library: Library, report: MergeReport) -> Generator[Progress, None, None]:
    """Do what follows from new pictures, as after indexing; parts of it need the encoder."""
    note_repeated(library, IndexReport(), anew=True)
    try:
        yield from compress(library)
        yield from calibrate(library)
    except (EncoderMismatch, ModelError) as error:
        report.problem(library.path, error)


def _merge(
    library: Library, sources: Sequence[Source], report: MergeReport
) -> Generator[Progress, None, None]:
    total, done = sum(source.pictures for source in sources), 0
    settled: set[int] | None = set() if len(sources) > 1 else None
    yield Progress(0, total)
    for source in sources:
        ours = SourceReport(source.place, source.kind)
        report.sources.append(ours)
        fresh = adopt_folders(library, source.library) if source.library else {}
        if source.library:
            _adopt(source, report, adopt_heads(library, source.library))
        for batches in source.parts():
            for records in _readable(source, batches, report):
                added = add_records(library, records, settled)
                ours.pictures = ours.pictures.and_then(added)
                if source.library:
                    _copy_thumbnails(source.library, library, records, report)
                done += len(records)
                yield Progress(done, total)
        for key, folder in fresh.items():
            library.put_captions_digest(key, folder.captions_digest, folder.captions_told)
        if source.library:
            _adopt(source, report, adopt_albums(library, source.library))


def _readable(source: Source, batches: Batches, report: MergeReport) -> Batches:
    """The records of a part; its damage ends it and becomes a problem."""
    while True:
        try:
            records = next(batches, None)
        except (EncoderMismatch, LibraryDamaged) as error:
            report.problem(source.place, error)
            report.complete = False
            return
        if records is None:
            return
        yield records


def _adopt(source: Source, report: MergeReport, steps: Iterator[Renamed]) -> None:
    try:
        report.renamed += steps
    except LibraryDamaged as error:
        report.problem(source.place, error)
        report.complete = False


def _copy_thumbnails(
    source: Library, library: Library, records: Sequence[PictureRecord], report: MergeReport
) -> None:
    """Copy the thumbnails that the library lacks; one that cannot be written is made later."""
    try:
        for record in records:
            if record.content_hash is None:
                continue
            place = thumbnail_path(library.thumbnails, record.content_hash)
            there = thumbnail_path(source.thumbnails, record.content_hash)
            if not place.exists() and read_thumbnail(there) is not None:
                with whole_file(place) as temporary:
                    temporary.write_bytes(there.read_bytes())
                report.thumbnails += 1
    except OSError as error:
        if all(each.place != str(library.thumbnails) for each in report.problems):
            report.problem(library.thumbnails, error)
