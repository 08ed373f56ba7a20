"""What a report says that was not said before."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from indexer.captions import CaptionFile
from indexer.pipeline.report import IndexReport
from indexer.progress import Failure

T = TypeVar("T")
_Key = tuple[Path, Hashable]


class NewProblems:
    """Remembers what was said, so that a picture that fails at every run is named once.

    It is named again when it has changed, or when it was in order in between.
    """

    def __init__(self) -> None:
        self._said: set[_Key] = set()

    def of(
        self, report: IndexReport, folders: Collection[Path], gone: Collection[Path] = ()
    ) -> IndexReport:
        """A report of a run over `folders` (none: all) without what was said before.

        That a folder is among those that are `gone` was said elsewhere. Nor is it news that a
        picture failed which went away meanwhile.
        """
        failed = {key: failure for failure in report.failed if (key := _failure(failure))}
        problems = {(p.path, p.reason): p for p in report.problems if p.path not in gone}
        captions = {_unmatched(file): file for file in report.caption_files if file.unmatched}
        news = replace(
            report,
            failed=self._new(failed.items()),
            problems=self._new(problems.items()),
            caption_files=self._new(captions.items()),
        )
        elsewhere = {key for key in self._said if folders and not _inside(key[0], folders)}
        self._said = elsewhere | {*failed, *problems, *captions}
        return news

    def _new(self, found: Iterable[tuple[_Key, T]]) -> list[T]:
        return [value for key, value in found if key not in self._said]


def _failure(failure: Failure) -> _Key | None:
    try:
        state = failure.path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return failure.path, failure.reason
    return failure.path, (failure.reason, state.st_size, state.st_mtime_ns)


def _unmatched(file: CaptionFile) -> _Key:
    return file.path, (file.rows, file.unmatched)


def _inside(path: Path, folders: Collection[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
