"""Checks of the vector index on disk against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from indexer.batch import Batch
from indexer.doctor.finding import Finding, some
from indexer.errors import LibraryDamaged
from indexer.library import Library
from indexer.report import Progress
from indexer.segments import Segment, delete_other_files, other_files, stored_segments
from indexer.vectors import Ids, VectorIndex, picture_ids, verify

_TOLERANCE = 1e-3  # rows are made from the same embeddings, by the same arithmetic


def segments(library: Library) -> Iterator[Finding | Progress]:
    """Each segment: is it the file that was written, and does it say what the catalogue says?"""
    stored = stored_segments(library.catalogue, library.made_with)
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
        yield _bad(damaged, "are damaged or gone: searching is slower")
    if wrong:
        yield _bad(wrong, "disagree with the catalogue: answers may be wrong")
    stray = other_files(library.path, {segment.file for segment in stored.segments})
    if stray:
        yield Finding(
            "vectors",
            len(stray),
            "files of the vector index that are not used: a process was killed while it wrote",
            "they are deleted",
            serious=False,
            examples=some([path.name for path in stray]),
            rebuild=_delete_stray,
        )


def _bad(files: list[str], meaning: str) -> Finding:
    return Finding(
        "vectors",
        len(files),
        f"files of the vector index {meaning}",
        "they are built again from the catalogue; nothing is encoded",
        examples=some(files),
        mend=partial(Batch.drop_segments, files=files),
        rebuild=Library.save_vectors,
    )


def _agrees(library: Library, segment: Segment, current: Ids) -> bool:
    """Whether the rows of current pictures are as the catalogue has them.

    Raises `LibraryDamaged` for a file that is not the one that was written.
    """
    verify(library.path / segment.file, segment.checksum)
    index = VectorIndex.load(library.path / segment.file, library.width)
    if len(index) != len(segment.keys):
        return False
    live = segment.live & np.isin(picture_ids(segment.keys), current)
    keys, rows = index.keys[live], index.rows[live]
    found, expected, has_caption = library.fused(np.sort(picture_ids(keys)).tolist())
    order = np.argsort(picture_ids(keys))
    return (
        np.array_equal(keys, segment.keys[live])
        and np.array_equal(keys[order], np.where(has_caption, found, ~found))
        and bool(np.abs(rows[order] - expected).max(initial=0) < _TOLERANCE)
    )


def _delete_stray(library: Library) -> None:
    delete_other_files(library.path, stored_segments(library.catalogue, library.made_with))
