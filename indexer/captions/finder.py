"""Find the caption files of a folder and match their captions to its pictures."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

from indexer.captions.caption import (
    Caption,
    CaptionFile,
    CaptionScan,
    Rows,
    UnusableFile,
    united,
)
from indexer.captions.columns import EXPECTED
from indexer.captions.lists import is_plausible, rows_of
from indexer.captions.matching import PictureNames
from indexer.captions.nearby import NearbyFiles, is_skipped
from indexer.captions.sidecars import Sidecar, read_picasa, read_sidecar
from indexer.captions.takeout_names import TakeoutNames
from indexer.errors import CaptionFileError
from indexer.metadata.fact import Fact
from indexer.metadata.picasa import NAMES as PICASA_NAMES

SIDECARS = (b".txt", b".caption", b".json", b".xmp")
TABLES = (b".txt", b".csv", b".tsv", b".json", b".jsonl", b".token", b".parquet", b".xlsx", b".ion")
CAPTION_SUFFIXES = frozenset({*SIDECARS, *TABLES})
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
) -> CaptionScan:
    """Find the captions of a folder's pictures (paths relative to it) in the files beside them.

    Files named in `explicit` are read first and may be anywhere; one that is missing, unreadable
    or of unknown format raises CaptionFileError. A file of the folder that cannot be read becomes
    a problem of the scan. With `beside`, the files of `CAPTION_SUFFIXES` that the scan for pictures
    met, the folder is not walked again.
    """
    scan = _Scan(folder, pictures, beside)
    for path in explicit:
        scan.read_named(path)
    scan.read_found()
    return scan.result()


class _Scan:
    """One pass over a folder, with the captions, files and problems so far."""

    def __init__(self, folder: Path, pictures: Iterable[bytes], beside: NearbyFiles | None) -> None:
        self._folder = os.fsencode(folder)
        self._pictures = pictures
        self._beside = beside
        self._captions: dict[bytes, list[Caption]] = {}
        self._facts: dict[bytes, list[Fact]] = {}
        self._files: list[CaptionFile] = []
        self._problems: list[tuple[Path, str]] = []
        self._unused: list[bytes] = []
        self._picasa: list[bytes] = []
        self._done: set[bytes] = set()

    @cached_property
    def _names(self) -> PictureNames:
        # Made on first use: a folder without caption files needs no table of names.
        return PictureNames(self._pictures)

    @cached_property
    def _takeout(self) -> TakeoutNames:
        return TakeoutNames(self._pictures)

    def result(self) -> CaptionScan:
        captions = {picture: united(each) for picture, each in sorted(self._captions.items())}
        facts = {picture: tuple(each) for picture, each in sorted(self._facts.items())}
        problems, unused = tuple(self._problems), tuple(self._unused)
        return CaptionScan(captions, tuple(self._files), problems, facts, unused)

    def read_named(self, path: Path) -> None:
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
            raise CaptionFileError(f"{_shown(path)} {_failure(error)}") from error

    def read_found(self) -> None:
        sidecars, tables = self._sidecars_and_tables()
        for relative, pictures in sidecars:
            self._attempt(relative, pictures)
        for relative in self._picasa:
            self._attempt(relative, [])
        for relative in tables:
            self._attempt(relative, [])

    def _attempt(self, relative: bytes, pictures: list[bytes]) -> None:
        path = Path(os.fsdecode(posixpath.join(self._folder, relative)))
        try:
            if pictures:
                self._add_sidecar(read_sidecar(path), pictures)
            elif relative in self._picasa:
                self._add_picasa(path, posixpath.dirname(relative))
            elif rows := rows_of(path) if is_plausible(path) else None:
                self._add_rows(path, posixpath.dirname(relative), rows, found=relative)
            else:
                self._unused.append(relative)
        except UnusableFile as error:
            self._problems.append((path, str(error)))
        except OSError as error:
            self._problems.append((path, _failure(error)))

    def _read_any(self, path: Path, relative: bytes | None) -> None:
        if path.exists() and not path.is_file():
            raise UnusableFile("it is not a file; name the caption file itself")
        pictures = self._sidecar_of(relative) if relative is not None else []
        if pictures:
            self._add_sidecar(read_sidecar(path), pictures)
            return
        rows = rows_of(path)
        if rows is None:
            raise UnusableFile(f"its format is unknown; {_FORMATS}")
        self._add_rows(path, posixpath.dirname(relative or b""), rows)

    def _add_picasa(self, path: Path, directory: bytes) -> None:
        for name, sidecar in read_picasa(path).items():
            picture = posixpath.join(directory, os.fsencode(name))
            self._add_sidecar(sidecar, [picture] if picture in self._names else [])

    def _add_sidecar(self, sidecar: Sidecar, pictures: list[bytes]) -> None:
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

    def _sidecars_and_tables(self) -> tuple[list[tuple[bytes, list[bytes]]], list[bytes]]:
        """Return sidecars, each with its pictures, and other files that may hold captions."""
        sidecars: list[tuple[bytes, list[bytes]]] = []
        tables: list[bytes] = []
        for relative in self._candidates():
            if relative in self._done:
                continue
            if posixpath.basename(relative).lower() in PICASA_NAMES:
                self._picasa.append(relative)
                continue
            if pictures := self._sidecar_of(relative):
                sidecars.append((relative, pictures))
            elif relative.lower().endswith(TABLES):
                tables.append(relative)
            else:
                self._unused.append(relative)
        # A text by a person comes first, what programs write comes last.
        sidecars.sort(key=lambda sidecar: (SIDECARS.index(_suffix(sidecar[0])), sidecar[0]))
        return sidecars, sorted(tables)

    def _sidecar_of(self, relative: bytes) -> list[bytes]:
        if _suffix(relative) not in SIDECARS:
            return []
        stem = posixpath.splitext(relative)[0]
        pictures = self._names.of_sidecar(stem.removesuffix(b".caption"))
        pictures = pictures or self._names.of_parallel(stem)
        if _suffix(relative) != b".json":
            return pictures
        return list(dict.fromkeys([*pictures, *self._takeout.of_sidecar(relative)]))

    def _candidates(self) -> Iterator[bytes]:
        """Yield the relative paths of files that could hold captions."""
        if self._beside is None:
            return self._walked([b""])
        files, excluded = map(self._in_reach, (self._beside.files, self._beside.excluded))
        return chain(files, self._walked(excluded))

    def _in_reach(self, paths: Sequence[bytes]) -> list[bytes]:
        """Drop paths in linked folders without pictures, which `_walked` would not enter."""
        if not paths:
            return []
        links = self._beside.links if self._beside else ()
        closed = tuple(link + b"/" for link in links if link not in self._names.directories)
        return [path for path in paths if not path.startswith(closed)]

    def _walked(self, waiting: list[bytes]) -> Iterator[bytes]:
        """Walk these folders and all below them; yields files that could hold captions."""
        while waiting:
            directory = waiting.pop()
            try:
                with os.scandir(posixpath.join(self._folder, directory)) as entries:
                    for entry in entries:
                        relative = posixpath.join(directory, entry.name)
                        if entry.name.lower() in PICASA_NAMES and _is_file(entry):
                            yield relative
                        if is_skipped(entry.name):
                            continue
                        if self._is_entered(entry, relative):
                            waiting.append(relative)
                        elif _suffix(relative) in CAPTION_SUFFIXES and _is_file(entry):
                            yield relative
            except OSError as error:
                path = Path(os.fsdecode(posixpath.join(self._folder, directory)))
                self._problems.append((path, _failure(error)))

    def _is_entered(self, entry: os.DirEntry[bytes], relative: bytes) -> bool:
        """Follow a link only where the scan for pictures did, which always ends."""
        if entry.is_dir(follow_symlinks=False):
            return True
        return entry.is_symlink() and relative in self._names.directories


def _relative_to(path: Path, folder: bytes) -> bytes | None:
    """Return the path relative to the folder if it is in it, with links followed or not."""
    for resolve in (os.path.abspath, os.path.realpath):
        relative = os.path.relpath(resolve(os.fsencode(path)), resolve(folder))
        if relative != b".." and not relative.startswith(b"../"):
            return relative
    return None


def _is_file(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _suffix(path: bytes) -> bytes:
    return posixpath.splitext(path)[1].lower()


def _failure(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist; check the path"
    return f"cannot be read ({error.strerror}); check that it is a readable file"


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
