"""Files of a folder that could hold captions, by their suffix or name."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from indexer.captions.nearby import FileState, NearbyFiles, is_skipped
from indexer.metadata.picasa import NAMES as PICASA_NAMES

CLASS = b".cls"  # in archives: the class of a picture
SIDECARS = (b".txt", b".caption", CLASS, b".json", b".xmp")
TABLES = (b".txt", b".csv", b".tsv", b".json", b".jsonl", b".token", b".parquet", b".xlsx", b".ion")
CAPTION_SUFFIXES = frozenset({*SIDECARS, *TABLES} - {CLASS})

Problems = list[tuple[Path, str]]


class Candidates:
    """The files below a folder that could hold captions, with their states.

    `beside` are those that the scan for pictures met; without it, the folder is walked. A link is
    followed only where that scan did, which always ends: into `directories` with pictures.
    """

    def __init__(
        self,
        folder: bytes,
        beside: NearbyFiles | None,
        directories: Callable[[], Collection[bytes]],
    ) -> None:
        self._folder = folder
        self._beside = beside
        self._directories = directories
        self.problems: Problems = []

    def found(self) -> dict[bytes, FileState]:
        """Every such file by its path below the folder."""
        if self._beside is None:
            return dict(self._walked([b""]))
        reached = set(self._in_reach([*self._beside.files]))
        states = self._beside.files
        files = {each: state for each, state in states.items() if each in reached}
        return files | dict(self._walked(self._in_reach(self._beside.excluded)))

    def _in_reach(self, paths: Sequence[bytes]) -> list[bytes]:
        """Drop paths in linked folders without pictures, which `_walked` would not enter."""
        links = self._beside.links if self._beside and paths else ()
        closed = tuple(link + b"/" for link in links if link not in self._directories())
        return [path for path in paths if not path.startswith(closed)] if closed else [*paths]

    def _walked(self, waiting: list[bytes]) -> Iterator[tuple[bytes, FileState]]:
        """Walk these folders and all below them."""
        while waiting:
            directory = waiting.pop()
            try:
                with os.scandir(posixpath.join(self._folder, directory)) as entries:
                    for entry in entries:
                        relative = posixpath.join(directory, entry.name)
                        if (state := _state_of(entry)) is not None:
                            yield relative, state
                        elif not is_skipped(entry.name) and self._is_entered(entry, relative):
                            waiting.append(relative)
            except OSError as error:
                path = Path(os.fsdecode(posixpath.join(self._folder, directory)))
                self.problems.append((path, failure(error)))

    def _is_entered(self, entry: os.DirEntry[bytes], relative: bytes) -> bool:
        if entry.is_dir(follow_symlinks=False):
            return True
        return entry.is_symlink() and relative in self._directories()


def suffix_of(path: bytes) -> bytes:
    """The suffix of a path in lower case, with its dot."""
    return posixpath.splitext(path)[1].lower()


def failure(error: OSError) -> str:
    """Why a file could not be read, and what helps."""
    if isinstance(error, FileNotFoundError):
        return "does not exist; check the path"
    return f"cannot be read ({error.strerror}); check that it is a readable file"


def _state_of(entry: os.DirEntry[bytes]) -> FileState | None:
    """The state of a file that could hold captions; None for anything else."""
    if entry.name.lower() not in PICASA_NAMES and (
        is_skipped(entry.name) or suffix_of(entry.name) not in CAPTION_SUFFIXES
    ):
        return None
    try:
        state = entry.stat()
    except OSError:  # a link to itself, or deleted meanwhile
        return None
    return FileState.of(state) if stat.S_ISREG(state.st_mode) else None
