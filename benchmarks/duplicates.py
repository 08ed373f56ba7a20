"""Precision and recall of `picfuse duplicates`, by tier and by kind of variant.

    python benchmarks/duplicates.py FOLDER --split dev.txt

Makes variants of some photographs of a folder, and indexes all of them in a temporary folder; those
without variants are distractors. Recall: the share of variants in a group with their original.
Precision: the share of pairs within groups that are variants of one photograph. Other shots of the
same scene, if the folder has them, count as mistakes too; `--show` lists them.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageEnhance

from indexer import Library, index_folder
from indexer.datasets.folder import picture_names, read_split
from indexer.pictures.images import decode
from indexer.settings import DEFAULT_ENCODER
from search.duplicates import Group, Tier, find_duplicates

SaveVariant = Callable[[Image.Image, Path], None]


def resized(image: Image.Image, path: Path) -> None:
    """Save at half the width and height."""
    image.resize((image.width // 2, image.height // 2)).save(path, quality=90)


def recompressed(image: Image.Image, path: Path) -> None:
    """Save as a JPEG of quality 30."""
    image.save(path, quality=30)


def brightened(image: Image.Image, path: Path) -> None:
    """Save a third brighter."""
    ImageEnhance.Brightness(image).enhance(1.33).save(path, quality=90)


def darkened(image: Image.Image, path: Path) -> None:
    """Save a third darker."""
    ImageEnhance.Brightness(image).enhance(0.67).save(path, quality=90)


def cropped(image: Image.Image, path: Path) -> None:
    """Save without a tenth of the width and height, at the right and at the bottom."""
    image.crop((0, 0, round(image.width * 0.9), round(image.height * 0.9))).save(path, quality=90)


def rotated(image: Image.Image, path: Path) -> None:
    """Save on its side, with an EXIF orientation that turns it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a turn by 90 degrees clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(path, quality=90, exif=exif)


KINDS: dict[str, SaveVariant] = {
    kind.__name__: kind for kind in (resized, recompressed, brightened, darkened, cropped, rotated)
}


def main() -> None:
    """Print precision and recall of each tier, and recall by kind of variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path, help="a list of pictures' names")
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--varied", type=int, default=300, help="photographs that have variants")
    parser.add_argument("--pictures", type=int, default=1000, help="photographs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="list the pairs that are mistakes")
    options = parser.parse_args()
    names = picture_names(options.folder)
    if options.split is not None:
        names = list(read_split(options.folder, options.split))
    order = np.random.default_rng(options.seed).permutation(len(names))[: options.pictures]
    chosen = [options.folder / sorted(names)[place].decode() for place in order.tolist()]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pictures"
        folder.mkdir()
        make(chosen, chosen[: options.varied], folder)
        with Library.create(Path(temporary) / "library", encoder=options.model) as library:
            report = index_folder(library, folder)
            varied = min(options.varied, len(chosen))
            print(
                f"{report.added} pictures, of which {varied} photographs with {len(KINDS)} variants"
            )
            for tier in Tier:
                print_figures(tier, find_duplicates(library, tier), varied, show=options.show)


def make(chosen: Sequence[Path], varied: Sequence[Path], folder: Path) -> None:
    """Copy the photographs, and write the variants of some: `N.original.jpg`, `N.resized.jpg`."""
    for number, path in enumerate(chosen):
        shutil.copyfile(path, folder / f"{number}.original{path.suffix}")
    for number, path in enumerate(varied):
        image = decode(path)
        for name, save in KINDS.items():
            save(image, folder / f"{number}.{name}.jpg")


def print_figures(tier: Tier, groups: Sequence[Group], varied: int, *, show: bool) -> None:
    """Print the precision of pairs within groups, and the recall of each kind."""
    found, wrong = dict.fromkeys(KINDS, 0), []
    pairs = 0
    for group in groups:
        parts = [copy.path.name.split(".")[:2] for copy in group.pictures]
        originals = {number for number, kind in parts if kind == "original"}
        for number, kind in parts:
            found[kind] = found.get(kind, 0) + (kind in KINDS and number in originals)
        pairs += len(parts) * (len(parts) - 1) // 2
        wrong += [(a, b) for a, b in combinations(parts, 2) if a[0] != b[0]]
    precision = f"{1 - len(wrong) / pairs:.4f} of {pairs} pairs" if pairs else "no pairs"
    print(f"{tier.value:10} precision {precision}, in {len(groups)} groups")
    print(f"{'':10} recall    " + ", ".join(f"{k} {found[k] / varied:.3f}" for k in KINDS))
    if show:
        for one, other in wrong:
            print(f"{'':10} {'.'.join(one)} and {'.'.join(other)}")


if __name__ == "__main__":
    main()
