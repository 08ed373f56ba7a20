"""Folding of near-identical shots into one hit: the share of variants, and mistakes.

    python benchmarks/folding.py FOLDER [--split FILE] [--photographs 300] [--varied 60]

Makes variants of some photographs of a folder as they occur in practice: saved again, shrunk,
brightened, and the next shot of a burst (another frame, a little closer, a little turned). Variants
should be folded, different photographs should not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from indexer import Library, index_folder
from indexer.datasets.folder import read_split
from indexer.library.records import copies
from indexer.settings import DEFAULT_ENCODER
from search.ranking.folding import are_alike
from search.ranking.looks import Sight, near


def main() -> None:
    """Print the share of folded variants by kind, and the folded pairs of different pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--photographs", type=int, default=300)
    parser.add_argument("--varied", type=int, default=60)
    options = parser.parse_args()
    only = None if options.split is None else read_split(options.folder, options.split)
    folder = options.folder
    files = sorted(
        path
        for path in folder.rglob("*.jpg")
        if only is None or os.fsencode(path.relative_to(folder)) in only
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        for number, path in enumerate(files[: options.photographs]):
            _write(path, folder, number, varied=number < options.varied)
        with Library.create(Path(place) / "library", encoder=options.model) as library:
            index_folder(library, folder)
            _report(library)


def _write(path: Path, folder: Path, number: int, *, varied: bool) -> None:
    image = Image.open(path).convert("RGB")
    image.save(folder / f"{number:05}-original.jpg", quality=95)
    for kind, variant in _variants(image) if varied else ():
        variant.save(folder / f"{number:05}-{kind}.jpg", quality=40 if kind == "saved" else 90)


def _variants(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Variants of a picture: edited copies, and simulated next shots of a burst."""
    width, height = image.size
    yield "saved", image
    yield "shrunk", image.resize((width // 2, height // 2))
    yield "lit", ImageEnhance.Brightness(image).enhance(1.2)
    across, down = width // 33, height // 33
    yield "first frame", image.crop((0, 0, width - across, height - down))
    yield "next frame", image.crop((across, down, width, height))
    yield "closer", image.crop((across, down, width - across, height - down))
    turned = image.rotate(2, Image.Resampling.BICUBIC)
    yield "turned", turned.crop((across, down, width - across, height - down))


def _report(library: Library) -> None:
    known = copies(library.catalogue)
    rows = library.embedded([copy.id for copy in known]).v_i
    hashes = np.frombuffer(b"".join(copy.perceptual_hash or bytes(8) for copy in known), np.uint64)
    names = [copy.path.stem.split("-", 1) for copy in known]
    bits = np.bitwise_count(hashes[:, None] ^ hashes)
    cosines = rows @ rows.T
    alike = are_alike(bits, cosines) & (hashes[:, None] != 0) & (hashes != 0)
    sights = [Sight(copy.content_hash, copy.path, library.thumbnails) for copy in known]
    for one, other in np.argwhere(np.triu(alike, 1)).tolist():
        alike[one, other] = alike[other, one] = near(sights[one], sights[other])
    originals = {number: n for n, (number, kind) in enumerate(names) if kind == "original"}
    for kind in dict.fromkeys(kind for _, kind in names if kind != "original"):
        pairs = [(originals[number], n) for n, (number, k) in enumerate(names) if k == kind]
        one, other = np.array(pairs).T
        print(
            f"{kind:12} {alike[one, other].mean():4.0%} folded of {len(pairs)}; bits "
            f"{np.median(bits[one, other]):.0f}, at most {bits[one, other].max()}; cosine "
            f"{np.median(cosines[one, other]):.3f}, at least {cosines[one, other].min():.3f}"
        )
    places = np.array(list(originals.values()))
    among = np.triu(alike[np.ix_(places, places)], 1)
    print(f"{among.sum()} of {len(places) * (len(places) - 1) // 2:,} different pairs folded")
    for one, other in np.argwhere(among)[:20]:
        print("  ", names[places[one]][0], names[places[other]][0])


if __name__ == "__main__":
    main()
