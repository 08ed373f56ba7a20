"""Making the compressed index of a large library, a step at a time, and measuring its recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, PictureFeatures, Rows, centred_query
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

STEP = 1 << 18  # rows that are added before a view is written: what an interrupt can cost
GROWN = 16  # a view is added to when one row in so many is not in it,
AGED = 2  # and made anew when there are so many times the rows that its lists were made for
SETTLED = 100  # where too little is found: made anew when there is one more row in so many
LISTS = 2048  # of a million pictures
ROWS_PER_LIST = 39  # rows that training looks at for each list, at least: FAISS warns below
QUERIES = 128  # pictures, and captions, that ask when the recall is measured
BEST = 10  # the recall is that of so many
AIM = 0.995  # recall of the sample: new queries are a little harder than what the library holds
_WHAT = "compressing the vector index"


class CompressibleLibrary(Protocol):
    """What a compressed index is made from."""

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
        """Note what is on disk."""
        ...


def compress(library: CompressibleLibrary) -> Iterator[Progress]:
    """Bring the compressed index up to date with the segments; fewer pictures have none.

    Each step is written before the next one begins, so that one that is interrupted goes on.
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
    found = library.compressed
    if not found.usable and any(_has_changed(view, index) for view in found.views):
        yield from maker.grown(replace(facts, views=()))  # the lists are of another collection
        yield from maker.measured()


def _has_changed(view: ViewState, index: VectorIndex) -> bool:
    """Whether other lists may do better: else they would be made for each added picture."""
    return len(index) - view.trained >= max(1, view.trained // SETTLED)


class _Maker:
    """Makes the views of one library."""

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
        """The rows with their centres: the encoder is opened only when there is work."""
        return CentredIndex.in_index(self._index, self._library.encoder.means)

    def grown(self, facts: CompressedState) -> Iterator[Progress]:
        """Make every view cover the files of rows, as far as that is worth it."""
        weights = weights_of(self._index.fusion)
        total = len(weights) * len(self._mapped)
        for number, weight in enumerate(weights):
            for view, done in self._view(facts.view(weight), weight):
                facts = facts.with_view(view)
                self._library.put_compressed(facts)
                yield Progress(number * len(self._mapped) + done, total, _WHAT)

    def _view(self, known: ViewState | None, weight: float) -> Iterator[tuple[ViewState, int]]:
        """What is known of a view after each step in which it grows; how many files it covers."""
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
        if known.file and new * GROWN <= len(self._index):
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
        """Whether a view would be better made anew: the library is another one by now."""
        count = len(self._index)
        return count > AGED * known.trained or known.rows > AGED * count

    def _loaded(self, known: ViewState) -> CompressedView | None:
        try:
            return _views().load(self._library.path / known.file, known.checksum)
        except RowsDamaged:
            return None

    def _lists(self) -> int:
        """The number of lists: as the root of the number of pictures."""
        return int(max(1, round(LISTS * (len(self._index) / 1e6) ** 0.5)))

    def _sample(self, weight: float) -> Rows:
        """Rows that the lists of a view are made for, spread evenly."""
        wanted = 2 * ROWS_PER_LIST * self._lists()
        every = max(1, self._index.size // wanted)
        gain, found = self._gain(weight), []
        for keyed in self._mapped.values():
            rows = np.arange(0, len(keyed), every)
            rows = rows[np.isin(rows, keyed.gone, invert=True)]
            made, answers = targets(self._stored, keyed, rows, weight, gain)
            found.append(made[answers])
        if not sum(map(len, found)):  # nothing answers, and no list is as good as another
            dim = self._index.width // self._index.fusion.parts
            found = [np.resize(np.eye(dim, dtype=np.float32), (ROWS_PER_LIST, dim))]
        return np.concatenate(found)

    def _gain(self, weight: float) -> float:
        """What pictures without a caption gain, in the mean over some queries."""
        if not 0 < weight < 1 or not self._index.sums.without_caption:
            return 1.0
        centred_query = [rows for rows, _ in _queries(self._library, self._stored).values()]
        if not centred_query:
            return 1.0
        asked = self._index.fusion.query(np.concatenate(centred_query), weight)
        return float(np.mean(plain_gain(self._stored, asked, weight)))

    def _add(self, view: CompressedView, keyed: KeyedBlock, weight: float, gain: float) -> None:
        rows = np.setdiff1d(np.arange(len(keyed)), keyed.gone)
        made, answers = targets(self._stored, keyed, rows, weight, gain)
        view.add(made[answers], picture_ids(keyed.keys[rows[answers]]))

    def measured(self) -> Iterator[Progress]:
        """Measure the recall of every view, and let it look further until that is enough."""
        facts = self._library.compressed
        queries = _queries(self._library, self._stored)
        opened = CompressedIndex(self._library.path, facts)
        for number, view in enumerate(facts.views):
            exact = {
                kind: [self._best(q, view.weight, own) for q, own in zip(*asked, strict=True)]
                for kind, asked in queries.items()
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
        """A view that looks as far as it has to for what is aimed at, or at least is enough."""
        tried: list[ViewState] = []
        for step in range(len(LADDER)):
            recall = {
                kind: self._recall(opened, view.weight, step, asked, exact[kind])
                for kind, asked in queries.items()
            }
            tried.append(replace(view, step=step, recall=recall))
            if (tried[-1].reached or 0) >= AIM:
                return tried[-1]
        enough = (one for one in tried if (one.reached or 0) >= compressed.RECALL)
        return next(enough, tried[-1])

    def _best(self, q: NDArray[np.float32], weight: float, own: int) -> Ids:
        barred = self._index.positions(np.array([own]))
        return ranked(self._stored, q, weight, Selection(BEST, barred))[0]

    def _recall(
        self,
        opened: CompressedIndex,
        weight: float,
        step: int,
        asked: tuple[Rows, Ids],
        exact: Sequence[Ids],
    ) -> float:
        """The share of the exact best that are found at a step of the ladder."""
        shares = []
        for q, own, best in zip(*asked, exact, strict=True):
            barred = self._index.positions(np.array([own]))
            candidates = opened.candidates(q, weight, step)
            found, _ = candidates_of(self._stored, q, weight, Selection(BEST, barred), candidates)
            shares.append(np.isin(best, found).mean() if len(best) else 1.0)
        return float(np.mean(shares))


def _views() -> type[CompressedView]:
    """FAISS is imported only where something is compressed."""
    found: type[CompressedView] = import_module("indexer.vectors.faiss_view").CompressedView
    return found


def _steps(names: Sequence[str], mapped: dict[str, KeyedBlock]) -> Iterator[list[str]]:
    """The names in runs of about `STEP` rows."""
    run: list[str] = []
    for name in names:
        run.append(name)
        if sum(len(mapped[one]) for one in run) >= STEP:
            yield run
            run = []
    if run:
        yield run


def _queries(library: CompressibleLibrary, stored: CentredIndex) -> dict[str, tuple[Rows, Ids]]:
    """Centred rows that ask, of pictures and of captions, each with its own picture."""
    pictures = np.sort(stored.index.picture_ids)
    chosen = pictures[np.linspace(0, len(pictures) - 1, QUERIES).astype(np.int64)]
    found, means = library.embedded(chosen.tolist()), stored.centres.means
    said = found.has_caption
    asked = {
        "picture": (centred_query(found.v_i, IMAGE, means), found.ids),
        "caption": (centred_query(found.v_t[said], TEXT, means), found.ids[said]),
    }
    return {kind: rows for kind, rows in asked.items() if len(rows[1])}
