"""The problems of a report that were not reported before."""

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
    """Remembers reported problems, so that a picture that fails in every run is named once.

    It is named again if it has changed, or if it was sound in between.
    """

    def __init__(self) -> None:
        self._reported: set[_Key] = set()

    def of(
        self, report: IndexReport, folders: Collection[Path], gone: Collection[Path] = ()
    ) -> IndexReport:
        """The report of a run over `folders` (none: all), with only the new problems.

        Problems of folders that are `gone` are left out, since an event reports them, and so are
        pictures that failed and have vanished since.
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
        elsewhere = {key for key in self._reported if folders and not _inside(key[0], folders)}
        self._reported = elsewhere | {*failed, *problems, *captions}
        return news

    def _new(self, problems: Iterable[tuple[_Key, T]]) -> list[T]:
        return [value for key, value in problems if key not in self._reported]


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
