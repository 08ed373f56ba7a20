"""Find the caption files of a folder and match their captions to its pictures."""

import os
import posixpath
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from indexer.captions.candidates import SIDECARS, TABLES, Candidates, failure, suffix_of
from indexer.captions.caption import (
    Caption,
    CaptionFile,
    CaptionScan,
    Guess,
    Rows,
    UnusableFile,
    united,
)
from indexer.captions.columns import EXPECTED
from indexer.captions.digest import digest_of
from indexer.captions.lists import is_plausible, rows_of
from indexer.captions.matching import PictureNames
from indexer.captions.named_columns import NamedColumns
from indexer.captions.nearby import FileState, NearbyFiles
from indexer.captions.sidecars import Sidecar, read_picasa, read_sidecar
from indexer.captions.takeout_names import TakeoutNames
from indexer.captions.unused import why_unused
from indexer.errors import CaptionFileError
from indexer.metadata.fact import Fact
from indexer.metadata.picasa import NAMES as PICASA_NAMES

_FORMATS = (
    f"use a table (CSV, TSV, Parquet or Excel) with {EXPECTED}, lines of "
    "'name.jpg#0<TAB>caption', or JSON in a layout of docs/captions.md"
)


def find_captions(
    folder: Path,
    pictures: Iterable[bytes],
    *,
    explicit: Sequence[Path] = (),
    beside: NearbyFiles | None = None,
    columns: NamedColumns | None = None,
) -> CaptionScan:
    """Find the captions of a folder's pictures (paths relative to it) in the files beside them.

    Files named in `explicit` are read first and may be anywhere; one that is missing, unreadable
    or of unknown format raises CaptionFileError. A file of the folder that cannot be read becomes
    a problem of the scan. With `beside`, the files of `CAPTION_SUFFIXES` that the scan for pictures
    met, the folder is not walked again. `columns` are those of the explicit files, if a user has
    named them.
    """
    return CaptionFinder(folder, pictures, explicit, beside, columns).read()


class CaptionFinder:
    """One pass over a folder, with the captions, files and problems so far."""

    def __init__(
        self,
        folder: Path,
        pictures: Iterable[bytes],
        explicit: Sequence[Path] = (),
        beside: NearbyFiles | None = None,
        columns: NamedColumns | None = None,
    ) -> None:
        self._folder = os.fsencode(folder)
        self._pictures = list(pictures)
        self._explicit = explicit
        self._columns = columns
        self._found = Candidates(self._folder, beside, lambda: self._names.directories)
        self._captions: dict[bytes, list[Caption]] = {}
        self._facts: dict[bytes, list[Fact]] = {}
        self._files: list[CaptionFile] = []
        self._problems: list[tuple[Path, str]] = []
        self._unused: list[bytes] = []
        self._guesses: dict[str, Guess] = {}
        self._done: set[bytes] = set()
        self._settled = True

    def digest(self, *options: str) -> bytes | None:
        """The digest of everything that the captions depend on, with options; None while in flux.

        As long as it stays the same, `read` returns the same.
        """
        return digest_of(self._pictures, self._candidates, self._explicit, options)

    def read(self) -> CaptionScan:
        """Find the captions; raises `CaptionFileError` for an explicit file."""
        for path in self._explicit:
            self._read_named(path)
        self._read_sidecars(self.sidecars)
        return self.read_tables()

    def read_tables(self) -> CaptionScan:
        """Read the files that tell of several pictures, besides what was read before."""
        for relative in self.tables:
            self._attempt(relative, [])
        return self._result()

    def read_sidecars(self, sidecars: Iterable[tuple[bytes, Sequence[bytes]]]) -> CaptionScan:
        """Read these files beside single pictures, given with their pictures, and no others."""
        self._read_sidecars(sidecars)
        return self._result()

    @property
    def sidecars(self) -> list[tuple[bytes, list[bytes]]]:
        """The files beside single pictures, each with its pictures, in the order of reading."""
        return self._sidecars_and_tables[0]

    @property
    def tables(self) -> list[bytes]:
        """The files that may tell of several pictures, in the order of reading."""
        return self._sidecars_and_tables[1]

    @cached_property
    def _candidates(self) -> dict[bytes, FileState]:
        return self._found.found()

    @cached_property
    def _names(self) -> PictureNames:
        # Made on first use: a folder without caption files needs no table of names.
        return PictureNames(self._pictures)

    @cached_property
    def _takeout(self) -> TakeoutNames:
        return TakeoutNames(self._pictures)

    def _result(self) -> CaptionScan:
        captions = {picture: united(each) for picture, each in sorted(self._captions.items())}
        facts = {picture: tuple(each) for picture, each in sorted(self._facts.items())}
        problems = (*self._found.problems, *self._problems)
        return CaptionScan(
            captions,
            tuple(self._files),
            problems,
            facts,
            unused=tuple(self._unused),
            guesses=tuple(self._guesses.values()),
            settled=self._settled and not self._found.problems,
        )

    def _read_named(self, path: Path) -> None:
        relative = _relative_to(path, self._folder)
        known_as = relative or os.path.realpath(os.fsencode(path))
        if known_as in self._done:
            return
        self._done.add(known_as)
        try:
            self._read_any(path, relative)
        except UnusableFile as error:
            raise CaptionFileError(f"{_shown(path)} cannot be used: {error}") from error
        except OSError as error:
            raise CaptionFileError(f"{_shown(path)} {failure(error)}") from error

    def _read_sidecars(self, sidecars: Iterable[tuple[bytes, Sequence[bytes]]]) -> None:
        for relative, pictures in sidecars:
            self._attempt(relative, pictures)

    def _attempt(self, relative: bytes, pictures: Sequence[bytes]) -> None:
        path = Path(os.fsdecode(posixpath.join(self._folder, relative)))
        try:
            if pictures:
                self._add_sidecar(path, read_sidecar(path), pictures)
            elif posixpath.basename(relative).lower() in PICASA_NAMES:
                self._add_picasa(path, posixpath.dirname(relative))
            elif rows := rows_of(path) if is_plausible(path) else None:
                self._add_rows(path, posixpath.dirname(relative), rows, found=relative)
            else:
                self._unused.append(relative)
        except UnusableFile as error:
            self._problems.append((path, str(error)))
        except OSError as error:
            self._settled = False
            self._problems.append((path, failure(error)))

    def _read_any(self, path: Path, relative: bytes | None) -> None:
        if path.exists() and not path.is_file():
            raise UnusableFile("it is not a file; name the caption file itself")
        pictures = self._sidecar_of(relative) if relative is not None else []
        if pictures and self._columns is None:
            self._add_sidecar(path, read_sidecar(path), pictures)
            return
        rows = rows_of(path, self._columns)
        if rows is None:
            raise UnusableFile(why_unused(path) or f"its format is unknown; {_FORMATS}")
        self._add_rows(path, posixpath.dirname(relative or b""), rows)

    def _add_picasa(self, path: Path, directory: bytes) -> None:
        for name, sidecar in read_picasa(path).items():
            picture = posixpath.join(directory, os.fsencode(name))
            self._add_sidecar(path, sidecar, [picture] if picture in self._names else [])

    def _add_sidecar(self, path: Path, sidecar: Sidecar, pictures: Sequence[bytes]) -> None:
        self._note_guesses(path, sidecar.guessed)
        for picture in pictures if sidecar.captions else ():
            self._captions.setdefault(picture, []).extend(sidecar.captions)
        for picture in pictures if sidecar.facts else ():
            self._facts.setdefault(picture, []).extend(sidecar.facts)

    def _add_rows(
        self, path: Path, directory: bytes, rows: Rows, found: bytes | None = None
    ) -> None:
        matched = self._names.matched((name for name, _ in rows.rows), directory)
        if found and not rows.sure and not matched:  # a table of something else
            self._unused.append(found)
            return
        unmatched = 0
        for name, caption in rows.rows:
            picture = matched.get(name)
            if picture is None:
                unmatched += 1
            else:
                self._captions.setdefault(picture, []).append(caption)
        self._files.append(CaptionFile(path, rows.format, len(rows.rows), unmatched))
        if rows.flaw:
            self._problems.append((path, rows.flaw))
        self._note_guesses(path, rows.guessed)

    @cached_property
    def _sidecars_and_tables(self) -> tuple[list[tuple[bytes, list[bytes]]], list[bytes]]:
        """Return sidecars, each with its pictures, and other files that may hold captions."""
        sidecars: list[tuple[bytes, list[bytes]]] = []
        tables: list[bytes] = []
        picasa: list[bytes] = []
        for relative in self._candidates:
            if relative in self._done:
                continue
            if posixpath.basename(relative).lower() in PICASA_NAMES:
                picasa.append(relative)
                continue
            if pictures := self._sidecar_of(relative):
                sidecars.append((relative, pictures))
            elif relative.lower().endswith(TABLES):
                tables.append(relative)
            else:
                self._unused.append(relative)
        # A text by a person comes first, what programs write comes last.
        sidecars.sort(key=lambda sidecar: (SIDECARS.index(suffix_of(sidecar[0])), sidecar[0]))
        return sidecars, [*picasa, *sorted(tables)]

    def _sidecar_of(self, relative: bytes) -> list[bytes]:
        if suffix_of(relative) not in SIDECARS:
            return []
        stem = posixpath.splitext(relative)[0]
        pictures = self._names.of_sidecar(stem.removesuffix(b".caption"))
        pictures = pictures or self._names.of_parallel(stem)
        if suffix_of(relative) != b".json":
            return pictures
        return list(dict.fromkeys([*pictures, *self._takeout.of_sidecar(relative)]))

    def _note_guesses(self, path: Path, character_sets: Iterable[str]) -> None:
        for each in sorted(character_sets):
            self._guesses[each] = Guess(each, 1, path).joined(self._guesses.get(each))


def _relative_to(path: Path, folder: bytes) -> bytes | None:
    """Return the path relative to the folder if it is in it, with links followed or not."""
    for resolve in (os.path.abspath, os.path.realpath):
        relative = os.path.relpath(resolve(os.fsencode(path)), resolve(folder))
        if relative != b".." and not relative.startswith(b"../"):
            return relative
    return None


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
