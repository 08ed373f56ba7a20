"""Accuracy of heat maps: how often the peak is on the picture that the query describes.

    python benchmarks/heat_map.py FOLDER --split dev.txt

Pastes two captioned pictures side by side, or one above the other, whichever makes the squarer
picture, searches with a caption of each, and counts the maps whose peak is in its half; then the
same with four in a square, where chance finds a quarter. A peak on the border between two parts
counts half. The built-in model was trained on Flickr8k's train split.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from indexer import Library
from indexer.captions import find_captions
from indexer.datasets.folder import picture_names, read_split
from indexer.encoders import LocatingEncoder
from indexer.pictures.images import decode
from indexer.settings import DEFAULT_ENCODER
from search import Query
from search.heat_map import HeatMap, HeatMapQuery

SIDE = 300  # height of a part in pixels; all parts are resized to one shape

Captioned = tuple[Path, str]


def main() -> None:
    """Print the share of peaks in the right half, and in the right quarter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path, help="a list of pictures' names")
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--pasted", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    captioned = _captioned(options.folder, options.split)
    order = np.random.default_rng(options.seed).permutation(len(captioned))
    shuffled = [captioned[place] for place in order.tolist()]
    with (
        TemporaryDirectory() as folder,
        Library.create(Path(folder) / "library", encoder=options.model) as library,
    ):
        for parts in (2, 4):
            groups = _groups(shuffled, parts)[: options.pasted]
            hits = [hit for group in groups for hit in _hits(library, group)]
            print(f"{parts} pasted: {np.mean(hits):.3f} of {len(hits)} peaks in the right one")


def _captioned(folder: Path, split: Path | None) -> list[Captioned]:
    """Pictures with their first captions, by name."""
    names = picture_names(folder) if split is None else sorted(read_split(folder, split))
    found = find_captions(folder, names).captions
    return [(folder / n.decode(), found[n][0].text) for n in sorted(names) if found.get(n)]


def _groups(captioned: Sequence[Captioned], parts: int) -> list[Sequence[Captioned]]:
    return [captioned[n : n + parts] for n in range(0, len(captioned) - parts + 1, parts)]


def _hits(library: Library, group: Sequence[Captioned]) -> list[float]:
    """For each picture of a group whether its caption is found in it: 1, 0 or 0.5."""
    pasted, columns = _paste([decode(path) for path, _ in group])
    encoder = library.encoder
    assert isinstance(encoder, LocatingEncoder)
    (rows,) = encoder.encode_places(encoder.transform(pasted)[None])
    hits = []
    for place, (_, caption) in enumerate(group):
        query = HeatMapQuery.of(library, Query.of(caption))
        peak = HeatMap(rows @ query.q, (0, 0, 1, 1)).peak
        row, column = divmod(place, columns)
        across = _within(peak[0], column, columns)
        hits.append(across * _within(peak[1], row, len(group) // columns))
    return hits


def _paste(images: Sequence[Image.Image]) -> tuple[Image.Image, int]:
    """Paste pictures into one; returns it and the number of columns."""
    shape = float(np.exp(np.mean([np.log(image.width / image.height) for image in images])))
    parts = [np.asarray(image.resize((round(SIDE * shape), SIDE))) for image in images]
    if len(images) == 4:
        return Image.fromarray(np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])), 2
    if shape < 1:
        return Image.fromarray(np.hstack(parts)), 2
    return Image.fromarray(np.vstack(parts)), 1


def _within(share: float, part: int, parts: int) -> float:
    """Whether a place (0 to 1) is in one of equal parts: 1, 0, or 0.5 on the border."""
    if parts == 1:
        return 1.0
    if abs(share - 0.5) < 1e-6:
        return 0.5
    return float((share > 0.5) == (part == 1))


if __name__ == "__main__":
    main()
