"""Keeping a library's calibration: fitted from its own captions while it is indexed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.confidence.calibration import Calibration
from indexer.confidence.fitting import FIT_FROM_TRIALS, fit
from indexer.confidence.pool import Captions, read_pool
from indexer.confidence.trials import TrialSetting
from indexer.encoders import Encoder
from indexer.fusion import Fusion
from indexer.progress import Progress
from indexer.vectors.index import VectorIndex

MOST_PICTURES = 2000  # pictures of the library that is asked: more would teach nothing new
GROWN = 1.5  # fitted anew when there are so many times the captioned pictures, or as many fewer
_WHAT = "calibrating confidence"


class Calibrated(Captions, Protocol):
    """A library whose calibration is kept."""

    @property
    def encoder(self) -> Encoder: ...
    @property
    def fusion(self) -> Fusion: ...
    @property
    def made_with(self) -> str: ...
    @property
    def own_calibration(self) -> Calibration | None: ...
    def vectors(self) -> VectorIndex:
        """The vector index."""
        ...

    def put_calibration(self, calibration: Calibration) -> None:
        """Keep a calibration."""
        ...


def calibrate(library: Calibrated) -> Iterator[Progress]:
    """Fit the calibration where there is none for so many captions; few captions have none."""
    index = library.vectors()
    captioned = index.sums.with_caption
    if captioned < FIT_FROM_TRIALS or _is_fresh(
        library.own_calibration, captioned, library.made_with
    ):
        return
    yield Progress(0, 1, _WHAT)
    ids = index.picture_ids[index.has_caption]
    chosen = ids[np.linspace(0, len(ids) - 1, min(MOST_PICTURES, len(ids))).astype(np.int64)]
    setting = TrialSetting(library.fusion, _means(library, index))
    pool = read_pool(library, np.sort(chosen))
    lines, asked = fit(pool, setting, library.encoder.encode_texts)
    library.put_calibration(Calibration(lines, library.made_with, captioned, asked))
    yield Progress(1, 1, _WHAT)


def _is_fresh(kept: Calibration | None, captioned: int, made_with: str) -> bool:
    if kept is None or kept.made_with != made_with:
        return False
    return kept.captioned / GROWN <= captioned <= kept.captioned * GROWN


def _means(library: Calibrated, index: VectorIndex) -> Mapping[str, NDArray[np.float32]]:
    """The means that searches of this library centre with."""
    return index.fusion.centres_of(index.sums, library.encoder.means).means
