"""Find the pictures below a folder."""

import errno
import fnmatch
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".avif", ".heic", ".heif"}) | frozenset(
    {".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
)
_SUFFIXES = frozenset(os.fsencode(suffix) for suffix in SUFFIXES)
_SKIPPED = frozenset({b"@eaDir"})  # where a Synology NAS keeps its own thumbnails


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A file with a picture's suffix: its path below the scanned folder, and its state."""

    relative: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or folder, by its whole path, which could not be looked at, and why."""

    path: bytes
    reason: str


def scan(folder: Path, *, exclude: Sequence[str] = ()) -> Iterator[FoundPicture | ScanProblem]:
    """Yield the pictures below `folder`, sorted within each folder.

    Hidden names are skipped, and what a glob pattern in `exclude` matches, by its name or by its
    path below `folder`. Links to folders are followed after everything else, and no folder is
    entered twice: a picture's own path wins over one that leads through a link.
    """
    return _Scan(os.fsencode(folder), _matcher(exclude)).run()


class _Scan:
    def __init__(self, root: bytes, excluded: Callable[[bytes, bytes], bool]) -> None:
        self._root = root
        self._excluded = excluded
        self._entered: set[tuple[int, int]] = set()
        self._links: deque[bytes] = deque()

    def run(self) -> Iterator[FoundPicture | ScanProblem]:
        yield from self._walk(b"")
        while self._links:
            yield from self._walk(self._links.popleft())

    def _walk(self, relative: bytes) -> Iterator[FoundPicture | ScanProblem]:
        # A stack instead of recursion: folders may be nested deeper than Python's calls.
        open_folders = [self._enter(relative)]
        while open_folders:
            found = next(open_folders[-1], None)
            if found is None:
                open_folders.pop()
            elif isinstance(found, bytes):
                open_folders.append(self._enter(found))
            else:
                yield found

    def _enter(self, relative: bytes) -> Iterator[FoundPicture | ScanProblem | bytes]:
        """Yield the pictures of one folder, and as bytes the folders in it that come next."""
        path = os.path.join(self._root, relative) if relative else self._root
        try:
            state = os.stat(path)  # noqa: PTH116 - bytes
            if (state.st_dev, state.st_ino) in self._entered:
                return
            self._entered.add((state.st_dev, state.st_ino))
            with os.scandir(path) as entries:
                names = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield ScanProblem(path, _reason(error))
            return
        for entry in names:
            below = relative + b"/" + entry.name if relative else entry.name
            if not self._skipped(entry.name, below):
                yield from self._look(entry, below)

    def _skipped(self, name: bytes, relative: bytes) -> bool:
        return name.startswith(b".") or name in _SKIPPED or self._excluded(name, relative)

    def _look(
        self, entry: os.DirEntry[bytes], relative: bytes
    ) -> Iterator[FoundPicture | ScanProblem | bytes]:
        try:
            if entry.is_dir():
                if entry.is_symlink():
                    self._links.append(relative)
                else:
                    yield relative
                return
            if os.path.splitext(entry.name)[1].lower() not in _SUFFIXES:
                return
            state = entry.stat()
        except OSError as error:
            yield ScanProblem(entry.path, _reason(error))
            return
        if stat.S_ISREG(state.st_mode):
            yield FoundPicture(relative, state.st_size, state.st_mtime_ns)
        else:
            yield ScanProblem(entry.path, "not a regular file (only files are read)")


def _matcher(patterns: Sequence[str]) -> Callable[[bytes, bytes], bool]:
    if not patterns:
        return lambda name, relative: False
    # Names need not be text; as surrogates, their bytes still match a "*".
    anything = "|".join(fnmatch.translate(pattern.rstrip("/")) for pattern in patterns)
    matches = re.compile(anything).match
    return lambda name, relative: bool(matches(os.fsdecode(name)) or matches(os.fsdecode(relative)))


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "permission denied (make it readable for this user)"
    if isinstance(error, FileNotFoundError):
        return "no such file or folder (it vanished, or a link leads nowhere)"
    if isinstance(error, NotADirectoryError):
        return "not a folder"
    if error.errno == errno.ELOOP:
        return "a link that leads to itself (delete it, or link to a file)"
    return f"cannot be read: {error.strerror or error}"
