"""Finding duplicates: groups of files, the best copy of each first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from indexer import Library
from indexer.errors import InputError
from indexer.library.records import CopyInfo, copies
from search.duplicates.candidates import Near, candidates
from search.duplicates.comparing import Comparing
from search.duplicates.files import LeftOut, is_link, present_files, reread
from search.duplicates.tiers import Tier


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are alike, the best copy first: most pixels, largest file, oldest.

    `spare` are those that can be deleted as long as the best one is kept: like that one itself, not
    only like another of the group, and neither links nor files with hard links, since deleting
    those wins no room.
    """

    pictures: tuple[CopyInfo, ...]
    spare: tuple[CopyInfo, ...]

    @property
    def best(self) -> CopyInfo:
        """The copy to keep."""
        return self.pictures[0]


@dataclass(frozen=True, slots=True)
class Duplicates(Sequence[Group]):
    """The groups, sorted by the paths of their best copies, and what is in none of them.

    `hard_links`: files with several names, by which they are not duplicates of themselves.
    `left_out`: copies that have changed or gone since they were indexed, or cannot be read.
    """

    groups: tuple[Group, ...]
    hard_links: tuple[tuple[Path, ...], ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @overload
    def __getitem__(self, place: int) -> Group: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Group, ...]: ...

    def __getitem__(self, place: int | slice) -> Group | tuple[Group, ...]:
        return self.groups[place]

    def __len__(self) -> int:
        return len(self.groups)


def find_duplicates(
    library: Library, tier: Tier | str = Tier.SAME, *, read_again: bool | None = None
) -> Duplicates:
    """The duplicates of a tier among the files as they are now. Changes nothing.

    A file counts once, whatever its names. One that has changed or gone is left out, by its size
    and time; with `read_again` (None: in all tiers but `similar`) by its bytes too. Raises
    `InputError` for an unknown tier.
    """
    try:
        tier = Tier(tier)
    except ValueError as error:
        tiers = ", ".join(one.value for one in Tier)
        raise InputError(f"no tier {tier!r}; use {tiers}") from error
    if read_again is None:
        read_again = tier is not Tier.SIMILAR
    contents: dict[bytes, list[CopyInfo]] = {}
    for copy in copies(library.catalogue):
        if copy.content_hash:
            contents.setdefault(copy.content_hash, []).append(copy)
    near = candidates(library, [known[0] for known in contents.values()], tier)
    wanted = [
        copy for key, known in contents.items() if key in near or len(known) > 1 for copy in known
    ]
    files, left_out = present_files(wanted)
    with Comparing(library) as comparing:
        search = _Search(tier, near, files, comparing.same, read_again=read_again)
        groups = sorted(search.groups(), key=lambda group: str(group.best.path))
    linked = sorted((copy.path, *copy.hard_links) for copy in files if copy.hard_links)
    return Duplicates(tuple(groups), tuple(linked), (*left_out, *search.left_out))


class _Search:
    """The files that may be duplicates, while they are gathered around the best of them."""

    def __init__(
        self,
        tier: Tier,
        near: Near,
        files: Sequence[CopyInfo],
        same: Callable[[CopyInfo, CopyInfo], bool],
        *,
        read_again: bool,
    ) -> None:
        self.left_out: list[LeftOut] = []
        self._same = same
        self._tier = tier
        self._near = near
        self._read_again = read_again
        self._free = {copy.id: copy for copy in sorted(files, key=_rank)}  # in no group yet
        self._places = {key: place for place, key in enumerate(self._free)}
        self._by_content: dict[bytes, list[CopyInfo]] = {}
        for copy in self._free.values():
            self._by_content.setdefault(copy.content_hash, []).append(copy)

    def groups(self) -> Iterator[Group]:
        """Groups around the best file that is left, one after the other."""
        for best in list(self._free.values()):
            if best.id not in self._free or not self._around(best) or not self._is_sound(best):
                continue
            del self._free[best.id]
            copies, second = self._gathered(best)
            others = sorted((*copies, *second), key=lambda copy: self._places[copy.id])
            if others:
                spare = tuple(c for c in others if c in copies and self._is_spare(best, c))
                yield Group((best, *others), spare)

    def _gathered(self, best: CopyInfo) -> tuple[list[CopyInfo], list[CopyInfo]]:
        """The free files like the best one, and those like one of them; they no longer are free.

        What is like one of them may be like the best one too, though no hash says so. Copies of the
        best one are looked for first, then copies of those: a file that was made lighter is the
        best for its size, and what was made smaller of the original is a copy of that one alone.
        """
        near = self._connected(best)
        copies = [copy for copy in near if self._are_alike(best, copy)]
        others = [copy for copy in near if copy not in copies]
        second = [
            copy
            for copy in others
            if any(
                copy.width * copy.height <= one.width * one.height and self._are_alike(one, copy)
                for one in copies
            )
        ]
        return self._taken(copies), self._taken(second)

    def _taken(self, copies: Sequence[CopyInfo]) -> list[CopyInfo]:
        """Those of some files that still have their bytes; they are in a group now."""
        sound = [copy for copy in copies if self._is_sound(copy)]
        for copy in sound:
            del self._free[copy.id]
        return sound

    def _connected(self, best: CopyInfo) -> list[CopyInfo]:
        """The free files that may be like the best one, or like one that may be."""
        waiting, seen = [best], {best.id: best}
        while waiting:
            for copy in self._around(waiting.pop()):
                if copy.id not in seen:
                    seen[copy.id] = copy
                    waiting.append(copy)
        return [copy for key, copy in seen.items() if key != best.id]

    def _around(self, copy: CopyInfo) -> list[CopyInfo]:
        """The free files that may be like one."""
        contents = (copy.content_hash, *sorted(self._near.get(copy.content_hash, ())))
        around = [other for key in contents for other in self._by_content.get(key, ())]
        return [other for other in around if other.id in self._free and other.id != copy.id]

    def _are_alike(self, best: CopyInfo, copy: CopyInfo) -> bool:
        """Whether a file belongs to the best one; similar shots may do so through others."""
        if best.content_hash == copy.content_hash or self._tier is Tier.SIMILAR:
            return True
        return self._same(best, copy)

    def _is_spare(self, best: CopyInfo, copy: CopyInfo) -> bool:
        if copy.hard_links or is_link(copy.path):
            return False
        near = self._near.get(best.content_hash, ())
        same = best.content_hash == copy.content_hash or self._tier is Tier.SAME
        return same or copy.content_hash in near

    def _is_sound(self, copy: CopyInfo) -> bool:
        """Whether a file still has its bytes; notes and forgets one that has not."""
        left_out = reread(copy) if self._read_again else None
        if left_out is not None:
            self.left_out.append(left_out)
            del self._free[copy.id]
        return left_out is None


def _rank(copy: CopyInfo) -> tuple[int, int, bool, bool, str, str]:
    """A key that sorts the best first: of equal ones a file with hard links, then the oldest.

    The oldest by camera date if there is one.
    """
    age = copy.taken or copy.modified or ""
    size = copy.width * copy.height
    return -size, -copy.size, not copy.hard_links, is_link(copy.path), age, str(copy.path)
