"""Options: how many pictures are wanted, and which may be found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict


class Options(TypedDict, total=False):
    """What every question to a searcher takes, beside what is asked.

    `k`: how many hits. `exclude`: ids of pictures to leave out. `tags`: only pictures of which all
    of these hold. `where`: only pictures that fulfil this text of the language of `--where`: the
    k best of all that do. `offset`: how many hits come before, on earlier pages. `fold`: show
    pictures that are nearly the same as one hit. `diverse`: how much unlikeness to the hits before
    counts against the score, from 0 (not at all) to 1.
    """

    k: int
    exclude: Iterable[int]
    tags: Sequence[str]
    where: str | None
    offset: int
    fold: bool
    diverse: float


def complete(options: Options) -> Options:
    """The options with the defaults of those that are not named; ids can be read twice."""
    defaults: Options = {"k": 10, "exclude": (), "tags": (), "where": None}
    defaults |= {"offset": 0, "fold": False, "diverse": 0.0}
    return {**defaults, **options, "exclude": tuple(options.get("exclude", ()))}
