"""Pieces of a folder: its pictures in runs, each with their captions from tables."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer.captions.candidates import CAPTION_SUFFIXES
from indexer.captions.caption import CaptionScan
from indexer.captions.finder import CaptionFinder
from indexer.captions.nearby import FileState, NearbyFiles
from indexer.cluster.pieces import Archive, Asked, Beside, Content, Files, cut
from indexer.cluster.places import Place, reason_of_storage
from indexer.cluster.tables import holds_pictures, rows_of_table
from indexer.cluster.told import Told
from indexer.cluster.trees import Tree
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.found import FoundPicture, ScanProblem, suffix_of
from indexer.pipeline.passing import all_passed_over

RUN = 200_000  # pictures that are in memory together; a table is matched with one run at a time
COUNTED_TOGETHER = 1000
MOST_ROWS = 1 << 40


@dataclass(slots=True)
class Run:
    """Pictures of neighbouring folders, with the files beside them."""

    pictures: list[FoundPicture] = field(default_factory=list)
    archives: list[Archive] = field(default_factory=list)
    beside: NearbyFiles = field(default_factory=NearbyFiles)


def contents_of_folder(
    place: Place, tree: Tree, size: int, told: Told, most: int = RUN
) -> Iterator[Content]:
    """Cut a folder into pieces of at most `size` pictures; `told` takes what is not among them.

    Captions are found as in indexing; a folder of more than `most` pictures is matched with its
    tables in runs of about as many.
    """
    for run in runs(tree, told, most):
        yield from run.archives
        for relative in list(filter(_is_table, run.beside.files)):
            if holds_pictures(place.below(relative)):
                del run.beside.files[relative]
                yield from rows_of_table(place.below(relative), size)
        if run.pictures:
            yield from _contents_of_run(place, run, size, told)


def count_folder(place: Place, tree: Tree) -> Iterator[int]:
    """Yield numbers of pictures whose sum is that of the folder, archives in storages aside."""
    beside, count = NearbyFiles(CAPTION_SUFFIXES), 0
    for found in tree.walk(beside):
        count += isinstance(found, FoundPicture)
        if count >= COUNTED_TOGETHER:
            yield count
            count = 0
    yield count
    for relative in beside.files:
        if _is_table(relative) and holds_pictures(place.below(relative)):
            yield from (rows.pictures for rows in rows_of_table(place.below(relative), MOST_ROWS))


def runs(tree: Tree, told: Told, most: int) -> Iterator[Run]:
    """Walk a folder in runs of some `most` pictures; no run ends within a folder."""
    beside = NearbyFiles(CAPTION_SUFFIXES)
    run, is_cut = Run(), False
    for found in tree.walk(beside):
        if isinstance(found, ScanProblem):
            told.problem(found.path, found.reason)
        elif isinstance(found, Archive):
            run.archives.append(found)
        else:
            directory = posixpath.dirname(found.relative)
            if len(run.pictures) >= most and directory != _directory(run.pictures[-1]):
                is_cut = True
                yield _completed(run, beside, tree, told, is_cut=True)
                _forget(beside, directory)
                run = Run()
            run.pictures.append(found)
    yield _completed(run, beside, tree, told, is_cut=is_cut)
    told.pass_over(beside.passed)


def _completed(run: Run, beside: NearbyFiles, tree: Tree, told: Told, *, is_cut: bool) -> Run:
    """The run with the files met until now, and of a part of a folder those above it."""
    files = dict(beside.files)
    above = {each for p in run.pictures for each in _above(_directory(p))} if is_cut else ()
    for directory in sorted(above):
        try:
            files |= tree.caption_files(directory)
        except OSError as error:
            told.problem(directory, reason_of_storage(error))
    run.beside = NearbyFiles(CAPTION_SUFFIXES, files, links=[*beside.links])
    return run


def _forget(beside: NearbyFiles, directory: bytes) -> None:
    """Forget the files met so far, but for those in a folder where the next run begins."""
    for name in [each for each in beside.files if posixpath.dirname(each) != directory]:
        del beside.files[name]


def _contents_of_run(place: Place, run: Run, size: int, told: Told) -> Iterator[Files]:
    with _at_hand(place) as folder:
        finder = CaptionFinder(folder, [p.relative for p in run.pictures], beside=run.beside)
        if not place.is_local:
            _fetch(place, finder.tables, folder, told)
        found = finder.read_tables()
        told.captions(found, folder, place)
        told.pass_over(all_passed_over(folder, (), found.unused, Exclusion()))
    fits = len(run.pictures) <= size
    parts = [run.pictures] if fits else list(cut(run.pictures, _stem, size))
    beside = _divided(parts, finder.sidecars, run.beside.files)
    for number, part in enumerate(parts):
        yield _files(place, part, found, beside[number])


@contextmanager
def _at_hand(place: Place) -> Iterator[Path]:
    """The folder itself, or a folder of this machine for what is fetched from it."""
    if place.is_local:
        yield place.path
        return
    with TemporaryDirectory(prefix="picfuse-") as folder:
        yield Path(folder)


def _fetch(place: Place, names: Sequence[bytes], folder: Path, told: Told) -> None:
    for relative in names:
        target = folder / os.fsdecode(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.below(relative).fetch(target)
        except OSError as error:
            told.problem(os.fsencode(place.below(relative).name), reason_of_storage(error))


def _divided(
    parts: Sequence[Sequence[FoundPicture]],
    sidecars: Sequence[tuple[bytes, list[bytes]]],
    states: Mapping[bytes, FileState],
) -> Mapping[int, list[Beside]]:
    """The files beside single pictures, by the number of the part that these are in."""
    part_of = {p.relative: number for number, part in enumerate(parts) for p in part}
    beside: dict[int, list[Beside]] = defaultdict(list)
    for relative, pictures in sidecars:
        for number in dict.fromkeys(part_of[p] for p in pictures):
            own = tuple(p for p in pictures if part_of[p] == number)
            beside[number].append(Beside(relative, own, states[relative]))
    return beside


def _files(
    place: Place, part: Sequence[FoundPicture], found: CaptionScan, beside: Sequence[Beside]
) -> Files:
    folder = os.fsencode(place.name)
    names = [p.relative for p in part]
    return Files(
        tuple(Asked(folder, p.relative, p.size, p.mtime_ns) for p in part),
        {name: found.captions[name] for name in names if name in found.captions},
        {name: found.facts[name] for name in names if name in found.facts},
        tuple(beside),
        place.query,
    )


def _is_table(relative: bytes) -> bool:
    return suffix_of(relative) == b".parquet"


def _directory(picture: FoundPicture) -> bytes:
    return posixpath.dirname(picture.relative)


def _above(directory: bytes) -> Iterator[bytes]:
    """The folder and those above it, up to the root."""
    while directory:
        yield directory
        directory = posixpath.dirname(directory)
    yield b""


def _stem(picture: FoundPicture) -> bytes:
    return posixpath.splitext(picture.relative)[0]
