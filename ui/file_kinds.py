"""Kinds of files and folders that are not indexed, in numbers."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.kinds.folders import BIN, DERIVATIVES, NO_MEDIA, SNAPSHOT, SYSTEM

LEFT_OUT = {BIN, DERIVATIVES, NO_MEDIA, SNAPSHOT, SYSTEM}
_UNCOUNTED = ("RAW", "JPEG XL")  # kinds that are no nouns to count


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """The kinds with their numbers: the most frequent first, and suffixes after all others."""

    def rank(kind: str) -> tuple[bool, int, str]:
        return kind.startswith("."), -counts[kind], kind

    return {kind: counts[kind] for kind in sorted(counts, key=rank)}


def numbered(kind: str, number: int) -> str:
    """A kind with its number: "1 video", "9 videos", "12 RAW without a preview"."""
    if number == 1 or kind.startswith(_UNCOUNTED):
        return f"{number:,} {kind}"
    noun, *rest = _parts(kind)
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {' '.join([plural, *rest])}"


def _parts(kind: str) -> tuple[str, str] | tuple[str]:
    """A kind as the words that take the plural, and those after them."""
    for word in (" in ", " of ", " with ", " without "):
        head, found, rest = kind.partition(word)
        if found:
            return head, f"{found.strip()} {rest}"
    return (kind,)


def subject(counts: Mapping[str, int]) -> str:
    """The files and folders of these kinds as the subject of a sentence, with its verb."""
    folders = sum(number for kind, number in counts.items() if kind in LEFT_OUT)
    files = sum(counts.values()) - folders
    named = [
        f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
        for noun, number in (("file", files), ("folder", folders))
        if number
    ]
    return f"{' and '.join(named)} {'was' if files + folders == 1 else 'were'}"
