"""Text in pictures: how much of it is read, what is read wrongly, and what it costs.

    python benchmarks/text.py [--made 300] [--photographs 1000] [--seed 0] [--show FOLDER]

Makes pictures that show text (`benchmarks/fixtures/shown_text.py`) and compares the words that are
read in them with those that were put there, by the size of the letters. In photographs of Flickr8k
(dev) it counts those in which text is read, and prints it: some do show text, so look at them
(`--show` copies them). Reads with and without the glance at a small copy.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fixtures.data import DATA
from fixtures.shown_text import MadePicture, made_picture
from PIL import Image

from indexer.pictures.images import decode
from indexer.recognition.reader import READ_SIDE, TextReader

_WORD = re.compile(r"[^\W_]+")
_SIZES = (0.0, 0.02, 0.03, 0.04, 1.0)  # bounds of the shares of the height, in groups


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
    reader = TextReader()
    if options.made:
        made = [made_picture(n, train, seed=options.seed) for n in range(options.made)]
        _measure_made(reader, made)
    if options.photographs:
        _measure_photographs(reader, dev[: options.photographs], options.show)


def _words(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORD.findall(text))


def _measure_made(reader: TextReader, made: Sequence[MadePicture]) -> None:
    found, shown = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    right, read, lost, seconds = Counter[str](), Counter[str](), 0, 0.0
    for picture in made:
        image = decode(io.BytesIO(picture.jpeg), min_side=READ_SIDE)
        start = time.perf_counter()
        text = reader.read(image)
        seconds += time.perf_counter() - start
        lost += not text
        words, truth = _words(text), Counter[str]()
        if picture.bare is not None and words:
            words -= _words(reader.read(picture.bare))
        left = words.copy()
        for word in picture.words:
            for part in _WORD.findall(word.text.casefold()):
                group = next(n for n, bound in enumerate(_SIZES[1:]) if word.height < bound - 1e-4)
                shown[picture.kind, group] += 1
                truth[part] += 1
                if left[part]:
                    left[part] -= 1
                    found[picture.kind, group] += 1
        read[picture.kind] += words.total()
        right[picture.kind] += (words & truth).total()
    print(f"{len(made)} made pictures, {seconds / len(made):.2f} s each; no text in {lost}")
    for kind in (*right, None):
        sizes = []
        for group, low in enumerate(_SIZES[:-1]):
            there = sum(n for (k, g), n in shown.items() if g == group and kind in (k, None))
            seen = sum(n for (k, g), n in found.items() if g == group and kind in (k, None))
            if there:
                sizes.append(f"from {low:.0%} {seen / there:.3f} of {there}")
        big = sum(n for (k, g), n in shown.items() if g >= 2 and kind in (k, None))
        seen = sum(n for (k, g), n in found.items() if g >= 2 and kind in (k, None))
        kinds = [kind] if kind else list(right)
        precision = sum(right[k] for k in kinds) / max(1, sum(read[k] for k in kinds))
        print(
            f"{kind or 'all':10} recall from 3 %: {seen / max(1, big):.3f} (target 0.9); "
            f"precision {precision:.3f} (target 0.95); by size: {', '.join(sizes)}"
        )


def _measure_photographs(reader: TextReader, files: Sequence[Path], show: Path | None) -> None:
    images = [Image.open(file).convert("RGB") for file in files]
    start = time.perf_counter()
    texts = [reader.read(image) for image in images]
    seconds = time.perf_counter() - start
    seen = [(file, text) for file, text in zip(files, texts, strict=True) if text]
    lines = sum(text.count("\n") + 1 for _, text in seen)
    for file, text in seen:
        print(f"{file.name}: {' / '.join(text.splitlines())}")
        if show is not None:
            show.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, show)
    print(
        f"text in {len(seen)} of {len(files)} photographs, {lines / len(files):.3f} lines each "
        f"(wrongly: at most 0.05); {len(files) / seconds:.1f} photographs a second on one core"
    )
    thorough = images[:: max(1, len(images) // 100)]
    start = time.perf_counter()
    missed = sum(bool(reader.read(i, glance=False)) != bool(reader.read(i)) for i in thorough)
    print(f"of {len(thorough)} read without a glance, {missed} show text that it misses")
    start = time.perf_counter()
    for image in thorough:
        reader.read(image, glance=False)
    rate = len(thorough) / (time.perf_counter() - start)
    print(f"without the glance: {rate:.1f} photographs a second on one core")


if __name__ == "__main__":
    main()
