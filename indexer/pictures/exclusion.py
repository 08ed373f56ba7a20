"""Patterns of names and paths that are left out, with the rules of .gitignore."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from indexer.errors import InputError

WHOLE = "."  # as a pattern to include: the folder itself


class Exclusion:
    """The patterns of one folder. `matched` are the places of those that have left something out.

    A pattern without a slash before its end fits names at any depth, another one paths from the
    folder on; "!" takes an earlier pattern back. Folders are asked about before what is in them.
    Patterns of the same kind in `include` bring back what is left out, by whatever rule.
    """

    def __init__(self, patterns: Sequence[str] = (), include: Sequence[str] = ()) -> None:
        self.matched: set[int] = set()
        made = enumerate(map(GitIgnoreSpecPattern, patterns))
        self._patterns = [(n, one.regex, one.include) for n, one in made if one.regex is not None]
        self._patterns.reverse()  # the last one that fits decides
        self._included = Exclusion(include) if include else None
        self._whole = {n for n, pattern in enumerate(include) if pattern == WHOLE}

    @property
    def brought_back(self) -> set[int]:
        """The places of the patterns of `include` that have brought something back."""
        return self._included.matched if self._included else set()

    def brings_back(self, relative: bytes, *, folder: bool = False) -> bool:
        """Whether a path is to be indexed although a rule leaves it out; empty: the folder."""
        if self._included is None:
            return False
        if not relative and self._whole:
            self._included.matched |= self._whole
            return True
        return bool(relative) and self._included.leaves_out(relative, folder=folder)

    def leaves_out(self, relative: bytes, *, folder: bool = False) -> bool:
        """Whether a path below the folder is left out."""
        if not self._patterns or self.brings_back(relative, folder=folder):
            return False
        # Names need not be text; as surrogates, their bytes still match a "*".
        path = os.fsdecode(relative + b"/" if folder else relative)
        decision = None
        for number, regex, include in self._patterns:
            found = regex.match(path)
            if found and _fits(found, path):
                self.matched.add(number)
                decision = include if decision is None else decision
                if len(self.matched) == len(self._patterns):
                    break
        return bool(decision)


def _fits(found: re.Match[str], path: str) -> bool:
    """Whether a match is one of the path itself, and not of a folder above it.

    pathspec marks the end of a folder, except in patterns like `raw/**`, which fit all that is in
    the folder but not the folder.
    """
    if found.groupdict().get("ps_d"):
        return found.end() == len(path)
    return not path.endswith("/") or found.end() < len(path)


def pattern_for(folder: Path, pattern: str, option: str = "--exclude") -> str:
    """A pattern as a user writes it, for one folder. Raises `InputError` if it is none.

    Paths that begin with "/" may be whole ones, those with "./" begin at the folder, and "#" is a
    letter: nobody writes a comment on a command line.
    """
    if option == "--include" and pattern.rstrip("/") in (WHOLE, str(folder).rstrip("/")):
        return WHOLE
    sign, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    if body.startswith(str(folder).rstrip("/") + "/"):
        body = body[len(str(folder).rstrip("/")) :]
    elif body.startswith("./"):
        body = body[1:]
    elif body.startswith("#"):
        body = f"\\{body}"
    try:
        sound = GitIgnoreSpecPattern(sign + body).regex is not None
    except ValueError:
        sound = False
    if not sound:
        raise InputError(
            f"{option} {pattern!r}: not a pattern of .gitignore; put '\\' before a sign that is "
            "to stand for itself"
        )
    return sign + body


def from_above(pattern: str, below: str) -> str:
    """The pattern of a folder as it is written in one above it, from which `below` leads there."""
    if pattern == WHOLE:
        return f"/{_literal(below)}"
    sign, parts, anchored = _split(pattern)
    between = "" if anchored else "**/"
    return f"{sign}/{_literal(below)}/{between}{'/'.join(parts)}"


def from_below(pattern: str, inner: str) -> list[str]:
    """The pattern of a folder as it is written in its subfolder `inner`: none, one or several."""
    sign, parts, anchored = _split(pattern)
    if not anchored:
        return [pattern]
    rests = ["/".join(rest) for rest in _rests(parts, inner.split("/"))]
    return list(dict.fromkeys(f"{sign}/{rest}" for rest in rests if rest))


def _split(pattern: str) -> tuple[str, list[str], bool]:
    """The sign of a pattern, the names of its path, and whether that begins at the folder."""
    sign, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    return sign, body.removeprefix("/").split("/"), "/" in body.rstrip("/")


def _rests(parts: list[str], inner: list[str]) -> Iterator[list[str]]:
    """The rests of a pattern's path after it has led to `inner`, one for each way that it can."""
    if not inner:
        yield parts
    elif parts and parts[0] == "**":
        yield from _rests(parts[1:], inner)
        yield from _rests(parts, inner[1:])
    elif parts and Exclusion([f"/{parts[0]}"]).leaves_out(os.fsencode(inner[0])):
        yield from _rests(parts[1:], inner[1:])


def _literal(path: str) -> str:
    """A pattern that fits only this path."""
    return re.sub(r"([\\*?\[\]!#])", r"\\\1", path)
