"""Views: variations of a picture, from which heads learn what matters in it."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import v2

from indexer.encoders.protocol import Pixels

VIEWS = 4  # the unchanged picture, its mirror image, and two crops


def view(pixels: Pixels, names: list[bytes], number: int) -> Pixels:
    """One view of pictures (n, s, s, 3), of the same shape.

    View 0 is the unchanged picture, 1 its mirror image; higher ones are crops of 55 to 100 per cent
    of its area in changed colours, always the same for a name and a number.
    """
    if number < 2:
        return pixels[:, :, ::-1] if number else pixels
    return np.stack([_crop(p, _seed(n, number)) for p, n in zip(pixels, names, strict=True)])


def _crop(picture: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    changes = v2.Compose(
        [
            v2.RandomResizedCrop(picture.shape[:2], scale=(0.55, 1.0), ratio=(0.8, 1.25)),
            v2.ColorJitter(0.25, 0.25, 0.25, 0.03),
            v2.RandomHorizontalFlip(),
        ]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Pillow changes colours three times as fast as tensors do.
        return np.asarray(changes(Image.fromarray(picture)), dtype=np.uint8)


def _seed(name: bytes, number: int) -> int:
    digest = hashlib.blake2b(b"%d " % number + name, digest_size=7).digest()
    return int.from_bytes(digest, "little")
