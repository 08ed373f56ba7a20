"""The speed of this machine, to tell how long a model will take before it is downloaded."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

SIDE = 1024  # of the matrices: as large as those of a picture in a transformer
ROUNDS = 10  # the fastest counts: other programs disturb some
REACHED = 0.6  # share of that speed that a whole tower reaches in ONNX Runtime


@cache
def gigaflops() -> float:
    """Measured billions of float32 operations a second in products of matrices, on all cores.

    Takes about a quarter of a second.
    """
    matrix = np.full((SIDE, SIDE), 0.5, np.float32)
    fastest = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        matrix @ matrix
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * SIDE**3 / fastest / 1e9


def pictures_per_second(work: float) -> float:
    """An estimate of how many pictures a tower encodes a second; `work`: gigaflops of one."""
    return REACHED * gigaflops() / work
