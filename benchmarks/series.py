"""Pictures of one kind that differ in a part: are any of them taken for copies of each other?

    python benchmarks/series.py FOLDER [--series 4] [--show]

Makes series of receipts, chats, pages, forms, tables, slides, sheets of music, boards, codes,
skies, snow, and tripod shots (photographs of FOLDER into which a small thing is set), and of
pictures that differ in a few strokes (`fixtures/small_changes.py`: date stamps, noisy scans,
prices, scores, subtitles, eyes, stars). Three pictures of each series, and three copies of each:
saved again at a low quality, and at half the size. Prints, for the tier `same` and for the folding
of hits, how many pairs of different pictures are taken for one, and how many of the copies are
found.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from fixtures import small_changes
from fixtures.small_changes import WORDS, Place, Random, font, paper, sentence
from PIL import Image, ImageDraw, ImageFilter

from indexer import Library, index_folder
from indexer.datasets.folder import picture_names
from indexer.pictures.images import decode
from indexer.settings import DEFAULT_ENCODER
from search.duplicates import Tier, find_duplicates
from search.ranking.folding import leaders

MEMBERS = 3  # different pictures of a series
PHOTOGRAPHS: list[Path] = []


def receipt(fixed: Random, own: Random) -> Image.Image:
    """A receipt of a shop: number, date and total are its own."""
    image, draw = paper(700, 1400)
    draw.text((180, 40), sentence(fixed, 2).upper(), "black", font(48))
    draw.text((60, 160), f"No {own.integers(10**5, 10**6)}", (40, 40, 40), font(32))
    draw.text(
        (380, 160), f"{own.integers(1, 28):02}.{own.integers(1, 13):02}.2023", "black", font(32)
    )
    for line in range(18):
        draw.text((60, 240 + 50 * line), sentence(fixed, 2), (40, 40, 40), font(32))
        draw.text(
            (540, 240 + 50 * line), f"{fixed.integers(100, 2000) / 100:.2f}", "black", font(32)
        )
    draw.text((60, 1200), f"TOTAL {own.integers(1000, 9999) / 100:.2f}", "black", font(44))
    return image


def page(fixed: Random, own: Random) -> Image.Image:
    """A printed page of which one word is another."""
    image, draw = paper(1240, 1754)
    place = fixed.integers(5, 45)
    for line in range(50):
        text = sentence(fixed, 9)
        if line == place:
            words = text.split()
            words[4] = str(own.choice(WORDS)) + str(own.integers(10, 99))
            text = " ".join(words)
        draw.text((100, 90 + 31 * line), text, (30, 30, 30), font(24))
    return image


def chat(fixed: Random, own: Random) -> Image.Image:
    """A screenshot of a chat whose last message is another."""
    image, draw = paper(1080, 2160, 236)
    draw.rectangle((0, 0, 1080, 140), (30, 110, 90))
    draw.text((120, 40), sentence(fixed, 2), "white", font(48))
    for line in range(10):
        mine, top = line % 2, 190 + 185 * line
        draw.rounded_rectangle((60 + 260 * mine, top, 760 + 260 * mine, top + 140), 24, "white")
        text = sentence(own if line == 9 else fixed, 4)
        draw.text((90 + 260 * mine, top + 30), text, (20, 20, 20), font(36))
    return image


def form(fixed: Random, own: Random) -> Image.Image:
    """A scanned form that was filled in by another hand."""
    image, draw = paper(1240, 1754, 245)
    for line in range(22):
        top = 120 + 70 * line
        draw.text((90, top), sentence(fixed, 2), (60, 60, 60), font(26))
        draw.rectangle((480, top - 8, 1120, top + 42), outline=(120, 120, 120), width=2)
        if line in (3, 9):
            draw.text((500, top), sentence(own, 2), (20, 30, 140), font(30))
    grain = fixed.normal(0, 3, (1754, 1240, 1))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def table(fixed: Random, own: Random) -> Image.Image:
    """A table of numbers of which one is another."""
    image, draw = paper(1400, 1000)
    others = set(fixed.integers(0, 160, 1).tolist())
    for cell in range(160):
        left, top = 60 + 160 * (cell % 8), 60 + 44 * (cell // 8)
        draw.rectangle((left, top, left + 160, top + 44), outline=(150, 150, 150))
        number = (own if cell in others else fixed).integers(100, 10000)
        draw.text((left + 20, top + 8), str(number), "black", font(26))
    return image


def slide(fixed: Random, own: Random) -> Image.Image:
    """A slide of a talk with another line."""
    image = Image.new("RGB", (1600, 900), tuple(fixed.integers(20, 90, 3).tolist()))
    draw = ImageDraw.Draw(image)
    draw.text((120, 90), sentence(fixed, 3).title(), "white", font(80))
    for line in range(5):
        draw.text(
            (160, 280 + 100 * line), sentence(own if line == 2 else fixed, 5), "white", font(48)
        )
    return image


def music(fixed: Random, own: Random) -> Image.Image:
    """A sheet of music of which one bar is another."""
    image, draw = paper(1240, 1754)
    for stave in range(10):
        top = 120 + 155 * stave
        for line in range(5):
            draw.line((80, top + 16 * line, 1160, top + 16 * line), "black", 2)
        for note in range(24):
            other = stave == 4 and 8 <= note < 13
            left, y = 110 + 43 * note, top + 8 * int((own if other else fixed).integers(0, 9))
            draw.ellipse((left, y - 8, left + 20, y + 8), "black")
            draw.line((left + 19, y, left + 19, y - 50), "black", 3)
    return image


def board(fixed: Random, own: Random) -> Image.Image:
    """A board of a game on which two pieces stand elsewhere."""
    image = Image.new("RGB", (1000, 1000), (90, 60, 40))
    draw = ImageDraw.Draw(image)
    pieces = fixed.choice(64, 20, replace=False).tolist()
    free = [cell for cell in range(64) if cell not in pieces]
    cells = pieces[:18] + own.choice(free, 2, replace=False).tolist()
    for cell in range(64):
        left, top = 20 + 120 * (cell % 8), 20 + 120 * (cell // 8)
        colour = (235, 215, 180) if (cell + cell // 8) % 2 else (150, 105, 70)
        draw.rectangle((left, top, left + 119, top + 119), colour)
    for number, cell in enumerate(cells):
        left, top = 50 + 120 * (cell % 8), 50 + 120 * (cell // 8)
        draw.ellipse((left, top, left + 60, top + 60), "black" if number % 2 else "white")
    return image


def code(fixed: Random, own: Random) -> Image.Image:
    """A ticket with a code of black and white squares of its own."""
    image, draw = paper(900, 1200)
    draw.text((80, 60), sentence(fixed, 3).upper(), "black", font(56))
    for line in range(5):
        draw.text((80, 900 + 48 * line), sentence(fixed, 5), "black", font(30))
    for cell in np.flatnonzero(own.random(29 * 29) < 0.5).tolist():
        left, top = 160 + 20 * (cell % 29), 220 + 20 * (cell // 29)
        draw.rectangle((left, top, left + 19, top + 19), "black")
    return image


def sky(fixed: Random, own: Random) -> Image.Image:
    """A night sky over one horizon, with stars of its own."""
    glow = np.linspace(8, 60, 1000)[:, None] * np.ones((1, 1500))
    for y, x in own.integers(0, (900, 1496), (350, 2)).tolist():
        glow[y : y + 3, x : x + 3] += own.integers(60, 200)
    image = Image.fromarray(glow.clip(0, 255).astype(np.uint8)).convert("RGB")
    outline = [(x, 880 + int(fixed.integers(0, 90))) for x in range(0, 1501, 60)]
    ImageDraw.Draw(image).polygon([(0, 1000), *outline, (1500, 1000)], (4, 5, 8))
    return image.filter(ImageFilter.GaussianBlur(1))


def snow(fixed: Random, own: Random) -> Image.Image:
    """A field of snow of one shade, with a grain of its own."""
    across, down = np.meshgrid(np.linspace(0, 1, 1200), np.linspace(0, 1, 800))
    shade = 200 + 40 * across * fixed.random() + 30 * down * fixed.random()
    small = Image.fromarray(own.normal(128, 40, (80, 120)).clip(0, 255).astype(np.uint8))
    lumps = np.asarray(small.resize((1200, 800), Image.Resampling.BICUBIC), float) - 128
    grain = own.normal(0, 6, (800, 1200))
    grey = (shade + lumps / 20 + grain).clip(0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def tripod(fixed: Random, own: Random) -> Image.Image:
    """A photograph with a small thing of its own in it, cut out of another photograph."""
    image = decode(PHOTOGRAPHS[int(fixed.integers(len(PHOTOGRAPHS)))]).copy()
    other = decode(PHOTOGRAPHS[int(own.integers(len(PHOTOGRAPHS)))])
    side = round(min(image.size) * 0.06)
    left, top = fixed.integers(0, (image.width - side, image.height - side)).tolist()
    thing = other.resize((side, side))
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((0, 0, side, side), 255)
    image.paste(thing, (left, top), mask)
    return image


Make = Callable[[Random, Random], Image.Image]
PARTS: tuple[Make, ...] = (
    receipt, page, chat, form, table, slide, music, board, code, sky, snow, tripod,
)  # fmt: skip
COPIES = {"first": (1, 92), "again": (1, 50), "half": (2, 50), "fine": (2, 88)}  # smaller, quality


def drawn(kind: Make) -> small_changes.Make:
    """A kind of picture, drawn at a place of a series."""
    return lambda at: kind(at.fixed, at.own)


KINDS = {kind.__name__: drawn(kind) for kind in PARTS} | small_changes.KINDS


def main() -> None:
    """Print how many pairs of different pictures are taken for one, by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="photographs for the tripod shots")
    parser.add_argument("--series", type=int, default=4, help="of each kind")
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="list the pairs that are mistakes")
    options = parser.parse_args()
    names = sorted(picture_names(options.folder))
    PHOTOGRAPHS.extend(options.folder / name.decode() for name in names)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pictures"
        folder.mkdir()
        make(folder, options.series, options.seed)
        with Library.create(Path(temporary) / "library", encoder=options.model) as library:
            index_folder(library, folder)
            same = find_duplicates(library, Tier.SAME)
            report("same", [[p.path.name for p in g.pictures] for g in same], options)
            report("folded", folded(library), options)


def make(folder: Path, series: int, seed: int) -> None:
    """Write `KIND.SERIES.MEMBER.first.jpg` and its copies."""
    for place, (kind, draw) in enumerate(KINDS.items()):
        for number in range(series):
            for member in range(MEMBERS):
                fixed, own = (
                    np.random.default_rng([seed, place, number, *more]) for more in ([], [member])
                )
                image = draw(Place(fixed, own, member, PHOTOGRAPHS))
                for copy, (smaller, quality) in COPIES.items():
                    size = image.width // smaller, image.height // smaller
                    name = f"{kind}.{number}.{member}.{copy}.jpg"
                    image.resize(size).save(folder / name, quality=quality)


def folded(library: Library) -> list[list[str]]:
    """Names of pictures that are one hit, for an order of hits that has all of them."""
    ids = np.array(library.catalogue.column("SELECT id FROM pictures ORDER BY id"), np.int64)
    names = {key: info.path.name for key, info in library.catalogue.pictures(ids.tolist()).items()}
    groups: dict[int, list[str]] = {}
    for key, leader in zip(ids.tolist(), leaders(library, ids).tolist(), strict=True):
        groups.setdefault(leader, []).append(names[key])
    return list(groups.values())


def report(title: str, groups: Sequence[Sequence[str]], options: argparse.Namespace) -> None:
    """Print the mistakes among all pairs of different pictures of a series, and the copies."""
    wrong: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for group in groups:
        for one, other in combinations(group, 2):
            kind = one.split(".")[0]
            if one.split(".")[:3] != other.split(".")[:3]:
                wrong[kind] += 1
                if options.show:
                    print(f"  {one} and {other}")
            elif "first" in one or "first" in other:
                found[kind] += 1
    copies = options.series * MEMBERS * (len(COPIES) - 1)
    pairs = options.series * MEMBERS * (MEMBERS - 1) // 2 * len(COPIES) ** 2
    print(f"{title}: of {pairs * len(KINDS)} pairs within a series {sum(wrong.values())} are one")
    for kind in KINDS:
        print(f"  {kind:12} {wrong[kind]:4} of {pairs}; copies {found[kind]} of {copies}")


if __name__ == "__main__":
    main()
