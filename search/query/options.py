"""Options of a search: how many hits, which pictures may be found, and how hits are presented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.errors import InputError
from indexer.settings import DATE_ORDERS

if TYPE_CHECKING:
    from search.query.examples import Mark

AUTO, WORDS = "auto", "words"
MODES = (AUTO, "vector", WORDS)
DIVERSITY = 0.3  # if no strength is given: its cost and gain are in benchmarks/README.md


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """The options of a search, beside its query.

    Raises `InputError` for an unknown mode or date order, and a confidence outside 0 to 1.

    `k`: number of hits. `weight`: replaces that of the query. `offset`: number of hits on earlier
    pages. `where`: only pictures that fulfil this condition, in the language of `--where`. `tags`:
    only pictures that have all of these. `exclude`: ids of pictures that are not found. `mode`:
    search by meaning ("vector"), by the words of captions, names and tags ("words", which opens no
    encoder), or by both as it suits ("auto"). `fold`: nearly identical pictures become one hit.
    `diverse`: strength, from 0 to 1, with which likeness to earlier hits lowers the rank. `like`,
    `unlike`: pictures marked as right and as wrong, by id, path, URL or bytes; they refine the
    query (`search/query/feedback.py`). `asked_first`: pictures of the query and those marked as
    right are the first hits instead of being left out; pictures marked as wrong are never found.
    `least`: lowest score of a hit. `min_confidence`: lowest confidence of a hit, instead of leaving
    doubt to the calibration; hits found by their name need none. `date_order`: how a date of
    numbers alone is read in `where`, "DMY", "MDY" or "YMD". `explain`: give each hit what adds how
    much to its score.
    """

    k: int = 10
    weight: float | None = None
    offset: int = 0
    where: str | None = None
    tags: tuple[str, ...] = ()
    exclude: tuple[int, ...] = ()
    mode: str = AUTO
    fold: bool = False
    diverse: float = 0.0
    like: tuple[Mark, ...] = ()
    unlike: tuple[Mark, ...] = ()
    asked_first: bool = False
    least: float | None = None
    min_confidence: float | None = None
    date_order: str = DATE_ORDERS[0]
    explain: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"no mode {self.mode!r}; use one of {', '.join(MODES)}")
        if self.date_order not in DATE_ORDERS:
            known = ", ".join(DATE_ORDERS)
            raise InputError(f"no date order {self.date_order!r}; use one of {known}")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(f"min_confidence: {self.min_confidence} is not between 0 and 1")
