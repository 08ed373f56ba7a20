"""The rate of indexing, against the rate that its two costly stages allow.

A picture must be decoded (with its thumbnail) and encoded, and both stages can use every core: so
at best indexing runs at `1 / (1/encoder + 1/decoding)`, each of the two measured alone. Every run
of indexing is timed between two measurements of this limit and divided by their mean, since rates
from different minutes do not compare on a busy machine.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
from fixtures.data import DATA, VARIABLE, flickr8k_photographs
from fixtures.large_pictures import large_pictures
from numpy.typing import NDArray

from indexer import Library, index_folder
from indexer.encoders import Encoder, Pixels, load_encoder
from indexer.pictures.decoding import Decoded
from indexer.pictures.pool import DecodingPool
from indexer.pipeline.report import PICTURES_PER_BATCH

ENCODER = "mini"
FIGURE, FIGURE_OF_LARGE = 0.95, 0.9


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds that each of the two stages takes alone for all pictures."""

    encoding: float
    decoding: float


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--megapixels", type=click.FloatRange(1), help="Enlarge the photographs first.")
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help=f"Default: ${VARIABLE}.")
def main(pictures: int, megapixels: float | None, repeat: int, data: Path | None) -> None:
    """Measure the rate of indexing against that of its two stages alone."""
    files = flickr8k_photographs(data or DATA, pictures)
    if not files:
        return
    kind = f" of {megapixels:g} megapixels" if megapixels else ""
    click.echo(f"{len(files)} photographs{kind}, encoder {ENCODER}, {repeat} repetitions\n")
    if megapixels:
        files = large_pictures(files, megapixels)
    with tempfile.TemporaryDirectory() as name:
        limits, indexing = _measure(_linked(files, Path(name) / "pictures"), Path(name), repeat)
    _report(len(files), limits, indexing, FIGURE_OF_LARGE if megapixels else FIGURE)


def _linked(files: Sequence[Path], folder: Path) -> Path:
    """A folder with links to the photographs, and no captions."""
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file.resolve())
    return folder


def _measure(pictures: Path, room: Path, repeat: int) -> tuple[list[Limit], list[float]]:
    """Seconds of `repeat` runs of indexing, and the limits measured before and after each."""
    encoder = load_encoder(ENCODER)
    encoder.encode_texts(["towers are exported when they are first used"])
    pixels = _warm_up(encoder, pictures, room / "warm")
    limits = [_limit(encoder, pixels, pictures, room / "limit")]
    indexing = []
    for number in range(repeat):
        indexing.append(_indexing(pictures, room / f"library-{number}"))
        limits.append(_limit(encoder, pixels, pictures, room / f"limit-{number}"))
    return limits, indexing


def _warm_up(encoder: Encoder, pictures: Path, room: Path) -> Pixels:
    """Decode all pictures; this also warms up the encoder and the page cache."""
    with DecodingPool(encoder.transform, room) as pool:
        outcomes = list(pool.decode_all(_items(pictures)))
    pixels = np.stack([outcome.pixels for outcome in outcomes if isinstance(outcome, Decoded)])
    encoder.encode_images(pixels[:PICTURES_PER_BATCH])
    return pixels


def _limit(encoder: Encoder, pixels: Pixels, pictures: Path, thumbnails: Path) -> Limit:
    start = time.perf_counter()
    for first in range(0, len(pixels), PICTURES_PER_BATCH):
        encoder.encode_images(pixels[first : first + PICTURES_PER_BATCH])
    return Limit(time.perf_counter() - start, _decoding(encoder, pictures, thumbnails))


def _decoding(encoder: Encoder, pictures: Path, thumbnails: Path) -> float:
    """Seconds of decoding with thumbnails, after the workers have started."""
    items = _items(pictures)
    with DecodingPool(encoder.transform, thumbnails) as pool:
        list(pool.decode_all(items[:16]))
        for thumbnail in thumbnails.rglob("*.jpg"):
            thumbnail.unlink()
        start = time.perf_counter()
        for _ in pool.decode_all(items):
            pass
        return time.perf_counter() - start


def _items(pictures: Path) -> list[tuple[int, bytes]]:
    return list(enumerate(sorted(os.fsencode(file) for file in pictures.iterdir())))


def _indexing(pictures: Path, library: Path) -> float:
    """Seconds to make a library of all pictures; its encoder and its workers start cold."""
    start = time.perf_counter()
    with Library.create(library, encoder=ENCODER) as made:
        report = index_folder(made, pictures)
        seconds = time.perf_counter() - start
    if report.failed:
        raise click.ClickException(f"{len(report.failed)} pictures could not be indexed")
    return seconds


def _report(count: int, limits: Sequence[Limit], indexing: Sequence[float], figure: float) -> None:
    """Print a line for each repetition, and the medians; rates are in pictures per second."""
    click.echo("repetition  encoder  decode and thumbnail  limit  indexing  ratio")
    rows = []
    for seconds, (before, after) in zip(indexing, pairwise(limits), strict=True):
        encoding = (before.encoding + after.encoding) / 2
        decoding = (before.decoding + after.decoding) / 2
        limit = encoding + decoding
        rows.append([*(count / s for s in (encoding, decoding, limit, seconds)), limit / seconds])
    for number, row in enumerate(rows, 1):
        click.echo(_line(str(number), row))
    click.echo(_line("median", np.median(np.array(rows), axis=0)))
    ratios = [row[-1] for row in rows]
    click.echo(
        f"\nindexing / limit: median {statistics.median(ratios):.2f} "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f}); the figure to reach is {figure}"
    )


def _line(label: str, row: Sequence[float] | NDArray[np.float64]) -> str:
    widths = zip((7, 20, 5, 8), row, strict=False)
    return f"{label:>10}  {'  '.join(f'{v:{w}.1f}' for w, v in widths)}  {row[-1]:5.2f}"


if __name__ == "__main__":
    main()
