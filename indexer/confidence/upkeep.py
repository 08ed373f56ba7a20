"""Upkeep of a library's calibration, which is fitted to its own captions while it is indexed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from indexer.confidence.calibration import Calibration
from indexer.confidence.fitting import FIT_FROM_TRIALS, fit
from indexer.confidence.pool import Captions, read_pool
from indexer.confidence.trials import TrialSetting
from indexer.embedding import Floats
from indexer.encoders import Encoder
from indexer.fusion import Fusion
from indexer.progress import Progress
from indexer.vectors.index import VectorIndex

MOST_PICTURES = 2000  # pictures to fit with; more would not change the lines
REFIT_FACTOR = 1.5  # refit once the captioned pictures are this many times more, or fewer
_WHAT = "calibrating confidence"


class Calibrated(Captions, Protocol):
    """A library whose calibration can be kept."""

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
    """Fit a calibration unless the present one suits the captions; too few captions get none."""
    index = library.vectors()
    captioned = index.sums.with_caption
    if captioned < FIT_FROM_TRIALS or _is_fresh(
        library.own_calibration, captioned, library.made_with
    ):
        return
    yield Progress(0, 1, _WHAT)
    ids = index.picture_ids[index.has_caption]
    sample = ids[np.linspace(0, len(ids) - 1, min(MOST_PICTURES, len(ids))).astype(np.int64)]
    setting = TrialSetting(library.fusion, _means(library, index))
    pool = read_pool(library, np.sort(sample))
    lines, queries = fit(pool, setting, library.encoder.encode_texts)
    library.put_calibration(Calibration(lines, library.made_with, captioned, queries))
    yield Progress(1, 1, _WHAT)


def _is_fresh(present: Calibration | None, captioned: int, made_with: str) -> bool:
    if present is None or present.made_with != made_with:
        return False
    return present.captioned / REFIT_FACTOR <= captioned <= present.captioned * REFIT_FACTOR


def _means(library: Calibrated, index: VectorIndex) -> Mapping[str, Floats]:
    """The means on which searches of this library centre queries."""
    return index.fusion.centres_of(index.sums, library.encoder.means).means
