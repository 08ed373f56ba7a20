"""Delete what a library no longer needs: only on request, and never a picture."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.catalogue.values import MOVING
from indexer.errors import InputError
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.pipeline.folders import absolute
from indexer.pipeline.report import IndexReport


def prune(library: Library, folders: Sequence[IndexedFolder], report: IndexReport) -> int:
    """Delete what is known of missing pictures of these folders, and what only they needed.

    Returns the number of pictures. A folder that is not there, or holds no picture at all now,
    may be an unplugged disk: its pictures are kept, and that is a problem of the report.
    """
    gone: list[int] = []
    for folder in folders:
        there, missing = library.catalogue.by_presence(folder.id)
        if missing and not there:
            report.problem(
                folder.path,
                "no picture is there now, so nothing of it was pruned (an unplugged disk?); "
                "'picfuse forget' deletes all that is known of a folder",
            )
        elif missing:
            gone += missing
    kept = _kept_encoder(library)
    with library.writing() as batch:
        batch.pictures.forget(gone)
        _delete_unused(batch, kept)
    delete_unused_thumbnails(library)
    return len(gone)


def forget_folder(library: Library, folder: Path) -> int:
    """Delete a folder and all that is known of its pictures; returns their number.

    The folder need not be there. Raises `InputError` when it is none of the library's own.
    """
    path = absolute(folder)
    known = {f.path: f for f in library.catalogue.folders()}
    if path not in known:
        raise InputError(_not_known(path, list(known)))
    with only_writer(library.path):
        kept = _kept_encoder(library)
        with library.writing() as batch:
            count = batch.folders.forget(known[path].id)
            _delete_unused(batch, kept)
        delete_unused_thumbnails(library)
        library.save_vectors()
    return count


def _not_known(path: Path, known: Sequence[Path]) -> str:
    for folder in known:
        if folder in path.parents:
            pattern = glob.escape(str(path.relative_to(folder)))
            return (
                f"{path}: lies in {folder}, which is indexed; to leave it out: picfuse index "
                f"{shlex.quote(str(folder))} --exclude {shlex.quote(pattern)} --prune (name the "
                "patterns of before as well)"
            )
    listed = ", ".join(map(str, known)) or "none"
    return f"{path}: not a folder of this library; those are: {listed}"


def _kept_encoder(library: Library) -> int | None:
    """The encoder beside which no other is needed; None while the library moves to another.

    It is asked for before anything is written: with a rollback journal (on a network file system)
    a large transaction keeps out all other connections, those of this process too.
    """
    return library.encoder_id if library.catalogue.setting(MOVING) is None else None


def _delete_unused(batch: Batch, kept: int | None) -> None:
    """Delete embeddings that no picture or caption needs, and those of former encoders."""
    batch.embeddings.forget_unused()
    if kept is not None:
        batch.embeddings.forget_other_encoders(kept)


def unused_thumbnails(library: Library) -> list[Path]:
    """Thumbnails of no known picture, and what a killed process left beside them."""
    known = {content.hex() for content in library.catalogue.content_hashes()}
    files = library.thumbnails.glob("*/*")
    return sorted(path for path in files if path.suffix != ".jpg" or path.stem not in known)


def delete_unused_thumbnails(library: Library) -> None:
    """Delete them; one that cannot be deleted costs space, no more."""
    for path in unused_thumbnails(library):
        with suppress(OSError):
            path.unlink()
