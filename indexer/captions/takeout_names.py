"""Names of Google Takeout's sidecars: which pictures a sidecar belongs to.

`IMG.JPG.supplemental-metadata.json` belongs to `IMG.JPG` and to `IMG-edited.JPG`. The suffix is cut
anywhere, so that the name has 51 characters, even within the picture's name; until 2024 there was
none. `IMG.JPG(1).json` and `IMG.JPG.supplemental-metadata(1).json` belong to `IMG(1).JPG`.
"""

from __future__ import annotations

import bisect
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable

_LONGEST = 46  # characters of a name without ".json"
_SUFFIX = ".supplemental-metadata"
_NUMBER = re.compile(r"\((\d{1,5})\)$")
_EDITED = re.compile(
    r"-(edited|bearbeitet|modifi[eé]|editado|editada|modificato|bewerkt|redigerad|redigeret|edytowane"
    r"|muokattu|upravené|编辑|編集済み|수정됨|изменено)$",
    re.IGNORECASE,
)


class TakeoutNames:
    """The pictures of a folder by the names that their sidecars may have."""

    def __init__(self, pictures: Iterable[bytes]) -> None:
        self._pictures: dict[tuple[bytes, str, str], list[bytes]] = defaultdict(list)
        self._names: dict[tuple[bytes, str], list[str]] = defaultdict(list)
        for picture in sorted(pictures):
            directory, name = posixpath.split(picture)
            bare, number = _of_picture(os.fsdecode(name))
            self._pictures[directory, bare, number].append(picture)
            self._names[directory, number].append(bare)
        for names in self._names.values():
            names.sort()

    def of_sidecar(self, relative: bytes) -> list[bytes]:
        """The pictures that a JSON file may be about, by its path; mostly none."""
        directory, name = posixpath.split(relative)
        whole = os.fsdecode(name)[: -len(".json")]
        number = _NUMBER.search(whole)
        stem, count = (whole[: number.start()], number[1]) if number else (whole, "")
        if _LONGEST in (len(stem), len(whole)) and (
            found := self._beginning(directory, stem, count)
        ):
            return found
        for base in _bases(stem):
            if found := self._named(directory, base, count):
                return found
        return []

    def _named(self, directory: bytes, base: str, number: str) -> list[bytes]:
        """The pictures of a whole name, or without its suffix."""
        if found := self._pictures.get((directory, base, number)):
            return found
        same = [
            bare
            for bare in self._after(directory, base + ".", number)
            if posixpath.splitext(bare)[0] == base
        ]
        return [p for bare in same for p in self._pictures[directory, bare, number]]

    def _beginning(self, directory: bytes, stem: str, number: str) -> list[bytes]:
        """The pictures whose name, with the suffix of sidecars, begins like a name that was cut.

        None if they are several: nothing tells which is meant.
        """
        whole = [base for base in _bases(stem) if (directory, base, number) in self._pictures]
        names = set(whole) or set(self._after(directory, stem, number))
        if len(names) != 1:
            return []
        return self._pictures[directory, names.pop(), number]

    def _after(self, directory: bytes, start: str, number: str) -> list[str]:
        """The names that begin so."""
        names = self._names.get((directory, number), [])
        first = bisect.bisect_left(names, start)
        last = bisect.bisect_left(names, start + "\U0010ffff")
        return list(dict.fromkeys(names[first:last]))


def _bases(stem: str) -> list[str]:
    """The names that a stem stands for: without a part of the suffix, or as it is."""
    base, dot, rest = stem.rpartition(".")
    cut = bool(dot) and _SUFFIX.startswith(f".{rest}")
    return [base, stem] if cut else [stem]


def _of_picture(name: str) -> tuple[str, str]:
    """The name of a picture without "-edited" and its number, and the number."""
    stem, suffix = posixpath.splitext(name)
    number = ""
    for _ in range(2):  # both, in either order
        stem = _EDITED.sub("", stem)
        if (match := _NUMBER.search(stem)) and not number:
            stem, number = stem[: match.start()], match[1]
    return stem + suffix, number
