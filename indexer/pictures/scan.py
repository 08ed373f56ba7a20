"""Find the pictures below a folder."""

import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.captions.nearby import NearbyFiles, is_skipped
from indexer.metadata.picasa import NAMES as PICASA_NAMES
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.formats import BYTE_SUFFIXES

# Files in lower case that systems and programs leave beside pictures.
_DROPPINGS = frozenset({b"thumbs.db", b"ehthumbs.db", b"desktop.ini"})


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A file with a picture's suffix: path below the scanned folder, size, time of change."""

    relative: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or folder (whole path) that could not be read, and why."""

    path: bytes
    reason: str


def scan(
    folder: Path,
    *,
    exclude: Exclusion | None = None,
    closed: Callable[[bytes], bool] = lambda relative: False,
    beside: NearbyFiles | None = None,
) -> Iterator[FoundPicture | ScanProblem]:
    """Yield the pictures below `folder`, sorted within each folder, and fill `beside` meanwhile.

    Skips hidden names, folders of systems (`indexer/captions/nearby.py`), and what `exclude` leaves
    out. Folders whose path is `closed` are not entered. Links to folders are followed after
    everything else, and no folder is entered twice: a picture's own path wins over one through a
    link.
    """
    return _Scan(os.fsencode(folder), exclude or Exclusion(), closed, beside or NearbyFiles()).run()


class _Scan:
    def __init__(
        self,
        root: bytes,
        exclusion: Exclusion,
        closed: Callable[[bytes], bool],
        beside: NearbyFiles,
    ) -> None:
        self._root = root
        self._exclusion = exclusion
        self._closed = closed
        self._beside = beside
        self._entered: set[tuple[int, int]] = set()
        self._links: deque[bytes] = deque()

    def run(self) -> Iterator[FoundPicture | ScanProblem]:
        yield from self._walk(b"")
        while self._links:
            link = self._links.popleft()
            self._beside.links.append(link)
            yield from self._walk(link)

    def _walk(self, relative: bytes) -> Iterator[FoundPicture | ScanProblem]:
        # A stack instead of recursion: folders may be nested deeper than Python's calls.
        open_folders = [self._enter(relative)]
        while open_folders:
            for found in open_folders[-1]:
                if isinstance(found, bytes):
                    open_folders.append(self._enter(found))
                    break
                yield found
            else:
                open_folders.pop()

    def _enter(self, relative: bytes) -> Iterator[FoundPicture | ScanProblem | bytes]:
        """Yield the pictures of one folder and, as bytes, the folders in it to enter next."""
        path = os.path.join(self._root, relative) if relative else self._root
        try:
            state = os.stat(path)  # noqa: PTH116 - bytes
            if (state.st_dev, state.st_ino) in self._entered or self._closed(relative):
                return
            self._entered.add((state.st_dev, state.st_ino))
            with os.scandir(path) as entries:
                names = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield ScanProblem(path, _reason(error))
            return
        above = relative + b"/" if relative else b""
        for entry in names:
            if is_skipped(entry.name):
                self._note_hidden(entry, above + entry.name)
                continue
            if (found := self._look(entry, above + entry.name)) is not None:
                yield found

    def _note_hidden(self, entry: os.DirEntry[bytes], relative: bytes) -> None:
        """Note a hidden file that says something about pictures."""
        if entry.name.lower() in PICASA_NAMES and entry.is_file():
            self._beside.files.append(relative)

    def _look(
        self, entry: os.DirEntry[bytes], relative: bytes
    ) -> FoundPicture | ScanProblem | bytes | None:
        """The entry as a picture or as a folder to enter; None if it is neither."""
        try:
            is_folder = entry.is_dir()
            excluded = self._exclusion.leaves_out(relative, folder=is_folder)
            if is_folder:
                return self._folder(entry, relative, excluded)
            suffix = _suffix(entry.name)
            if excluded or suffix not in BYTE_SUFFIXES:
                self._note(entry, relative, suffix, excluded)
                return None
            state = entry.stat()
        except OSError as error:
            excluded = self._exclusion.leaves_out(relative)
            return None if excluded else ScanProblem(entry.path, _reason(error))
        if stat.S_ISREG(state.st_mode):
            return FoundPicture(relative, state.st_size, state.st_mtime_ns)
        return ScanProblem(entry.path, "not a regular file (only files are read)")

    def _note(
        self, entry: os.DirEntry[bytes], relative: bytes, suffix: bytes, excluded: bool
    ) -> None:
        """Note a file that is no picture to index."""
        if not entry.is_file():
            return
        if suffix in self._beside.suffixes or entry.name.lower() in PICASA_NAMES:
            self._beside.files.append(relative)
        elif not excluded and entry.name.lower() not in _DROPPINGS:
            self._beside.others[suffix] += 1

    def _folder(self, entry: os.DirEntry[bytes], relative: bytes, excluded: bool) -> bytes | None:
        """The folder if it is to be entered now; notes links and excluded folders for later."""
        if not entry.is_symlink():
            if not excluded:
                return relative
            self._beside.excluded.append(relative)
        elif not excluded:
            self._links.append(relative)
        return None


def _suffix(name: bytes) -> bytes:
    """The suffix of a name that is not hidden; `os.path.splitext` takes four times as long."""
    dot = name.rfind(b".")
    return name[dot:].lower() if dot > 0 else b""


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "permission denied (make it readable for this user)"
    if isinstance(error, FileNotFoundError):
        return "no such file or folder (deleted meanwhile, or a broken link)"
    if isinstance(error, NotADirectoryError):
        return "not a folder"
    if error.errno == errno.ELOOP:
        return "a link to itself (delete it, or link to a file)"
    return f"cannot be read: {error.strerror or error}"
