"""Building the compressed index of a large library in steps, and measuring its recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from indexer.embedding import IMAGE, TEXT, Floats, PictureFeatures, Rows, centred_query
from indexer.encoders.protocol import Encoder
from indexer.progress import Progress
from indexer.vectors import compressed
from indexer.vectors.blocks import MappedBlock, RowsDamaged
from indexer.vectors.compressed import (
    LADDER,
    CompressedIndex,
    CompressedState,
    ViewState,
    weights_of,
)
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import Ids, picture_ids
from indexer.vectors.nearest import Selection, candidates_of, ranked
from indexer.vectors.scoring import CentredIndex, plain_gain, targets

if TYPE_CHECKING:
    from indexer.vectors.faiss_view import CompressedView

ROWS_PER_STEP = 1 << 18  # rows to add before a view is written, the most an interrupt can cost
EXTEND_FROM_SHARE = 16  # extend a view once it lacks more than 1/16 of all rows
REBUILD_FACTOR = 2  # rebuild a view once there are twice as many rows as its lists were made for
RETRY_FROM_SHARE = 100  # rebuild a view with too low a recall after 1/100 more rows
LISTS = 2048  # of a million pictures
ROWS_PER_LIST = 39  # fewest training rows for each list, below which FAISS warns
QUERIES = 128  # pictures, and captions, that are the queries when the recall is measured
RECALL_AT = 10  # hits of which the recall is measured
RECALL_AIM = 0.995  # on the sample, since new queries are slightly harder than stored rows
_WHAT = "compressing the vector index"


class CompressibleLibrary(Protocol):
    """A library that a compressed index can be built for."""

    path: Path

    @property
    def encoder(self) -> Encoder: ...
    @property
    def compressed(self) -> CompressedState: ...
    def vectors(self) -> VectorIndex:
        """The vector index."""
        ...

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures."""
        ...

    def put_compressed(self, facts: CompressedState) -> None:
        """Save the state of the files on disk."""
        ...


def compress(library: CompressibleLibrary) -> Iterator[Progress]:
    """Bring the compressed index up to date with the segments; small libraries get none.

    Each step is written before the next one begins, so that interrupted work resumes.
    """
    facts, index = library.compressed, library.vectors()
    if len(index) < compressed.COMPRESS_FROM:
        if facts.views:
            library.put_compressed(replace(facts, views=()))
        return
    maker = _Maker(library, index)
    yield from maker.grown(facts)
    if any(view.recall is None for view in library.compressed.views):
        yield from maker.measured()
    state = library.compressed
    if not state.usable and any(_has_changed(view, index) for view in state.views):
        yield from maker.grown(replace(facts, views=()))  # the lists fit another collection
        yield from maker.measured()


def _has_changed(view: ViewState, index: VectorIndex) -> bool:
    """Whether new lists may do better; they are not rebuilt for every added picture."""
    return len(index) - view.trained >= max(1, view.trained // RETRY_FROM_SHARE)


class _Maker:
    """Builds the views of one library."""

    def __init__(self, library: CompressibleLibrary, index: VectorIndex) -> None:
        self._library = library
        self._index = index
        self._mapped = {
            keyed.block.name: keyed
            for keyed in index.blocks
            if isinstance(keyed.block, MappedBlock)
        }

    @cached_property
    def _stored(self) -> CentredIndex:
        """The rows with their centres; opens the encoder, so only if there is work to do."""
        return CentredIndex.in_index(self._index, self._library.encoder.means)

    def grown(self, facts: CompressedState) -> Iterator[Progress]:
        """Extend every view to all files of rows, unless it lacks only a few."""
        weights = weights_of(self._index.fusion)
        total = len(weights) * len(self._mapped)
        for number, weight in enumerate(weights):
            for view, done in self._view(facts.view(weight), weight):
                facts = facts.with_view(view)
                self._library.put_compressed(facts)
                yield Progress(number * len(self._mapped) + done, total, _WHAT)

    def _view(self, known: ViewState | None, weight: float) -> Iterator[tuple[ViewState, int]]:
        """Yield the state of a view, and the number of files it covers, after each step."""
        view = None
        if known is not None and not self._is_stale(known):
            view = self._loaded(known)
        if known is None or view is None:
            sample = self._sample(weight)
            lists = min(self._lists(), max(1, len(sample) // ROWS_PER_LIST))
            view = _views().trained(sample, lists)
            known = ViewState(weight, "", "", (), len(self._index), 0)
        missing = [name for name in self._mapped if name not in known.covered]
        new = sum(len(self._mapped[name]) for name in missing)
        if known.file and new * EXTEND_FROM_SHARE <= len(self._index):
            return
        gain = self._gain(weight)
        for names in _steps(missing, self._mapped):
            for name in names:
                self._add(view, self._mapped[name], weight, gain)
            file, checksum = view.save(self._library.path)
            covered = tuple(name for name in known.covered if name in self._mapped)
            known = replace(
                known, file=file, checksum=checksum, covered=(*covered, *names), rows=len(view),
                recall=None,
            )  # fmt: skip
            yield known, len(known.covered)

    def _is_stale(self, known: ViewState) -> bool:
        """Whether the library has changed so much that a view should be rebuilt."""
        count = len(self._index)
        return count > REBUILD_FACTOR * known.trained or known.rows > REBUILD_FACTOR * count

    def _loaded(self, known: ViewState) -> CompressedView | None:
        try:
            return _views().load(self._library.path / known.file, known.checksum)
        except RowsDamaged:
            return None

    def _lists(self) -> int:
        """Number of lists, proportional to the square root of the number of pictures."""
        return int(max(1, round(LISTS * (len(self._index) / 1e6) ** 0.5)))

    def _sample(self, weight: float) -> Rows:
        """Evenly spread rows, to which the lists of a view are fitted."""
        count = 2 * ROWS_PER_LIST * self._lists()
        every = max(1, self._index.size // count)
        gain, samples = self._gain(weight), []
        for keyed in self._mapped.values():
            rows = np.arange(0, len(keyed), every)
            rows = rows[np.isin(rows, keyed.gone, invert=True)]
            weighted, can_match = targets(self._stored, keyed, rows, weight, gain)
            samples.append(weighted[can_match])
        if not sum(map(len, samples)):  # no row can match, so any lists will do
            dim = self._index.width // self._index.fusion.parts
            samples = [np.resize(np.eye(dim, dtype=np.float32), (ROWS_PER_LIST, dim))]
        return np.concatenate(samples)

    def _gain(self, weight: float) -> float:
        """Gain of pictures without a caption, averaged over some queries."""
        if not 0 < weight < 1 or not self._index.sums.without_caption:
            return 1.0
        centred = [rows for rows, _ in _queries(self._library, self._stored).values()]
        if not centred:
            return 1.0
        queries = self._index.fusion.query(np.concatenate(centred), weight)
        return float(np.mean(plain_gain(self._stored, queries, weight)))

    def _add(self, view: CompressedView, keyed: KeyedBlock, weight: float, gain: float) -> None:
        rows = np.setdiff1d(np.arange(len(keyed)), keyed.gone)
        weighted, can_match = targets(self._stored, keyed, rows, weight, gain)
        view.add(weighted[can_match], picture_ids(keyed.keys[rows[can_match]]))

    def measured(self) -> Iterator[Progress]:
        """Measure the recall of every view, taking further steps of the ladder as needed."""
        facts = self._library.compressed
        queries = _queries(self._library, self._stored)
        opened = CompressedIndex(self._library.path, facts)
        for number, view in enumerate(facts.views):
            exact = {
                kind: [self._best(q, view.weight, own) for q, own in zip(*pairs, strict=True)]
                for kind, pairs in queries.items()
            }
            view = self._tuned(opened, view, queries, exact)
            facts = facts.with_view(view)
            self._library.put_compressed(facts)
            yield Progress(number + 1, len(facts.views), "measuring the vector index")

    def _tuned(
        self,
        opened: CompressedIndex,
        view: ViewState,
        queries: Mapping[str, tuple[Rows, Ids]],
        exact: Mapping[str, Sequence[Ids]],
    ) -> ViewState:
        """Take the first step that reaches the recall aimed at, or else the required recall.

        Takes the last step if none reaches either.
        """
        attempts: list[ViewState] = []
        for step in range(len(LADDER)):
            recall = {
                kind: self._recall(opened, view.weight, step, pairs, exact[kind])
                for kind, pairs in queries.items()
            }
            attempts.append(replace(view, step=step, recall=recall))
            if (attempts[-1].reached or 0) >= RECALL_AIM:
                return attempts[-1]
        enough = (one for one in attempts if (one.reached or 0) >= compressed.RECALL)
        return next(enough, attempts[-1])

    def _best(self, q: Floats, weight: float, own: int) -> Ids:
        barred = self._index.positions(np.array([own]))
        return ranked(self._stored, q, weight, Selection(RECALL_AT, barred))[0]

    def _recall(
        self,
        opened: CompressedIndex,
        weight: float,
        step: int,
        pairs: tuple[Rows, Ids],
        exact: Sequence[Ids],
    ) -> float:
        """Share of the exact best rows that a step of the ladder finds."""
        shares = []
        for q, own, best in zip(*pairs, exact, strict=True):
            selection = Selection(RECALL_AT, self._index.positions(np.array([own])))
            candidates = opened.candidates(q, weight, step)
            positions, _ = candidates_of(self._stored, q, weight, selection, candidates)
            shares.append(np.isin(best, positions).mean() if len(best) else 1.0)
        return float(np.mean(shares))


def _views() -> type[CompressedView]:
    """The class of views; imports FAISS, so only when something is compressed."""
    view_class: type[CompressedView] = import_module("indexer.vectors.faiss_view").CompressedView
    return view_class


def _steps(names: Sequence[str], mapped: dict[str, KeyedBlock]) -> Iterator[list[str]]:
    """Split names into runs of about `ROWS_PER_STEP` rows."""
    run: list[str] = []
    for name in names:
        run.append(name)
        if sum(len(mapped[one]) for one in run) >= ROWS_PER_STEP:
            yield run
            run = []
    if run:
        yield run


def _queries(library: CompressibleLibrary, stored: CentredIndex) -> dict[str, tuple[Rows, Ids]]:
    """Centred query rows of pictures and of captions, each with the id of its picture."""
    pictures = np.sort(stored.index.picture_ids)
    sample = pictures[np.linspace(0, len(pictures) - 1, QUERIES).astype(np.int64)]
    features, means = library.embedded(sample.tolist()), stored.centres.means
    captioned = features.has_caption
    queries = {
        "picture": (centred_query(features.v_i, IMAGE, means), features.ids),
        "caption": (centred_query(features.v_t[captioned], TEXT, means), features.ids[captioned]),
    }
    return {kind: pairs for kind, pairs in queries.items() if len(pairs[1])}
