"""Text in pictures: how much of it is read, what is read wrongly, and what it costs.

    python benchmarks/text.py [--made 300] [--photographs 1000] [--seed 0] [--show FOLDER]

Makes pictures that show text (`benchmarks/fixtures/shown_text.py`; it names the fonts) and compares
the words that are read in them with those that were put there, by the size of the letters. In
photographs of Flickr8k (dev) it prints what is read: some do show text, so look at them (`--show`
copies them). Then it compares readings with and without the glance at a small copy, and times
indexing with and without text.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from fixtures.data import DATA
from fixtures.large_pictures import large_pictures
from fixtures.shown_text import KINDS, ShownWord, made_picture

from indexer import IndexOptions, Library, index_folder
from indexer.pictures.images import decode
from indexer.recognition.pool import ReadingPool
from indexer.recognition.reader import TextReader

Counts: TypeAlias = Counter[tuple[str, str, int]]  # by what, kind and size

_WORD = re.compile(r"[^\W_]+")
_SIZES = (0.0, 0.02, 0.03, 0.04, 1.0)  # bounds of the shares of the height, in groups
_LARGE = 2  # the first group of letters of 3 % of the height and more
_THOROUGH = 60  # photographs read with and without a glance
_TIMED = 100  # photographs indexed with and without text


def main() -> None:
    """Print recall and precision of words, what is read in photographs, and pictures a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made", type=int, default=300)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=Path, help="copy the photographs with text to this folder")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    flickr = options.data / "flickr8k"
    images = flickr / "images"
    train = [images / name for name in (flickr / "train.txt").read_text().split()]
    dev = [images / name for name in (flickr / "dev.txt").read_text().split()]
    if options.made:
        _measure_made(options.made, train, options.seed)
    if options.photographs:
        dev = dev[: options.photographs]
        _measure_photographs(dev, options.show)
        _measure_glance(dev[:_THOROUGH])
        for files in (dev[:_TIMED], large_pictures(dev[:_TIMED], 12)):
            _measure_rates(files)


def _texts(files: Iterable[Path]) -> dict[str, str]:
    """The text in each file, by its name."""
    items = ((file.name.encode(), os.fsencode(file)) for file in files)
    with ReadingPool() as pool:
        return {one.key.decode(): one.text for one in pool.read_all(items)}


def _words(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORD.findall(text))


def _measure_made(number: int, photographs: Sequence[Path], seed: int) -> None:
    words: dict[str, tuple[str, Sequence[ShownWord]]] = {}
    with TemporaryDirectory() as room:
        folder = Path(room)
        for n in range(number):
            picture = made_picture(n, photographs, seed=seed)
            (folder / f"{n}.jpg").write_bytes(picture.jpeg)
            words[f"{n}.jpg"] = picture.kind, picture.words
            if picture.bare is not None:
                picture.bare.save(folder / f"{n}.jpg-bare.jpg", quality=90)
        start = time.perf_counter()
        texts = _texts(sorted(folder.iterdir()))
        seconds = time.perf_counter() - start
    counts: Counts = Counter()
    for name, (kind, shown) in words.items():
        counts["empty", kind, 0] += not texts[name]
        read = _words(texts[name]) - _words(texts.get(f"{name}-bare.jpg", ""))
        _count(kind, shown, read, counts)
    print(f"{number} made pictures in {seconds:.0f} s; a line for each kind, and for all:")
    for kind in (*KINDS, ""):
        _print_kind(kind, counts)


def _count(kind: str, shown: Sequence[ShownWord], read: Counter[str], counts: Counts) -> None:
    """Count the words of a picture, and those that were read, by the size of their letters."""
    left, truth = read.copy(), Counter[str]()
    for word in shown:
        group = next(n for n, bound in enumerate(_SIZES[1:]) if word.height < bound - 1e-4)
        for part in _WORD.findall(word.text.casefold()):
            truth[part] += 1
            counts["shown", kind, group] += 1
            if left[part]:
                left[part] -= 1
                counts["found", kind, group] += 1
    counts["read", kind, 0] += read.total()
    counts["right", kind, 0] += (read & truth).total()


def _print_kind(kind: str, counts: Counts) -> None:
    def total(what: str, groups: Iterable[int]) -> int:
        return sum(n for (w, k, g), n in counts.items() if w == what and g in groups and kind in k)

    def recall(groups: Iterable[int]) -> str:
        shown = total("shown", groups)
        return f"{total('found', groups) / shown:.3f} of {shown}" if shown else "none"

    sizes = [f"from {low:.0%} {recall([n])}" for n, low in enumerate(_SIZES[:-1])]
    precision = total("right", [0]) / max(1, total("read", [0]))
    print(
        f"{kind or 'all':10} recall from 3 %: {recall(range(_LARGE, len(_SIZES)))} (target 0.9); "
        f"precision {precision:.3f} (target 0.95); no text in {total('empty', [0])}; by size: "
        + ", ".join(sizes)
    )


def _measure_photographs(files: Sequence[Path], show: Path | None) -> None:
    start = time.perf_counter()
    texts = _texts(files)
    seconds = time.perf_counter() - start
    seen = [(file, texts[file.name]) for file in files if texts[file.name]]
    lines = sum(text.count("\n") + 1 for _, text in seen)
    for file, text in seen:
        print(f"{file.name}: {' / '.join(text.splitlines())}")
        if show is not None:
            show.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, show)
    print(
        f"text in {len(seen)} of {len(files)} photographs, {lines / len(files):.3f} lines each, "
        f"right ones among them (wrong: at most 0.05); {len(files) / seconds:.1f} a second"
    )


def _measure_glance(files: Sequence[Path]) -> None:
    """Compare a reader with one that takes no glance, on one core."""
    reader, images = TextReader(), [decode(file) for file in files]
    rates, texts = [], []
    for glance in (True, False):
        start = time.perf_counter()
        texts.append([bool(reader.read(image, glance=glance)) for image in images])
        rates.append(len(images) / (time.perf_counter() - start))
    missed = sum(without and not glanced for glanced, without in zip(*texts, strict=True))
    print(
        f"with a glance {rates[0]:.1f} photographs a second on one core, without {rates[1]:.1f}; "
        f"it misses text in {missed} of {len(images)}"
    )


def _measure_rates(files: Sequence[Path]) -> None:
    """Index photographs without and with text, on all cores."""
    with TemporaryDirectory() as room, Library.create(Path(room) / "library") as library:
        folder = Path(room) / "photographs"
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        plain = index_folder(library, folder).elapsed_ms / 1000
        text = index_folder(library, options=IndexOptions(text=True)).elapsed_ms / 1000
    size = decode(files[0]).size
    print(
        f"{len(files)} photographs like {size[0]} x {size[1]}: {len(files) / plain:.1f} a second "
        f"indexed, {len(files) / text:.1f} read, {len(files) / (plain + text):.1f} with both"
    )


if __name__ == "__main__":
    main()
