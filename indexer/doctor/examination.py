"""All checks in turn, and the repair of their findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from indexer.doctor.albums import albums
from indexer.doctor.catalogue import (
    captions_without_embedding,
    integrity,
    malformed_embeddings,
    pictures_without_embedding,
    references,
    unfinished,
    unused_embeddings,
    waiting,
)
from indexer.doctor.encoder import encoder_drift
from indexer.doctor.files import changed_files, thumbnails
from indexer.doctor.finding import Finding
from indexer.doctor.fusion import learned_fusion
from indexer.doctor.tags import tags
from indexer.doctor.vectors import segments
from indexer.doctor.words import words
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.progress import Progress

Check: TypeAlias = Callable[[Library], Iterator[Finding | Progress]]

CHECKS: dict[str, Check] = {
    "catalogue": integrity,
    "references": references,
    "pictures": pictures_without_embedding,
    "captions": captions_without_embedding,
    "embeddings": malformed_embeddings,
    "unused": unused_embeddings,
    "waiting": waiting,
    "move": unfinished,
    "tags": tags,
    "words": words,
    "albums": albums,
    "fusion": learned_fusion,
    "vectors": segments,
    "thumbnails": thumbnails,
    "files": changed_files,
    "encoder": encoder_drift,
}
_FIRST = "catalogue"
_NEEDED = {"vectors": "fusion"}  # the first is skipped when the second found something


def examination(library: Library) -> Iterator[tuple[str, Finding | Progress]]:
    """The name of each check, with its findings and its progress; changes nothing.

    A damaged catalogue ends the examination.
    """
    failed = set()
    for name, check in CHECKS.items():
        if _NEEDED.get(name) in failed:
            continue
        for step in check(library):
            yield name, step
            if isinstance(step, Finding):
                failed.add(name)
            if name == _FIRST and isinstance(step, Finding):
                return


def examine(library: Library) -> list[Finding]:
    """All findings; the library is sound if none of them is serious."""
    return [step for _, step in examination(library) if isinstance(step, Finding)]


def repair(library: Library, findings: Sequence[Finding]) -> None:
    """Repair the catalogue in one transaction, then the files made from it.

    Raises `LibraryLocked` while another process changes the library.
    """
    with only_writer(library.path):
        mends = [finding.mend for finding in findings if finding.mend is not None]
        if mends:
            with library.writing() as batch:
                for mend in mends:
                    mend(batch)
        for finding in findings:
            if finding.rebuild is not None:
                finding.rebuild(library)
