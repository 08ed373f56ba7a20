"""The compressed index of a large library: its stored state, and candidates for a query.

It has one view for each of a few weights of picture against caption; a query between two weights
gets the candidates of both. Files of rows that a view does not cover yet are scanned.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.embedding import Floats
from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.vectors.blocks import read_checked
from indexer.vectors.keys import Ids, ascending

if TYPE_CHECKING:  # FAISS is imported when a view is read
    from indexer.vectors.faiss_view import CompressedView

COMPRESS_FROM = 200_000  # pictures; fewer are scanned within milliseconds
RECALL = 0.99  # share of the exact top ten that must be among the candidates
CANDIDATES_PER_HIT = 6  # candidates needed for each hit; otherwise a scan finds the hits
LADDER = (
    (64, 300), (96, 300), (96, 500), (128, 500), (128, 1000), (160, 1000), (192, 1500),
    (384, 2000), (1024, 4000),
)  # fmt: skip
"""Steps of (lists to search, candidates): a view takes the first that reaches the recall."""
MOST_OPEN_VIEWS = 2  # views held in memory: a query between two weights needs both


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view: its weight, its file, the files of rows that it covers, and its step of the ladder.

    `trained` counts the pictures at the time its lists were made, `rows` all rows ever added.
    `recall` is None until it is measured.
    """

    weight: float
    file: str
    checksum: str
    covered: tuple[str, ...]
    trained: int
    rows: int
    step: int = 0
    recall: Mapping[str, float] | None = None

    @property
    def reached(self) -> float | None:
        """The lowest measured recall; None if none was measured."""
        return min(self.recall.values()) if self.recall else None


@dataclass(frozen=True, slots=True)
class CompressedState:
    """All views of the compressed index, and the encoder and fusion of their rows."""

    made_with: str = ""
    views: tuple[ViewState, ...] = ()

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        return {view.file for view in self.views}

    @property
    def usable(self) -> bool:
        """Whether there are views, and every one reaches the required recall."""
        return all((view.reached or 0) >= RECALL for view in self.views) and bool(self.views)

    @property
    def reached(self) -> float | None:
        """The lowest recall of all views; None until all are measured."""
        recalls = [view.reached for view in self.views]
        return min((r for r in recalls if r is not None), default=None) if all(recalls) else None

    def view(self, weight: float) -> ViewState | None:
        """The view of exactly this weight, or None."""
        return next((view for view in self.views if view.weight == weight), None)

    def with_view(self, view: ViewState) -> CompressedState:
        """Return the state with this view in place of the one of the same weight."""
        others = [other for other in self.views if other.weight != view.weight]
        return replace(self, views=tuple(sorted([*others, view], key=lambda v: v.weight)))

    def to_json(self) -> str:
        """Serialise the state as one line of JSON."""
        return json.dumps({**asdict(self), "ladder": LADDER})

    @classmethod
    def from_json(cls, text: str | None, made_with: str) -> CompressedState:
        """Parse a state that `to_json` wrote; it is empty if another encoder or fusion made it.

        Recalls that were measured with another ladder are dropped, to be measured again.
        """
        stored = json.loads(text or "{}")
        if stored.get("made_with") != made_with:
            return cls(made_with)
        views = [ViewState(**{**v, "covered": tuple(v["covered"])}) for v in stored["views"]]
        if stored.get("ladder") != [list(step) for step in LADDER]:
            views = [replace(view, recall=None) for view in views]
        return cls(made_with, tuple(views))


def weights_of(fusion: Fusion) -> tuple[float, ...]:
    """The weights that get a view."""
    return (0.0, 0.5, 1.0) if fusion.weighable else (DEFAULT_WEIGHT,)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pictures that may be among the best, and the files of rows that were considered."""

    pictures: Ids
    covered: frozenset[str]


class CompressedIndex:
    """The compressed index of one library; reads views when needed and holds the latest ones.

    Each takes 100 bytes per picture, and few people search with all weights.
    """

    def __init__(self, folder: Path, facts: CompressedState) -> None:
        self.facts = facts
        self._folder = folder
        self._views: dict[str, CompressedView] = {}
        self._reading = threading.Lock()

    def serves(self, count: int) -> bool:
        """Whether there are enough candidates for `count` hits."""
        return self.facts.usable and count <= self.most

    @property
    def most(self) -> int:
        """The largest number of hits for which there are enough candidates."""
        fewest = min((LADDER[view.step][1] for view in self.facts.views), default=0)
        return fewest // CANDIDATES_PER_HIT

    def candidates(self, q: Floats, weight: float, step: int | None = None) -> Candidates:
        """Find candidates for a centred unit row `q` (dim,). Raises `RowsDamaged`.

        `step`: a step of the ladder, in place of the view's own.
        """
        views = self._views_around(weight)
        pictures = []
        for view in views:
            probes, count = LADDER[view.step if step is None else step]
            pictures.append(self.opened(view).candidates(q, count, probes))
        covered = frozenset.intersection(*(frozenset(view.covered) for view in views))
        return Candidates(ascending(np.concatenate(pictures)), covered)

    def _views_around(self, weight: float) -> Sequence[ViewState]:
        """The view of a weight, or those of the next weights below and above."""
        views = self.facts.views
        below = [view for view in views if view.weight <= weight][-1:]
        above = [view for view in views if view.weight >= weight][:1]
        return below if below == above else [*below, *above]

    def opened(self, facts: ViewState) -> CompressedView:
        """Return a view, read from its file unless it is held. Raises `RowsDamaged`."""
        with self._reading:
            view = self._views.pop(facts.file, None)
            if view is None:
                while len(self._views) >= MOST_OPEN_VIEWS:
                    del self._views[next(iter(self._views))]
                kind = import_module("indexer.vectors.faiss_view").CompressedView
                view = kind.load(self._folder / facts.file, facts.checksum)
            self._views[facts.file] = view  # now the latest one
            return view


def check_view(folder: Path, view: ViewState) -> None:
    """Raise `RowsDamaged` if the file of a view is damaged."""
    read_checked(folder / view.file, view.checksum)
