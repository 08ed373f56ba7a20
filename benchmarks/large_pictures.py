"""JPEGs of many megapixels, as a camera makes them: photographs enlarged, with a sensor's noise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from PIL import Image

QUALITY = 90
NOISE = 4.0  # standard deviation, of 255: makes files of about 2 MB
_NOISES = 1_000_003  # different ones: a prime, so that no pattern lines up


def large_pictures(files: Sequence[Path], megapixels: float) -> list[Path]:
    """These photographs, enlarged; each is made once, and kept with temporary files."""
    room = Path(gettempdir()) / f"picfuse-{megapixels:g}-megapixels"
    room.mkdir(parents=True, exist_ok=True)
    todo = [file for file in files if not (room / file.name).exists()]
    with ProcessPoolExecutor() as processes:
        list(processes.map(partial(_enlarge, room=room, megapixels=megapixels), todo))
    return [room / file.name for file in files]


def _enlarge(file: Path, room: Path, megapixels: float) -> None:
    with Image.open(file) as small:
        scale = (megapixels * 1e6 / (small.width * small.height)) ** 0.5
        size = (round(small.width * scale), round(small.height * scale))
        large = np.asarray(small.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.int16)
    random = np.random.default_rng(list(file.name.encode()))
    noise = np.rint(random.standard_normal(_NOISES, np.float32) * NOISE).astype(np.int16)
    noisy = np.clip(large + np.resize(noise, large.shape), 0, 255).astype(np.uint8)
    temporary = room / f".{file.name}.{os.getpid()}"  # a hidden name: no picture
    Image.fromarray(noisy).save(temporary, "JPEG", quality=QUALITY, subsampling="4:2:0")
    temporary.replace(room / file.name)
