"""Captions and facts beside the pictures of a folder: read anew, or known to be as they were."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.captions import CaptionFile, CaptionScan
from indexer.captions.caption import Guess
from indexer.captions.finder import CaptionFinder
from indexer.captions.named_columns import NamedColumns
from indexer.captions.nearby import NearbyFiles
from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.errors import CaptionFileError
from indexer.pipeline.fillers import without_fillers
from indexer.pipeline.report import IndexReport

_NOTHING = CaptionScan({}, (), ())


@dataclass(frozen=True, slots=True)
class Beside:
    """The caption files of a folder.

    `digest` covers everything that the captions depend on; None while a file is in flux. If they
    are `unchanged` since it was stored, the files were not read: `found` has no captions then, only
    the stored report on the files.
    """

    found: CaptionScan
    digest: bytes | None = None
    unchanged: bool = False

    @property
    def lasting(self) -> bytes | None:
        """The digest to store once these captions are; None if something could not be read."""
        return self.digest if self.found.settled else None

    @property
    def told(self) -> str:
        """The report on the files, as JSON."""
        return _to_json(self.found)


def look_beside(
    folder: IndexedFolder,
    pictures: Sequence[bytes],
    nearby: NearbyFiles,
    report: IndexReport,
    *,
    fillers: Sequence[str],
    may_trust: bool,
) -> Beside:
    """Look for captions beside pictures (relative paths), and report the files.

    Captions that are `fillers` are left out. If it `may_trust` their sizes and times, files that
    are all as they were are not read.
    """
    named = [Path(file) for file in json.loads(folder.caption_files)]
    there = [file for file in named if os.path.isfile(file)]  # noqa: PTH113 - never raises
    for file in set(named) - set(there):
        report.unread(file, "this caption file no longer exists; its captions are dropped")
    columns = NamedColumns.parse(folder.columns) if folder.columns else None
    finder = CaptionFinder(folder.path, pictures, there, nearby, columns)
    options = (folder.exclude, folder.include, folder.caption_files, str(folder.columns))
    digest = finder.digest(str(folder.path), *options, *fillers)
    if may_trust and digest is not None and digest == folder.captions_digest:
        beside = Beside(_from_json(folder.captions_told), digest, unchanged=True)
    else:
        found = _read(finder, folder, pictures, nearby, report)
        beside = Beside(_without(found, fillers) if fillers else found, digest)
    _report(beside.found, report)
    return beside


def nothing_beside() -> Beside:
    """The same for a folder that is not there."""
    return Beside(_NOTHING)


def told_guesses(folders: Sequence[IndexedFolder]) -> list[Guess]:
    """The character sets that caption files of folders seem to have, as the last run found."""
    return [each for folder in folders for each in _from_json(folder.captions_told).guesses]


def _read(
    finder: CaptionFinder,
    folder: IndexedFolder,
    pictures: Sequence[bytes],
    nearby: NearbyFiles,
    report: IndexReport,
) -> CaptionScan:
    try:
        return finder.read()
    except CaptionFileError as error:  # it was usable when it was named
        report.unread(folder.path, str(error))
        found = CaptionFinder(folder.path, pictures, (), nearby).read()
        return replace(found, settled=False)


def _without(found: CaptionScan, fillers: Sequence[str]) -> CaptionScan:
    kept = {name: without_fillers(each, fillers) for name, each in found.captions.items()}
    return replace(found, captions=kept)


def _report(found: CaptionScan, report: IndexReport) -> None:
    report.caption_files += found.files
    report.guesses += found.guesses
    for path, reason in found.problems:
        report.unread(path, reason)


def _to_json(found: CaptionScan) -> str:
    files = [(str(f.path), f.format, f.rows, f.unmatched) for f in found.files]
    guesses = [(g.character_set, g.files, str(g.first)) for g in found.guesses]
    problems = [(str(path), reason) for path, reason in found.problems]
    return json.dumps([files, problems, guesses])


def _from_json(text: str | None) -> CaptionScan:
    files, problems, guesses = json.loads(text or "[[], [], []]")
    return CaptionScan(
        {},
        tuple(CaptionFile(Path(path), *facts) for path, *facts in files),
        tuple((Path(path), reason) for path, reason in problems),
        guesses=tuple(Guess(name, number, Path(first)) for name, number, first in guesses),
    )
