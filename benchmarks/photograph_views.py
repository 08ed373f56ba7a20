"""Embeddings of several views of each photograph, kept in the user's cache directory.

A view is a part of a photograph, mirrored half of the time; each view is said to have another one
of the photograph's captions. View 0 is the whole photograph. The last caption of a photograph
belongs to no view: it asks. What is encoded is kept in parts, so that an interrupt loses one part.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders import Encoder, load_encoder
from indexer.files import whole_file
from indexer.locations import cache_directory
from indexer.pictures.images import decode

VARIABLE = "PICFUSE_TEST_DATA"
DATA = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared" / "data")
PART = 500  # photographs whose embeddings are in one file


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file and its captions; `asks` is whether it belongs to the dev split."""

    path: Path
    captions: tuple[str, ...]
    asks: bool


@dataclass(frozen=True, slots=True)
class Views:
    """Rows of all views (n, dim) in float16: of pictures, and of captions where there is one."""

    v_i: NDArray[np.float16]
    v_t: NDArray[np.float16]
    has_caption: NDArray[np.bool_]


def photographs(data: Path) -> list[Photograph]:
    """All photographs of the shared data; those of class labels have no caption."""
    flickr = data / "flickr8k"
    said: dict[str, list[str]] = {}
    for line in (flickr / "Flickr8k.token.txt").read_text().splitlines():
        name, _, caption = line.partition("\t")
        said.setdefault(name.partition("#")[0], []).append(caption)
    dev = set((flickr / "dev.txt").read_text().split())
    found = [
        Photograph(path, tuple(said.get(path.name, ())), path.name in dev)
        for path in sorted((flickr / "images").glob("*.jpg"))
    ]
    with (data / "photos" / "attribution.tsv").open(newline="") as file:
        captions = {row["file"]: row["caption"] for row in csv.DictReader(file, delimiter="\t")}
    for path in sorted((data / "photos" / "images").iterdir()):
        found.append(Photograph(path, (captions.get(path.name, path.stem),), False))
    for path in sorted((data / "imagenet-samples" / "images").iterdir()):
        found.append(Photograph(path, (), False))
    return found


def view(image: Image.Image, number: int, seed: int) -> Image.Image:
    """A part of an image with at least half of each side, perhaps mirrored; view 0 is all of it."""
    if number == 0:
        return image
    random = np.random.default_rng([number, seed])
    shares = random.uniform(0.5, 1, 2)
    width, height = (max(1, round(side * s)) for side, s in zip(image.size, shares, strict=True))
    left = int(random.integers(image.width - width + 1))
    top = int(random.integers(image.height - height + 1))
    part = image.crop((left, top, left + width, top + height))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


def caption_of(photograph: Photograph, number: int) -> str | None:
    """The caption of a view; the last of several is left for a query."""
    said = photograph.captions[:-1] or photograph.captions
    return said[number % len(said)] if said else None


def query_captions(chosen: Sequence[Photograph]) -> list[str]:
    """The captions that belong to no view, of the photographs of the dev split."""
    return [p.captions[-1] for p in chosen if p.asks and len(p.captions) > 1]


def encoded_views(
    encoder: Encoder, chosen: Sequence[Photograph], views: int
) -> Iterator[tuple[int, int]]:
    """Encode what is not in the cache yet; how many parts there are of how many after each."""
    parts = [(n, s) for n in range(views) for s in range(0, len(chosen), PART)]
    for done, (number, start) in enumerate(parts, start=1):
        path = _part_file(encoder, number, start, chosen)
        if not path.exists():
            part = chosen[start : start + PART]
            v_i = _images(encoder, part, number, start)
            v_t = _texts(encoder, [caption_of(p, number) for p in part])
            with whole_file(path) as temporary, temporary.open("wb") as file:
                np.savez(file, v_i=v_i.astype(np.float16), v_t=v_t.astype(np.float16))
        yield done, len(parts)


def read_views(encoder: Encoder, chosen: Sequence[Photograph], views: int) -> Views:
    """The rows of all views, from the cache."""
    v_i, v_t, has = [], [], []
    for number in range(views):
        for start in range(0, len(chosen), PART):
            with np.load(_part_file(encoder, number, start, chosen)) as part:
                v_i.append(part["v_i"])
                v_t.append(part["v_t"])
            has += [bool(photograph.captions) for photograph in chosen[start : start + PART]]
    return Views(np.concatenate(v_i), np.concatenate(v_t), np.array(has))


def _part_file(encoder: Encoder, number: int, start: int, chosen: Sequence[Photograph]) -> Path:
    folder = cache_directory() / "benchmarks" / encoder.fingerprint[:16]
    return folder / f"view-{number}-{start}-of-{len(chosen)}.npz"


def _images(
    encoder: Encoder, part: Sequence[Photograph], number: int, start: int
) -> NDArray[np.float32]:
    def pixels(item: tuple[int, Photograph]) -> NDArray[np.uint8]:
        image = decode(item[1].path, min_side=encoder.transform.size)
        return encoder.transform(view(image, number, item[0]))

    with ThreadPoolExecutor() as pool:
        return encoder.encode_images(np.stack(list(pool.map(pixels, enumerate(part, start)))))


def _texts(encoder: Encoder, said: Sequence[str | None]) -> NDArray[np.float32]:
    rows = np.zeros((len(said), encoder.dim), np.float32)
    there = [n for n, caption in enumerate(said) if caption is not None]
    rows[there] = encoder.encode_texts([caption for caption in said if caption is not None])
    return rows


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--views", type=click.IntRange(1), default=6, show_default=True)
@click.option("--seconds", type=float, help="Stop after the first part that ends later than this.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
def main(views: int, seconds: float | None, data: Path) -> None:
    """Encode views of the photographs ahead of a benchmark; one that is stopped goes on."""
    begun = time.monotonic()
    for done, total in encoded_views(load_encoder("mini"), photographs(data), views):
        click.echo(f"{done} of {total} parts, {time.monotonic() - begun:.0f} s", err=True)
        if seconds is not None and time.monotonic() - begun > seconds:
            return


if __name__ == "__main__":
    main()
