"""Keeping a library's calibration current: it is fitted to its captions after indexing.

A library of few captions, with an encoder that none is shipped for, gets an estimated one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from indexer.catalogue.values import text_hash, unpack
from indexer.confidence.calibration import Calibration
from indexer.confidence.estimating import FEWEST_PICTURES, estimate
from indexer.confidence.fitting import FIT_FROM_TRIALS, fit
from indexer.confidence.pool import Pool
from indexer.confidence.trials import TrialSetting
from indexer.embedding import TEXT, Floats, Ints, unit_rows
from indexer.library.library import Library
from indexer.library.state import LibraryState
from indexer.progress import Progress
from indexer.vectors.index import VectorIndex

MOST_PICTURES = 2000  # of the library, to fit to: more would teach nothing new
REFIT_FACTOR = 1.5  # fitted again once the captioned pictures are this many times more, or fewer
_WHAT = "calibrating confidence"


def calibrate(library: Library) -> Iterator[Progress]:
    """Fit the calibration unless there is one for about as many captions, or pictures."""
    index, own = library.vectors(), library.own_calibration
    captioned = index.sums.with_caption
    if captioned >= FIT_FROM_TRIALS:
        if own is None or own.estimated_from or not _is_near(own.captioned, captioned):
            yield from _kept(library, lambda: _fitted(library, index))
    elif index.size >= FEWEST_PICTURES and _lacks_estimate(library, index.size):
        yield from _kept(library, lambda: _estimated(library, index))


def _lacks_estimate(library: Library, pictures: int) -> bool:
    own = library.own_calibration
    is_kept = own is not None and (not own.estimated_from or _is_near(own.estimated_from, pictures))
    return not (is_kept or library.has_shipped_calibration)


def _is_near(before: int, now: int) -> bool:
    """Whether numbers of pictures are so close that nothing new could be learned."""
    return before / REFIT_FACTOR <= now <= before * REFIT_FACTOR


def _kept(library: Library, made: Callable[[], Calibration]) -> Iterator[Progress]:
    yield Progress(0, 1, _WHAT)
    library.put_calibration(made())
    yield Progress(1, 1, _WHAT)


def _fitted(library: Library, index: VectorIndex) -> Calibration:
    """The calibration of a library's captions."""
    pool = read_pool(library, _some(index.picture_ids[index.has_caption]))
    lines, asked = fit([pool], _setting(library, index), library.encoder.encode_texts)
    return Calibration(lines, library.vectors_key, index.sums.with_caption, asked)


def _estimated(library: Library, index: VectorIndex) -> Calibration:
    """The calibration of a library's pictures alone."""
    v_i = library.embedded(_some(index.picture_ids).tolist()).v_i
    lines = estimate(v_i, _setting(library, index), library.encoder.encode_texts)
    captioned = index.sums.with_caption
    return Calibration(lines, library.vectors_key, captioned, estimated_from=index.size)


def _some(ids: Ints) -> Ints:
    """The ids, or if they are very many, some of them: more would teach nothing new."""
    places = np.linspace(0, len(ids) - 1, min(MOST_PICTURES, len(ids)))
    return np.sort(ids[places.astype(np.int64)])


def _setting(library: Library, index: VectorIndex) -> TrialSetting:
    return TrialSetting(library.fusion, _means(library, index))


def _means(library: Library, index: VectorIndex) -> Mapping[str, Floats]:
    """The means that searches of this library centre with."""
    return index.fusion.centres_of(index.sums, library.encoder.means).means


def read_pool(library: LibraryState, ids: Ints) -> Pool:
    """The captioned ones of these pictures; captions without an embedding are left out."""
    features, dim = library.embedded(ids.tolist()), library.settings.dim
    shown = library.catalogue.pictures(features.ids.tolist())
    hashes = {text_hash(text) for picture in shown.values() for text in picture.captions}
    known = library.embeddings.of_contents(library.encoder_id, TEXT, hashes)
    texts: list[str] = []
    counts, places = [], []
    for place, key in enumerate(features.ids.tolist()):
        captions = shown[key].captions if key in shown else ()
        embedded = [text for text in captions if text_hash(text) in known]
        if embedded:
            texts += embedded
            counts.append(len(embedded))
            places.append(place)
    v_t = unit_rows(unpack([known[text_hash(text)] for text in texts], dim))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Pool(features.v_i[places], v_t, tuple(texts), starts)
