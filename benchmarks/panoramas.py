"""Panoramas: whether something small in them is found, looked at in parts or squeezed.

    python benchmarks/panoramas.py PHOTOS OTHERS [--height 0.4] [--seeds 2] [--empty]

Puts an animal (`animal_NAME.jpg` of PHOTOS) into sceneries (`landmark_*.jpg`, `place_*.jpg`) that
are 3 and 5 times as wide as high, asks for "a NAME", and ranks the right panorama among all others
and 150 pictures of OTHERS. `--empty` blackens the left end, as programs that stitch do.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.embedding import IMAGE, TEXT, Rows, centred_query, unit_rows
from indexer.encoders import Encoder, load_encoder
from indexer.encoders.parts import encode_with_parts
from indexer.locations import cache_directory
from indexer.pictures.parts import transformed_parts
from indexer.settings import DEFAULT_ENCODER

_NAMES = ("bee", "duck", "frog", "jellyfish", "leopard", "lion", "panda", "parrot", "penguin",
          "shark", "snake", "walrus")  # fmt: skip
_HEIGHT = 600  # pixels of a panorama
_OTHERS = 150


def main() -> None:
    """Print how many panoramas are first, and among the first three and ten, for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("others", type=Path)
    parser.add_argument("--height", type=float, default=0.4, help="of an animal, as a share")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--empty", action="store_true")
    options = parser.parse_args()
    encoder = load_encoder(DEFAULT_ENCODER, cache=cache_directory(), offline=True)
    files = sorted(options.others.rglob("*.jpg"))[:_OTHERS]
    others = _whole(encoder, [Image.open(file).convert("RGB") for file in files])
    queries = encoder.encode_texts([f"a {name}" for name in _NAMES])
    queries = centred_query(queries, TEXT, encoder.means)
    ranks: dict[str, list[int]] = {}
    for seed, shape in itertools.product(range(options.seeds), (3, 5)):
        made = _panoramas(options.photos, shape, seed, options.height, empty=options.empty)
        for way, rows in _ways(encoder, made).items():
            ranks.setdefault(way, []).extend(_ranks(encoder, queries, rows, others))
    for way, found in ranks.items():
        within = ", ".join(f"{np.sum(np.array(found) <= k)} within {k}" for k in (1, 3, 10))
        print(f"{way:14} {within} of {len(found)}; median rank {np.median(found):g}")


def _panoramas(
    photos: Path, shape: float, seed: int, share: float, *, empty: bool
) -> list[Image.Image]:
    random = np.random.default_rng(seed)
    sceneries = [*sorted(photos.glob("landmark_*.jpg")), *sorted(photos.glob("place_*.jpg"))]
    made = []
    for number, name in enumerate(_NAMES):
        width = round(_HEIGHT * shape)
        picture = Image.open(sceneries[(number * 5 + seed) % len(sceneries)]).convert("RGB")
        scale = max(width / picture.width, _HEIGHT / picture.height)
        picture = picture.resize((int(picture.width * scale) + 1, int(picture.height * scale) + 1))
        top = (picture.height - _HEIGHT) // 2
        picture = picture.crop((0, top, width, top + _HEIGHT))
        animal = Image.open(photos / f"animal_{name}.jpg").convert("RGB")
        height = round(_HEIGHT * share)
        animal = animal.resize((round(animal.width * height / animal.height), height))
        left = round((width - animal.width) * (0.4 + 0.6 * random.random()))
        if empty:
            picture.paste("black", (0, 0, round(1.1 * _HEIGHT), _HEIGHT))
        picture.paste(animal, (left, round((_HEIGHT - height) * 0.7)))
        made.append(picture)
    return made


def _ways(encoder: Encoder, pictures: list[Image.Image]) -> dict[str, Rows]:
    parts = [transformed_parts(encoder.transform, picture) for picture in pictures]
    pixels = np.stack([encoder.transform(picture) for picture in pictures])
    means = [encoder.encode_images(own).mean(axis=0) for own in parts]
    return {
        "squeezed": encoder.encode_images(pixels),
        "mean of parts": unit_rows(np.stack(means)),
        "picfuse": encode_with_parts(encoder, pixels, parts),
    }


def _whole(encoder: Encoder, pictures: list[Image.Image]) -> Rows:
    return encoder.encode_images(np.stack([encoder.transform(picture) for picture in pictures]))


def _ranks(encoder: Encoder, queries: Rows, rows: Rows, others: Rows) -> list[int]:
    scores = queries @ (np.concatenate([rows, others]) - encoder.means[IMAGE]).T
    return [int((each > each[n]).sum()) + 1 for n, each in enumerate(scores)]


if __name__ == "__main__":
    main()
