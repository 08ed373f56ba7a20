"""Folders of a run that are not there: unplugged, deleted, or empty."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from indexer.catalogue.lookup.pictures import Catalogue, IndexedFolder
from indexer.library.away import away_folders, away_message
from indexer.pipeline.report import IndexReport


def tell_away(catalogue: Catalogue, folders: Sequence[IndexedFolder], report: IndexReport) -> None:
    """Note the folders of a run that are missing or empty, with pictures or not."""
    away = {one.path: one.pictures for one in away_folders(catalogue)}
    for folder in folders:
        if folder.path in away:
            kept = "their records are kept; plug it in and run 'picfuse index' again"
            report.unread(folder.path, f"{away_message(away[folder.path])}; {kept}")
        elif not may_be_there(folder.path):
            report.unread(folder.path, "this folder is missing")


def may_be_there(folder: Path) -> bool:
    """Whether a folder exists, or cannot be checked now, as on a dead network drive."""
    try:
        return stat.S_ISDIR(os.stat(folder).st_mode)  # noqa: PTH116 - is_dir hides the error
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # the scan reports it
        return True
