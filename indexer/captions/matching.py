"""Matching of the names in a caption file to the pictures of a folder."""

import bisect
import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import unquote, urlsplit

_CAPTION_FOLDERS = frozenset(
    b"captions caption igcaption texts text txt prompts descriptions alt".split()
)
_POST = b"_UTC"  # as instaloader names the files of a post
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_COCO_NAME = re.compile(rb"(?:^|[/_])(\d{12})$")
_MAX_PARTS = 4  # compared at the end of a path, as in "coco/images/val2014/1.jpg"


class PictureNames:
    """The pictures of a folder, found by path, by stem, or by the end of their path."""

    def __init__(self, pictures: Iterable[bytes]) -> None:
        self._paths = frozenset(pictures)
        self._tails: dict[tuple[bytes, int], dict[str, bytes | None]] = {}
        self._loose: dict[bytes, dict[str, bytes | None]] = {}  # by the folder above

    def __contains__(self, picture: bytes) -> bool:
        return picture in self._paths

    # The tables are made on first use: sidecars need one, other files the rest.

    @cached_property
    def directories(self) -> set[bytes]:
        """The directories that hold pictures, and those above them."""
        found: set[bytes] = {b""} if self._paths else set()
        for directory in {posixpath.dirname(picture) for picture in self._paths}:
            while directory not in found:
                found.add(directory)
                directory = posixpath.dirname(directory)
        return found

    @cached_property
    def _sorted(self) -> list[bytes]:
        return sorted(self._paths)

    @cached_property
    def _stems(self) -> dict[bytes, list[bytes]]:
        stems: dict[bytes, list[bytes]] = defaultdict(list)
        for picture in self._sorted:
            stems[posixpath.splitext(picture)[0]].append(picture)
        return stems

    @cached_property
    def _stems_beside(self) -> dict[tuple[bytes, bytes], list[bytes]]:
        """Pictures by the folder above their own, and their stem."""
        stems: dict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
        for picture in self._sorted:
            folder, name = posixpath.split(picture)
            stems[posixpath.dirname(folder), posixpath.splitext(name)[0]].append(picture)
        return stems

    @cached_property
    def _posts(self) -> dict[bytes, list[bytes]]:
        posts: dict[bytes, list[bytes]] = defaultdict(list)
        for picture in self._sorted:
            stem, _, number = posixpath.splitext(picture)[0].rpartition(b"_")
            if stem.endswith(_POST) and number.isdigit():
                posts[stem].append(picture)
        return posts

    @cached_property
    def _folded_stems(self) -> dict[bytes, list[bytes]]:
        stems: dict[bytes, list[bytes]] = defaultdict(list)
        for picture in self._sorted:
            stems[posixpath.splitext(picture)[0].lower()].append(picture)
            stems[picture.lower()].append(picture)
        return stems

    @cached_property
    def _exact(self) -> dict[str, bytes]:
        spelt = {os.fsdecode(picture): picture for picture in self._sorted}
        # Two pictures may differ only in the spelling of an accent: the exact name wins.
        return {_key(name): picture for name, picture in spelt.items()} | spelt

    @cached_property
    def _coco_numbers(self) -> dict[int, bytes | None]:
        """Pictures by the number in twelve digits at the end of their stem; None for several."""
        numbers: dict[int, bytes | None] = {}
        for picture in self._sorted:
            if found := _COCO_NAME.search(posixpath.splitext(picture)[0]):
                number = int(found[1])
                numbers[number] = None if number in numbers else picture
        return numbers

    def of_sidecar(self, stem: bytes) -> list[bytes]:
        """The pictures of a sidecar's stem: the picture `a.jpg`, or all pictures `a.*`.

        Letters may be small or capital where that leaves one picture. One text may belong to all
        pictures of a post (`2019-08-03_UTC.txt` to `2019-08-03_UTC_2.jpg`).
        """
        if stem in self._paths:
            return [stem]
        if stem in self._stems:
            return self._stems[stem]
        if stem.endswith(_POST):
            return self._posts.get(stem, [])
        alike = self._folded_stems.get(stem.lower(), [])
        return alike if len(alike) == 1 else []

    def of_parallel(self, stem: bytes) -> list[bytes]:
        """The picture of a sidecar in a folder of captions: in a folder beside, if only one is."""
        folder, name = posixpath.split(stem)
        if posixpath.basename(folder).lower() not in _CAPTION_FOLDERS:
            return []
        pictures = self._stems_beside.get((posixpath.dirname(folder), name), [])
        return pictures if len(pictures) == 1 else []

    def matched(self, names: Iterable[str], directory: bytes) -> dict[str, bytes]:
        """Map the names in a caption file in `directory` to pictures, unless they are ambiguous.

        A name is tried as a path from the file's directory, then by the longest end of its path
        that is unique below that directory, then (for a file with no pictures below its own
        directory, such as COCO's `annotations`) in the directories above.
        """
        sure: dict[str, bytes] = {}
        guessed: dict[str, bytes] = {}
        for name in set(names):
            spellings = list(_spellings(name))
            path = next(filter(None, (self._at(s, directory) for s in spellings)), None)
            if path is not None:
                sure[name] = path
                continue
            for spelling in spellings:
                path, whole = self._by_tail(spelling, directory)
                if path is not None:
                    (sure if whole else guessed)[name] = path
                    break
            else:
                path = self._loosely(spellings[-1], directory) or self._numbered(name)
                if path is not None:
                    guessed[name] = path
        return sure | _undisputed(guessed, set(sure.values()))

    def _at(self, name: str, directory: bytes) -> bytes | None:
        path = posixpath.normpath(posixpath.join(os.fsdecode(directory), name))
        return (self._exact.get(path) or self._exact.get(_key(path))) if name else None

    def _by_tail(self, name: str, directory: bytes) -> tuple[bytes | None, bool]:
        """Return the picture whose path ends like the name, and whether all parts agree."""
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        for scope in self._scopes(directory):
            for count in range(min(len(parts), _MAX_PARTS), 0, -1):
                tails = self._tails_below(scope, count)
                tail = _key("/".join(parts[-count:]))
                if tail in tails:
                    return tails[tail], count == len(parts)
        return None, False

    def _loosely(self, name: str, directory: bytes) -> bytes | None:
        """The picture of a name in other letters, with another suffix or none, if only one is."""
        for scope in self._scopes(directory):
            loose = self._loose.get(scope)
            if loose is None:
                loose = self._loose[scope] = {}
                for picture in self._below(scope):
                    key = _loose_key(os.fsdecode(picture))
                    loose[key] = None if key in loose else picture
            if _loose_key(name) in loose:
                return loose[_loose_key(name)]
        return None

    def _numbered(self, name: str) -> bytes | None:
        """COCO's picture of a number: 397133 is `COCO_val2014_000000397133.jpg`."""
        return self._coco_numbers.get(int(name)) if _NUMBER.fullmatch(name) else None

    def _scopes(self, directory: bytes) -> Iterator[bytes]:
        yield directory
        if directory not in self.directories:
            while directory:
                directory = posixpath.dirname(directory)
                yield directory

    def _tails_below(self, scope: bytes, count: int) -> dict[str, bytes | None]:
        """Map the last `count` parts of the paths below a directory to the picture, if unique."""
        tails = self._tails.get((scope, count))
        if tails is None:
            tails = self._tails[scope, count] = {}
            for picture in self._below(scope):
                parts = picture.split(b"/")
                if len(parts) >= count:
                    tail = _key(os.fsdecode(b"/".join(parts[-count:])))
                    tails[tail] = None if tail in tails else picture
        return tails

    def _below(self, scope: bytes) -> list[bytes]:
        if not scope:
            return self._sorted
        first = bisect.bisect_left(self._sorted, scope + b"/")
        return self._sorted[first : bisect.bisect_left(self._sorted, scope + b"0")]  # "0" follows


def _key(name: str) -> str:
    """The name in NFC: macOS writes accents as separate characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _loose_key(path: str) -> str:
    """The base name in small letters without its suffix."""
    stem = path.rpartition("/")[2]
    head, dot, suffix = stem.rpartition(".")
    return _key(head if dot and 2 <= len(suffix) <= 4 and suffix.isalnum() else stem).casefold()


def _spellings(name: str) -> Iterator[str]:
    """Yield the name, then as a URL means it, its Windows form, and that of an old file system."""
    yield name
    if "%" in name or "://" in name:
        yield unquote(urlsplit(name).path if "://" in name else name)
    if "\\" in name:
        yield name.replace("\\", "/")
    if not name.isascii():
        yield os.fsdecode(name.encode("cp1252", "ignore"))


def _undisputed(guessed: dict[str, bytes], taken: set[bytes]) -> dict[str, bytes]:
    """Drop guesses that several names share: `train/1.jpg` and `val/1.jpg` are not one picture."""
    claims: dict[bytes, int] = defaultdict(int)
    for picture in guessed.values():
        claims[picture] += 1
    return {n: p for n, p in guessed.items() if claims[p] == 1 and p not in taken}
