"""Changes to the catalogue before the slow part of a run, and after it."""

from __future__ import annotations

from indexer.library.library import Library
from indexer.pipeline.plan import FolderPlan
from indexer.pipeline.report import IndexReport


def mark(library: Library, plan: FolderPlan, report: IndexReport) -> None:
    """Hide missing pictures and restore returned ones before the slow part starts."""
    if plan.folder.captions_digest is not None:  # an interrupt may leave old captions and new ones
        keep_captions_digest(library, plan, stored=False)
    if plan.gone or plan.returned or plan.passed:
        with library.writing() as batch:
            batch.folders.put_passed_over(plan.folder.id, plan.passed.gone, plan.passed.new)
            batch.pictures.mark_missing(plan.gone)
            batch.pictures.mark_present(plan.returned)
    report.removed += len(plan.gone)
    report.added += len(set(plan.returned) - set(plan.recaption))


def keep_captions_digest(library: Library, plan: FolderPlan, *, stored: bool) -> None:
    """Note that the captions beside a folder's pictures are stored, or that they may not be."""
    folder, digest = plan.folder, plan.captions_digest
    if (digest, plan.captions_told) != (folder.captions_digest, folder.captions_told):
        library.put_captions_digest(folder.id, digest if stored else None, plan.captions_told)
