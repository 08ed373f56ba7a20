"""Change of a JPEG's embedding when it is decoded at a smaller scale.

A JPEG of many megapixels is decoded at the smallest scale that is enough for the encoder and the
thumbnail (draft decoding), in a fraction of the time. This prints the cosine between the embeddings
of both decodings, and the time of each.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np
from fixtures.data import DATA, VARIABLE, flickr8k_photographs
from fixtures.large_pictures import large_pictures
from index_rate import ENCODER
from numpy.typing import NDArray

from indexer.encoders import load_encoder
from indexer.pictures.decoding import min_side
from indexer.pictures.images import decode
from indexer.pictures.transform import ImageTransform

FIGURE = 0.995
BATCH = 16  # pictures


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=200, show_default=True)
@click.option("--megapixels", type=click.FloatRange(1), default=12.0, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help=f"Default: ${VARIABLE}.")
def main(pictures: int, megapixels: float, data: Path | None) -> None:
    """Compare embeddings of large JPEGs decoded in part and in full."""
    files = flickr8k_photographs(data or DATA, pictures)
    if not files:
        return
    encoder = load_encoder(ENCODER)
    side = min_side(encoder.transform, thumbnails=True)
    large = large_pictures(files, megapixels)
    cosines: list[float] = []
    seconds: list[tuple[float, float]] = []
    for start in range(0, len(large), BATCH):
        part = large[start : start + BATCH]
        decoded = [[_decoded(file, encoder.transform, s) for s in (side, 0)] for file in part]
        seconds += [(draft[1], full[1]) for draft, full in decoded]
        rows = [encoder.encode_images(np.stack([both[n][0] for both in decoded])) for n in (0, 1)]
        cosines += np.sum(rows[0] * rows[1], axis=1).tolist()
    _report(np.array(cosines), np.array(seconds))


def _decoded(file: Path, transform: ImageTransform, side: int) -> tuple[NDArray[np.uint8], float]:
    """The pixels for the encoder, and the seconds to make them."""
    start = time.perf_counter()
    pixels = transform(decode(file, min_side=side))
    return pixels, time.perf_counter() - start


def _report(cosines: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
    draft, full = np.median(seconds, axis=0) * 1000
    low, middle = np.quantile(cosines, [0.05, 0.5])
    click.echo(f"{len(cosines)} pictures; decoding in part {draft:.0f} ms, in full {full:.0f} ms")
    click.echo(
        f"cosine of the embeddings: median {middle:.4f} (twentieth {low:.4f}, smallest "
        f"{cosines.min():.4f}); the figure to reach in the median is {FIGURE}"
    )


if __name__ == "__main__":
    main()
