"""Find the pictures below a folder."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from indexer.captions.nearby import FileState, NearbyFiles
from indexer.kinds.folders import HIDDEN, NO_MEDIA, NO_MEDIA_FILE, kind_left_out
from indexer.kinds.members import SUFFIX as ARCHIVE_SUFFIX
from indexer.kinds.passed_over import PassedOver
from indexer.kinds.signatures import HEAD_BYTES, PICTURES, kind_of
from indexer.kinds.suffixes import (
    BACKUP,
    BACKUP_ENDS,
    BESIDE_PICTURE,
    CLOUD_END,
    IN_CLOUD,
    SUFFIX_KINDS,
    by_suffix,
)
from indexer.metadata.picasa import NAMES as PICASA_NAMES
from indexer.pictures.archives import FoundArchive, pictures_in
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.formats import BYTE_RAW_SUFFIXES, BYTE_SUFFIXES
from indexer.pictures.found import FoundPicture, Remembered, ScanProblem, reason_of, suffix_of

# Files in lower case that systems and programs leave beside pictures.
_DROPPINGS = frozenset({b"thumbs.db", b"ehthumbs.db", b"desktop.ini"})


PICTURE = "picture"


def scan(
    folder: Path,
    exclude: Exclusion | None = None,
    closed: Callable[[bytes], bool] = lambda relative: False,
    beside: NearbyFiles | None = None,
    remembered: Remembered = lambda relative, size, mtime_ns: None,
) -> Iterator[FoundPicture | ScanProblem]:
    """Yield the pictures below `folder`, sorted within each folder, and fill `beside` meanwhile.

    Skips hidden names, folders that nobody looks into (`indexer/kinds/folders.py`), and what
    `exclude` leaves out. A suffix tells what a file is; of one with an unknown suffix, or none, the
    first bytes are read, unless it is `remembered`. A RAW beside another picture of its name is
    passed over. Folders whose path is `closed` are not entered. Links to folders are followed after
    everything else, and no folder is entered twice: a picture's own path wins over one through a
    link.
    """
    options = (exclude or Exclusion(), closed, beside or NearbyFiles(), remembered)
    return _Scan(os.fsencode(folder), *options).run()


class _Scan:
    def __init__(
        self,
        root: bytes,
        exclusion: Exclusion,
        closed: Callable[[bytes], bool],
        beside: NearbyFiles,
        remembered: Remembered,
    ) -> None:
        self._root = root
        self._exclusion = exclusion
        self._closed = closed
        self._beside = beside
        self._remembered = remembered
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
            yield ScanProblem(path, reason_of(error))
            return
        if self._is_closed_to_media(relative, names):
            self._beside.passed.append(PassedOver(relative, NO_MEDIA))
            return
        yield from self._looked_at(names, relative)

    def _looked_at(
        self, entries: list[os.DirEntry[bytes]], folder: bytes
    ) -> Iterator[FoundPicture | ScanProblem | bytes]:
        above = folder + b"/" if folder else b""
        stems: set[bytes] | None = None  # of the pictures that are no RAW
        for entry in entries:
            relative = above + entry.name
            if entry.name.startswith(b".") and not self._exclusion.brings_back(relative):
                self._note_hidden(entry, relative)
            elif isinstance(found := self._look(entry, relative), FoundArchive):
                yield from pictures_in(found, self._exclusion, self._beside, self._remembered)
            elif found is not None:
                if isinstance(found, FoundPicture) and suffix_of(entry.name) in BYTE_RAW_SUFFIXES:
                    stems = self._stems(entries, above) if stems is None else stems
                    if _stem(entry.name) in stems:
                        self._beside.passed.append(PassedOver(relative, BESIDE_PICTURE))
                        continue
                yield found

    def _stems(self, entries: list[os.DirEntry[bytes]], above: bytes) -> set[bytes]:
        """The names, without suffix, of the pictures beside which a RAW is not indexed."""
        plain = BYTE_SUFFIXES - BYTE_RAW_SUFFIXES
        names = (entry.name for entry in entries if suffix_of(entry.name) in plain)
        return {_stem(name) for name in names if not self._exclusion.leaves_out(above + name)}

    def _is_closed_to_media(self, folder: bytes, entries: list[os.DirEntry[bytes]]) -> bool:
        marked = any(entry.name == NO_MEDIA_FILE for entry in entries)
        return marked and not self._exclusion.brings_back(folder, folder=True)

    def _note_hidden(self, entry: os.DirEntry[bytes], relative: bytes) -> None:
        """Note what is hidden if it is of a known kind; the rest is nobody's business."""
        kind = kind_left_out(entry.name)
        if entry.name.lower() in PICASA_NAMES and entry.is_file():
            self._beside.files[relative] = FileState.of(entry.stat())
        elif entry.name.endswith(CLOUD_END):
            self._beside.passed.append(PassedOver(relative, IN_CLOUD))
        elif kind != HIDDEN and entry.is_dir(follow_symlinks=False):
            self._beside.passed.append(PassedOver(relative, kind))

    def _look(
        self, entry: os.DirEntry[bytes], relative: bytes
    ) -> FoundPicture | ScanProblem | FoundArchive | bytes | None:
        """The entry as a picture or as a folder to enter; None if it is neither."""
        try:
            is_folder = entry.is_dir()
            excluded = self._exclusion.leaves_out(relative, folder=is_folder)
            if is_folder:
                return self._folder(entry, relative, excluded)
            suffix = suffix_of(entry.name)
            if excluded or suffix not in BYTE_SUFFIXES:
                return self._other_file(entry, relative, suffix, excluded)
            state = entry.stat()
        except OSError as error:
            excluded = self._exclusion.leaves_out(relative)
            return None if excluded else ScanProblem(entry.path, reason_of(error))
        if stat.S_ISREG(state.st_mode):
            return FoundPicture(relative, state.st_size, state.st_mtime_ns)
        return ScanProblem(entry.path, "not a regular file (only files are read)")

    def _other_file(
        self, entry: os.DirEntry[bytes], relative: bytes, suffix: bytes, excluded: bool
    ) -> FoundPicture | FoundArchive | None:
        """A file without the suffix of a picture, if it is one all the same; notes any other."""
        if not entry.is_file():
            return None
        if suffix in self._beside.suffixes or entry.name.lower() in PICASA_NAMES:
            self._beside.files[relative] = FileState.of(entry.stat())
        elif excluded or entry.name.lower() in _DROPPINGS:
            return None
        elif suffix.endswith(BACKUP_ENDS):
            self._beside.passed.append(PassedOver(relative, BACKUP))
        elif suffix == ARCHIVE_SUFFIX:
            return FoundArchive(entry.path, relative, entry.stat())
        elif kind := SUFFIX_KINDS.get(suffix):
            self._beside.passed.append(PassedOver(relative, kind))
        else:
            return self._unknown_file(entry, relative, suffix)
        return None

    def _unknown_file(
        self, entry: os.DirEntry[bytes], relative: bytes, suffix: bytes
    ) -> FoundPicture | None:
        state = entry.stat()
        facts = (state.st_size, state.st_mtime_ns)
        kind = self._remembered(relative, *facts)
        if kind is None:
            kind = _read_kind(entry.path) or by_suffix(suffix)
        if kind == PICTURE:
            return FoundPicture(relative, *facts)
        self._beside.passed.append(PassedOver(relative, kind, "", *facts))
        return None

    def _folder(self, entry: os.DirEntry[bytes], relative: bytes, excluded: bool) -> bytes | None:
        """The folder if it is to be entered now; notes those that are not, and links for later."""
        above = os.path.basename(os.path.dirname(os.path.join(self._root, relative)))  # noqa: PTH120
        kind = kind_left_out(entry.name, above)
        if kind and not self._exclusion.brings_back(relative, folder=True):
            if not excluded:
                self._beside.passed.append(PassedOver(relative, kind))
            return None
        if not entry.is_symlink():
            if not excluded:
                return relative
            self._beside.excluded.append(relative)
        elif not excluded:
            self._links.append(relative)
        return None


def _stem(name: bytes) -> bytes:
    return name[: name.rfind(b".")].lower()


def _read_kind(path: bytes) -> str:
    """The kind of a file by its first bytes; empty if they tell nothing, or cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - bytes
            kind = kind_of(file.read(HEAD_BYTES))
    except OSError:
        return ""
    return PICTURE if kind in PICTURES else kind
