"""Delete records that a library no longer needs: only on request, and never a picture."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.catalogue.values import MOVING
from indexer.errors import InputError
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.pipeline.folders import absolute
from indexer.pipeline.report import IndexReport

if TYPE_CHECKING:
    from indexer.catalogue.changes.batch import Batch


def prune(library: Library, folders: Sequence[IndexedFolder], report: IndexReport) -> int:
    """Delete the records of missing pictures of these folders, and all that only they needed.

    Returns the number of pictures. A folder that is missing, or has no pictures now, may be an
    unplugged disk: its records are kept, and the report gets a problem.
    """
    gone: list[int] = []
    for folder in folders:
        there, missing = library.catalogue.by_presence(folder.id)
        if missing and not there:
            report.problem(
                folder.path,
                "all its pictures are missing, so none were pruned (an unplugged disk?); to delete "
                "its records, run 'picfuse forget'",
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
    """Delete the records of a folder and of its pictures; returns the number of pictures.

    The folder need not exist on disk. Raises `InputError` if it is not a folder of the library.
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
                f"{shlex.quote(str(folder))} --exclude {shlex.quote(pattern)} --prune (with the "
                "present patterns as well)"
            )
    listed = ", ".join(map(str, known)) or "none"
    return f"{path}: not a folder of this library, which has: {listed}"


def _kept_encoder(library: Library) -> int | None:
    """The only encoder whose embeddings are needed; None while the library moves to another.

    Determined before anything is written: with a rollback journal (on a network file system) a
    large transaction locks out all other connections, even those of this process.
    """
    return library.encoder_id if library.catalogue.setting(MOVING) is None else None


def _delete_unused(batch: Batch, kept: int | None) -> None:
    """Delete all that nothing needs: of unknown contents, and embeddings of former encoders."""
    batch.embeddings.forget_unused()
    batch.readings.forget_unused()
    batch.comparisons.forget_unused()
    if kept is not None:
        batch.embeddings.forget_other_encoders(kept)


def unused_thumbnails(library: Library) -> list[Path]:
    """Thumbnails of unknown pictures, and files that a killed process left beside them."""
    known = {content.hex() for content in library.catalogue.content_hashes()}
    files = library.thumbnails.glob("*/*")
    return sorted(path for path in files if path.suffix != ".jpg" or path.stem not in known)


def delete_unused_thumbnails(library: Library) -> None:
    """Delete unused thumbnails; one that cannot be deleted only takes up space."""
    for path in unused_thumbnails(library):
        with suppress(OSError):
            path.unlink()
