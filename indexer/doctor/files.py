"""Checks of files: thumbnails, and the pictures themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from indexer.doctor.finding import Finding, some
from indexer.library.library import Library
from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from indexer.pictures.transform import ImageTransform
from indexer.pipeline.decoders import decoding_pool
from indexer.pipeline.pruning import delete_unused_thumbnails, unused_thumbnails
from indexer.pipeline.report import IndexOptions
from indexer.progress import Progress

_FILES_A_STEP = 500
_SMALLEST = ImageTransform(size=8, resize="squash", interpolation="bilinear")


def thumbnails(library: Library) -> Iterator[Finding | Progress]:
    """Check that every thumbnail is there and can be read."""
    paths = {content: file.path for content, file in library.embeddings.pictures_without(None)}
    missing: list[bytes] = []
    damaged: list[bytes] = []
    for number, content in enumerate(paths, start=1):
        path = thumbnail_path(library.thumbnails, content)
        if read_thumbnail(path) is None:
            (damaged if path.exists() else missing).append(content)
        if number % _FILES_A_STEP == 0:
            yield Progress(number, len(paths))
    if damaged:
        yield Finding(
            "thumbnails",
            len(damaged),
            "thumbnails are damaged, so the browser app makes them again each time",
            "they are made again from their pictures",
            examples=some([thumbnail_path(library.thumbnails, c).name for c in damaged]),
            rebuild=partial(_rebuild, files=[(c, paths[c]) for c in damaged]),
        )
    if missing:
        yield Finding(
            "thumbnails",
            len(missing),
            "thumbnails are missing, so the browser app makes them when needed, slowly",
            "they are made again from their pictures",
            serious=False,
            rebuild=partial(_rebuild, files=[(c, paths[c]) for c in missing]),
        )
    yield from _stray_thumbnails(library)


def _stray_thumbnails(library: Library) -> Iterator[Finding]:
    stray = unused_thumbnails(library)
    if stray:
        yield Finding(
            "thumbnails",
            len(stray),
            "thumbnails are of unknown pictures; they only take up space",
            "they are deleted",
            serious=False,
            rebuild=delete_unused_thumbnails,
        )


def _rebuild(library: Library, *, files: Sequence[tuple[bytes, bytes]]) -> None:
    """Write the thumbnails of pictures; delete a damaged one whose picture is lost."""
    with (
        decoding_pool(_SMALLEST, library.thumbnails, IndexOptions()) as pool,
        closing(pool.decode_all(files)) as outcomes,
    ):
        for _ in outcomes:
            pass
    for content, _ in files:
        path = thumbnail_path(library.thumbnails, content)
        if read_thumbnail(path) is None:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def changed_files(library: Library) -> Iterator[Finding | Progress]:
    """Pictures that are gone or have changed since they were indexed."""
    files = [file for _, file in library.embeddings.pictures_without(None) if not file.waits]
    gone, changed = [], []
    for number, file in enumerate(files, start=1):
        if not os.path.lexists(file.path):
            gone.append(_path(file.path))
        elif not file.is_as_indexed():
            changed.append(_path(file.path))
        if number % _FILES_A_STEP == 0:
            yield Progress(number, len(files))
    for paths, meaning in (
        (gone, "pictures are missing: moved, deleted, or on an unplugged disk"),
        (changed, "pictures have changed since they were indexed, so hits may be outdated"),
    ):
        if paths:
            yield Finding("files", len(paths), meaning, "run 'picfuse index'", False, some(paths))


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))
