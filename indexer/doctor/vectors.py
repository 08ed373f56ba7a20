"""Checks of the vector index on disk against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from indexer.doctor.finding import Finding, some
from indexer.errors import LibraryDamaged
from indexer.library.library import Library
from indexer.library.segments import (
    Segment,
    delete_other_files,
    named_segments,
    opened_segment,
    other_files,
    stored_segments,
)
from indexer.progress import Progress
from indexer.vectors.compressed import check_view
from indexer.vectors.compression import compress
from indexer.vectors.keys import Ids, picture_ids

_TOLERANCE = 1e-3  # rows are made from the same embeddings, and rounded to float16
_ROWS_AT_ONCE = 1024


def segments(library: Library) -> Iterator[Finding | Progress]:
    """Check that each segment is undamaged and agrees with the catalogue."""
    stored = stored_segments(library.catalogue, library.vectors_key)
    touched = np.array(library.catalogue.touched_since(stored.generation), dtype=np.int64)
    current = np.setdiff1d(library.catalogue.present(), touched)
    damaged: list[str] = []
    wrong: list[str] = []
    for number, segment in enumerate(stored.segments, start=1):
        try:
            if not _agrees(library, segment, current):
                wrong.append(segment.file)
        except LibraryDamaged:
            damaged.append(segment.file)
        yield Progress(number, len(stored.segments))
    if damaged:
        yield _bad(damaged, "are damaged or gone, so searching is slower")
    if wrong:
        yield _bad(wrong, "disagree with the catalogue, so hits may be wrong")
    yield from _compressed(library)
    stray = other_files(library.path, _named(library))
    if stray:
        yield Finding(
            "vectors",
            len(stray),
            "files of the vector index are unused: a process was killed while writing them",
            "they are deleted",
            serious=False,
            examples=some([path.name for path in stray]),
            rebuild=_delete_stray,
        )


def _compressed(library: Library) -> Iterator[Finding]:
    """Check that every file of the compressed index is undamaged and finds enough."""
    damaged, state = [], library.compressed
    for view in state.views:
        try:
            check_view(library.path, view)
        except LibraryDamaged:
            damaged.append(view.file)
    if damaged or (state.views and not state.usable):
        meaning = "are damaged or gone" if damaged else "find too little or are unfinished"
        yield Finding(
            "vectors",
            len(damaged) or len(state.views),
            f"files of the compressed index {meaning}, so searching is slower",
            "they are rebuilt from the rows; nothing is encoded",
            serious=bool(damaged),
            examples=some(damaged),
            rebuild=_compress,
        )


def _compress(library: Library) -> None:
    for _ in compress(library):
        pass


def _bad(files: list[str], meaning: str) -> Finding:
    return Finding(
        "vectors",
        len(files),
        f"files of the vector index {meaning}",
        "they are rebuilt from the catalogue; nothing is encoded",
        examples=some(files),
        mend=lambda batch: batch.segments.drop(files),
        rebuild=Library.save_vectors,
    )


def _agrees(library: Library, segment: Segment, current: Ids) -> bool:
    """Whether the rows of current pictures follow from the catalogue.

    Raises `LibraryDamaged` for a file that is not as it was written.
    """
    block = opened_segment(library.path, segment, library.fusion, library.width)
    block.verify()
    live = np.flatnonzero(segment.live & np.isin(picture_ids(segment.keys), current))
    for part in np.split(live, range(_ROWS_AT_ONCE, len(live), _ROWS_AT_ONCE)):
        keys = segment.keys[part]
        order = np.argsort(picture_ids(keys))
        pictures, expected, has_caption = library.fused(picture_ids(keys)[order].tolist())
        if not np.array_equal(keys[order], np.where(has_caption, pictures, ~pictures)):
            return False
        if np.abs(block.take(part[order]) - expected).max(initial=0) >= _TOLERANCE:
            return False
    return True


def _delete_stray(library: Library) -> None:
    delete_other_files(library.path, _named(library))


def _named(library: Library) -> set[str]:
    """The files that are in use."""
    return named_segments(library.catalogue) | library.compressed.files
