"""Options: how many pictures are wanted, and which may be found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from indexer.errors import InputError
from search.query.examples import Mark

AUTO, VECTOR, WORDS = MODES = ("auto", "vector", "words")


class Options(TypedDict, total=False):
    """What every question to a searcher takes, beside what is asked.

    `k`: how many hits. `exclude`: ids of pictures to leave out. `tags`: only pictures of which all
    of these hold. `where`: only pictures that fulfil this text of the language of `--where`: the
    k best of all that do. `mode`: how `search` finds: by meaning ("vector"), by the words of
    captions, names and tags ("words", without any encoder), or by both as it suits ("auto").
    `offset`: how many hits come before, on earlier pages. `fold`: show pictures that are nearly the
    same as one hit. `diverse`: how much unlikeness to the hits before counts against the score,
    from 0 (not at all) to 1. `like`, `unlike`: pictures marked as right and as wrong, by their ids,
    paths, URLs or bytes: they refine the question (`search/query/feedback.py`). `asked_first`:
    pictures of the query, and those marked as right, stand first; otherwise they are left out, as
    wrong ones always are. `least`: the score that a hit has to reach. `explain`: give for each
    hit what adds how much to its score.
    """

    k: int
    exclude: Iterable[int]
    tags: Sequence[str]
    where: str | None
    mode: str
    offset: int
    fold: bool
    diverse: float
    like: Sequence[Mark]
    unlike: Sequence[Mark]
    asked_first: bool
    least: float | None
    explain: bool


def complete(options: Options) -> Options:
    """The options with the defaults of those that are not named; ids can be read twice.

    Raises `InputError` for a mode that there is not, and `TypeError` for an option that there is
    not: a weight belongs to the query.
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"not an option of a search: {', '.join(sorted(unknown))}")
    mode = options.get("mode", AUTO)
    if mode not in MODES:
        raise InputError(f"no mode {mode!r}; use one of {', '.join(MODES)}")
    defaults: Options = {"k": 10, "exclude": (), "tags": (), "where": None, "mode": AUTO}
    defaults |= {"offset": 0, "fold": False, "diverse": 0.0, "explain": False}
    defaults |= {"like": (), "unlike": (), "asked_first": False, "least": None}
    return {**defaults, **options, "exclude": tuple(options.get("exclude", ()))}
