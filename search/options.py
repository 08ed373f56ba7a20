"""Options: how many pictures are wanted, and which may be found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from indexer.errors import InputError

AUTO, VECTOR, WORDS = MODES = ("auto", "vector", "words")


class Options(TypedDict, total=False):
    """What every question to a searcher takes, beside what is asked.

    `k`: how many hits. `exclude`: ids of pictures to leave out. `tags`: only pictures of which all
    of these hold. `where`: only pictures that fulfil this text of the language of `--where`: the
    k best of all that do. `mode`: how `search` finds: by meaning ("vector"), by the words of
    captions, names and tags ("words", without any encoder), or by both as it suits ("auto").
    `offset`: how many hits come before, on earlier pages. `fold`: show pictures that are nearly the
    same as one hit. `diverse`: how much unlikeness to the hits before counts against the score,
    from 0 (not at all) to 1.
    """

    k: int
    exclude: Iterable[int]
    tags: Sequence[str]
    where: str | None
    mode: str
    offset: int
    fold: bool
    diverse: float


def complete(options: Options) -> Options:
    """The options with the defaults of those that are not named; ids can be read twice.

    Raises `InputError` for a mode that there is not.
    """
    mode = options.get("mode", AUTO)
    if mode not in MODES:
        raise InputError(f"{mode!r}: no mode of searching; there are {', '.join(MODES)}")
    defaults: Options = {"k": 10, "exclude": (), "tags": (), "where": None, "mode": AUTO}
    defaults |= {"offset": 0, "fold": False, "diverse": 0.0}
    return {**defaults, **options, "exclude": tuple(options.get("exclude", ()))}
