"""Pictures to index: real photographs, the same at twelve megapixels, and many tiny ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PIXELS = 12_000_000
NOISE = 3.0  # standard deviation, of 255: an enlarged photograph is smoother than a camera's
QUALITY = 92


def link_photographs(files: Sequence[Path], folder: Path) -> None:
    """A folder with links to photographs."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file.resolve())


def enlarge_photographs(files: Sequence[Path], folder: Path) -> None:
    """A folder with JPEGs of twelve megapixels, of the weight that a camera gives them."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    for file in files:
        with Image.open(file) as photograph:
            large = _enlarged(photograph.convert("RGB"))
        pixels = np.asarray(large, np.float32)
        grain = noise.standard_normal(pixels.shape[:2], np.float32)[..., None]
        noisy = np.clip(pixels + NOISE * grain, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / file.name, quality=QUALITY)


def _enlarged(photograph: Image.Image) -> Image.Image:
    scale = (PIXELS / (photograph.width * photograph.height)) ** 0.5
    size = round(photograph.width * scale), round(photograph.height * scale)
    return photograph.resize(size, Image.Resampling.BICUBIC)


def random_rows(count: int, dim: int = 512) -> NDArray[np.float32]:
    """Rows (count, dim) of unit length in random directions, the same each time."""
    rows = np.random.default_rng(0).standard_normal((count, dim), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
