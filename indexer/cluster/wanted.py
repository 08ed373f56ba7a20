"""The pictures of a piece, at hand on this machine, each with what is said beside it."""

from __future__ import annotations

import os
import posixpath
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.captions import Caption
from indexer.captions.caption import united
from indexer.captions.finder import CaptionFinder
from indexer.cluster.archives import fetched
from indexer.cluster.pieces import Archive, Asked, Content, Files
from indexer.cluster.places import Place, reason_of_storage
from indexer.cluster.tables import read_rows
from indexer.cluster.told import Told
from indexer.errors import InputError
from indexer.metadata.fact import Fact

FETCHERS = 16  # files that are fetched at once
AHEAD = 64  # pictures that are fetched before they are asked for
_SUFFIX = re.compile(rb"\.[A-Za-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture with its captions and facts from files beside it and tables.

    Its bytes are at `here`, a path of this machine, or in `content`, or have to be fetched from
    `there`.
    """

    asked: Asked
    captions: tuple[Caption, ...] = ()
    facts: tuple[Fact, ...] = ()
    here: bytes | None = None
    there: Place | None = None
    content: bytes | None = None


def wanted_of(content: Content, scratch: Path, told: Told) -> Iterator[Wanted]:
    """The pictures of a piece; `scratch` is an empty folder. Raises OSError and `InputError`."""
    if isinstance(content, Files):
        yield from _of_files(content, scratch, told)
    elif isinstance(content, Archive):
        folder = os.fsencode(content.place.name.rpartition("/")[0])
        for part in fetched(content, scratch, told):
            for each in _of_files(part, scratch, told):
                yield replace(each, asked=replace(each.asked, folder=folder))
    else:
        for row in read_rows(content):
            if row.content is not None:
                yield Wanted(row.asked, row.captions, content=row.content)
            else:
                yield _at_place(row.asked, content.place.query, row.captions)


def _of_files(files: Files, scratch: Path, told: Told) -> Iterator[Wanted]:
    if not files.asked:
        return
    place = Place(os.fsdecode(files.asked[0].folder), files.query)
    folder = _sidecars_at_hand(files, place, scratch)
    beside = [(each.relative, each.pictures) for each in files.beside]
    found = CaptionFinder(folder, ()).read_sidecars(beside)
    told.captions(found, folder, place)
    for asked in files.asked:
        name = asked.relative
        captions = united(found.captions.get(name, ()), files.captions.get(name, ()))
        facts = (*found.facts.get(name, ()), *files.facts.get(name, ()))
        yield _at_place(asked, files.query, captions, facts)


def _at_place(
    asked: Asked, query: str, captions: tuple[Caption, ...], facts: tuple[Fact, ...] = ()
) -> Wanted:
    place = Place(os.fsdecode(asked.place), query)
    if place.is_local:
        return Wanted(asked, captions, facts, here=asked.place)
    return Wanted(asked, captions, facts, there=place)


def _sidecars_at_hand(files: Files, place: Place, scratch: Path) -> Path:
    """The folder where the files beside pictures can be read: their own, or a copy of it."""
    if place.is_local:
        return place.path
    folder = scratch / "beside"

    def fetch(relative: bytes) -> None:
        target = folder / os.fsdecode(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # reading it will report that it is not there
            place.below(relative).fetch(target)

    with ThreadPoolExecutor(FETCHERS) as fetchers:
        list(fetchers.map(fetch, [each.relative for each in files.beside]))
    return folder


class Fetching:
    """Brings pictures to paths of this machine, a few ahead of who takes them.

    `wanted` are those under way by number, without their bytes; `failed` those that could not be
    fetched, with the reasons.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._fetchers = ThreadPoolExecutor(FETCHERS, "fetching")
        self.wanted: dict[int, Wanted] = {}
        self.failed: deque[tuple[int, str]] = deque()

    def paths(self, wanted: Iterator[Wanted]) -> Iterator[tuple[int, bytes]]:
        """Yield the number and the path of each picture once it is there."""
        waiting: deque[tuple[int, Future[int] | None]] = deque()
        for number, each in enumerate(wanted):
            waiting.append((number, self._begin(number, each)))
            if len(waiting) > AHEAD:
                yield from self._ended(*waiting.popleft())
        while waiting:
            yield from self._ended(*waiting.popleft())

    def taken(self, number: int) -> Wanted:
        """The picture of a number; a file that was made for it is deleted."""
        wanted = self.wanted.pop(number)
        if wanted.here is None:
            self._path(number, wanted).unlink(missing_ok=True)
        return wanted

    def close(self) -> None:
        """End the threads."""
        self._fetchers.shutdown(cancel_futures=True)

    def _begin(self, number: int, wanted: Wanted) -> Future[int] | None:
        self.wanted[number] = replace(wanted, content=None)
        path = self._path(number, wanted)
        if wanted.content is not None:
            return self._fetchers.submit(path.write_bytes, wanted.content)
        return self._fetchers.submit(wanted.there.fetch, path) if wanted.there else None

    def _ended(self, number: int, task: Future[int] | None) -> Iterator[tuple[int, bytes]]:
        wanted = self.wanted[number]
        if task is None:
            yield number, wanted.here or b""
            return
        try:
            size = task.result()
        except (OSError, InputError) as error:
            self.failed.append((number, reason_of_storage(error)))
            return
        self.wanted[number] = replace(wanted, asked=replace(wanted.asked, size=size))
        yield number, os.fsencode(self._path(number, wanted))

    def _path(self, number: int, wanted: Wanted) -> Path:
        suffix = posixpath.splitext(wanted.asked.relative)[1]
        kept = suffix.decode() if _SUFFIX.fullmatch(suffix) else ""
        return self._scratch / f"{number}{kept}"
