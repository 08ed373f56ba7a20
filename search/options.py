"""Options: how many pictures are wanted, and which may be found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict


class Options(TypedDict, total=False):
    """What every question to a searcher takes, beside what is asked.

    `k`: how many hits. `exclude`: ids of pictures to leave out. `tags`: only pictures of which all
    of these hold. `where`: only pictures that fulfil this text of the language of `--where`: the
    k best of all that do. `explain`: say of each hit what adds how much to its score.
    """

    k: int
    exclude: Iterable[int]
    tags: Sequence[str]
    where: str | None
    explain: bool


def complete(options: Options) -> Options:
    """The options with the defaults of those that are not named; ids can be read twice."""
    defaults: Options = {"k": 10, "exclude": (), "tags": (), "where": None, "explain": False}
    return {**defaults, **options, "exclude": tuple(options.get("exclude", ()))}
