"""The compressed index of a large library: what is known of it, and its candidates for a query.

It has a view for each of a few weights of picture against caption; a query between two weights
gets the candidates of both. Rows of files that a view does not cover yet are scanned.
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
from numpy.typing import NDArray

from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.vectors.blocks import read_checked
from indexer.vectors.keys import Ids, ascending

if TYPE_CHECKING:  # FAISS is imported where a view is read
    from indexer.vectors.faiss_view import CompressedView

COMPRESS_FROM = 200_000  # pictures: fewer are scanned in some milliseconds
RECALL = 0.99  # of the best ten, among the candidates
CANDIDATES_PER_HIT = (
    6  # an answer that is not at most one in so many of the candidates is found by a scan
)
LADDER = (
    (64, 300), (96, 300), (96, 500), (128, 500), (128, 1000), (160, 1000), (192, 1500),
    (384, 2000), (1024, 4000),
)  # fmt: skip
"""Lists that are looked into, and candidates: a step further until the recall is reached."""
OPEN = 2  # views that are held in memory: a query between two weights needs as many


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view: its weight, its file, the files of rows that it covers, and how it is asked.

    `trained` is the number of pictures that there were when its lists were made, `rows` that of
    all rows that were ever added. `recall` is None until it was measured.
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
        """The lowest recall that was measured."""
        return min(self.recall.values()) if self.recall else None


@dataclass(frozen=True, slots=True)
class CompressedState:
    """All views of the compressed index, and the encoder and fusion that they are of."""

    made_with: str = ""
    views: tuple[ViewState, ...] = ()

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        return {view.file for view in self.views}

    @property
    def usable(self) -> bool:
        """Whether every view was measured and finds what it should."""
        return all((view.reached or 0) >= RECALL for view in self.views) and bool(self.views)

    @property
    def reached(self) -> float | None:
        """The lowest recall of all views; None while one was not measured yet."""
        found = [view.reached for view in self.views]
        return min((r for r in found if r is not None), default=None) if all(found) else None

    def view(self, weight: float) -> ViewState | None:
        """The view of exactly this weight."""
        return next((view for view in self.views if view.weight == weight), None)

    def with_view(self, view: ViewState) -> CompressedState:
        """The facts with a view in place of that of the same weight."""
        others = [other for other in self.views if other.weight != view.weight]
        return replace(self, views=tuple(sorted([*others, view], key=lambda v: v.weight)))

    def to_json(self) -> str:
        """These facts as one line of JSON."""
        return json.dumps({**asdict(self), "ladder": LADDER})

    @classmethod
    def from_json(cls, text: str | None, made_with: str) -> CompressedState:
        """The facts that `to_json` wrote; none where they are of another encoder or fusion.

        What was measured with another ladder has to be measured again.
        """
        said = json.loads(text or "{}")
        if said.get("made_with") != made_with:
            return cls(made_with)
        views = [ViewState(**{**v, "covered": tuple(v["covered"])}) for v in said["views"]]
        if said.get("ladder") != [list(step) for step in LADDER]:
            views = [replace(view, recall=None) for view in views]
        return cls(made_with, tuple(views))


def weights_of(fusion: Fusion) -> tuple[float, ...]:
    """The weights for which a view is kept."""
    return (0.0, 0.5, 1.0) if fusion.weighable else (DEFAULT_WEIGHT,)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pictures that may be among the best, and the files whose rows were considered."""

    pictures: Ids
    covered: frozenset[str]


class CompressedIndex:
    """The compressed index of one library; a view is read when it is asked, and the last are held.

    Each takes 100 bytes of a picture, and few people ask with all weights.
    """

    def __init__(self, folder: Path, facts: CompressedState) -> None:
        self.facts = facts
        self._folder = folder
        self._views: dict[str, CompressedView] = {}
        self._reading = threading.Lock()

    def serves(self, count: int) -> bool:
        """Whether an answer of so many pictures is well within the candidates."""
        return self.facts.usable and count <= self.most

    @property
    def most(self) -> int:
        """How many pictures an answer can have that is well within the candidates."""
        fewest = min((LADDER[view.step][1] for view in self.facts.views), default=0)
        return fewest // CANDIDATES_PER_HIT

    def candidates(
        self, q: NDArray[np.float32], weight: float, step: int | None = None
    ) -> Candidates:
        """Candidates for a centred unit row `q` (dim,). Raises `RowsDamaged`.

        `step` of the ladder: that which every view needs where none is named.
        """
        asked = self._beside(weight)
        found = []
        for facts in asked:
            probes, count = LADDER[facts.step if step is None else step]
            found.append(self.opened(facts).candidates(q, count, probes))
        covered = frozenset.intersection(*(frozenset(facts.covered) for facts in asked))
        return Candidates(ascending(np.concatenate(found)), covered)

    def _beside(self, weight: float) -> Sequence[ViewState]:
        """The view of a weight, or those of the weights below and above."""
        views = self.facts.views
        below = [view for view in views if view.weight <= weight][-1:]
        above = [view for view in views if view.weight >= weight][:1]
        return below if below == above else [*below, *above]

    def opened(self, facts: ViewState) -> CompressedView:
        """A view, read from its file unless it is held. Raises `RowsDamaged`."""
        with self._reading:
            view = self._views.pop(facts.file, None)
            if view is None:
                while len(self._views) >= OPEN:
                    del self._views[next(iter(self._views))]
                kind = import_module("indexer.vectors.faiss_view").CompressedView
                view = kind.load(self._folder / facts.file, facts.checksum)
            self._views[facts.file] = view  # the last one that was asked
            return view


def check_view(folder: Path, view: ViewState) -> None:
    """Raise `RowsDamaged` unless the file of a view is the one that was written."""
    read_checked(folder / view.file, view.checksum)
