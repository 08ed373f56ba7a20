"""Pictures to index: real photographs, the same at twelve megapixels, and many tiny ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

PIXELS = 12_000_000
NOISE = 5  # of 255, at most: without it, enlarged photographs are smoother than a camera's
QUALITY = 92


def link_photographs(files: Sequence[Path], folder: Path) -> None:
    """Make a folder with links to photographs."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file.resolve())


def enlarge_photographs(files: Sequence[Path], folder: Path) -> None:
    """Make a folder with JPEGs of twelve megapixels, about as large as those of a camera."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for file in files:
        with Image.open(file) as photograph:
            large = _enlarged(photograph.convert("RGB"))
        levels = random.integers(
            128 - NOISE, 128 + NOISE, large.size[::-1], np.uint8, endpoint=True
        )
        grain = Image.merge("RGB", 3 * [Image.fromarray(levels)])
        noisy = ImageChops.add(large, grain, offset=-128)
        noisy.save(folder / file.name, quality=QUALITY)


def _enlarged(photograph: Image.Image) -> Image.Image:
    scale = (PIXELS / (photograph.width * photograph.height)) ** 0.5
    size = round(photograph.width * scale), round(photograph.height * scale)
    return photograph.resize(size, Image.Resampling.BICUBIC)


def random_rows(count: int, dim: int = 512) -> NDArray[np.float32]:
    """Unit rows (count, dim) in random directions, the same each time."""
    rows = np.random.default_rng(0).standard_normal((count, dim), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
