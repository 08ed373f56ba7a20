"""Keeping a library's calibration current: it is fitted to its captions after indexing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from indexer.catalogue.values import text_hash, unpack
from indexer.confidence.calibration import Calibration
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
    """Fit the calibration unless there is one for about as many captions; few captions get none."""
    index = library.vectors()
    captioned = index.sums.with_caption
    if captioned < FIT_FROM_TRIALS or _is_fresh(
        library.own_calibration, captioned, library.vectors_key
    ):
        return
    yield Progress(0, 1, _WHAT)
    ids = index.picture_ids[index.has_caption]
    chosen = ids[np.linspace(0, len(ids) - 1, min(MOST_PICTURES, len(ids))).astype(np.int64)]
    setting = TrialSetting(library.fusion, _means(library, index))
    pool = read_pool(library, np.sort(chosen))
    lines, asked = fit([pool], setting, library.encoder.encode_texts)
    library.put_calibration(Calibration(lines, library.vectors_key, captioned, asked))
    yield Progress(1, 1, _WHAT)


def _is_fresh(own: Calibration | None, captioned: int, vectors_key: str) -> bool:
    if own is None or own.made_with != vectors_key:
        return False
    return own.captioned / REFIT_FACTOR <= captioned <= own.captioned * REFIT_FACTOR


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
