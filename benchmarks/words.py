"""Benefit of words in a search: ordinary captions, names and numbers, in each mode.

    python benchmarks/words.py FOLDER --split dev.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k. A library holds each
picture with its first caption, under a file name as cameras give it; the other captions are
queries. Names of people and places are put before the captions of three pictures each; they are
queries alone, and before another caption of such a picture.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.data import indexed_dataset

from indexer import Library
from indexer.captions import Caption
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.values import text_hash
from indexer.datasets.folder import read_split
from indexer.embedding import IMAGE, TEXT
from indexer.pictures.facts import ContentFacts
from indexer.settings import DEFAULT_ENCODER
from search import Searcher
from search.query.options import MODES

NAMES = (
    "Anna", "Giulia", "Thomas", "Yuki", "Mehmet", "Priya", "Lukas", "Chiara", "Björn", "Fatima",
    "Sicily", "Tokyo", "Hochzeit", "Minecraft", "O'Hara", "Yellowstone", "Zürich", "Honda",
)  # fmt: skip
PICTURES_PER_NAME = 3
PlacedQuery = tuple[str, int]  # a query, and the picture that it describes (-1: any with the name)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Captions and ids of the pictures of a data set's library."""

    captions: list[tuple[str, ...]]
    ids: list[int]
    source: Library


def main() -> None:
    """Print recall@k for each kind of query and mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of pictures with several captions")
    parser.add_argument("--split", type=Path, help="only these pictures")
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--queries", type=int, default=1000, help="of each kind at most")
    options = parser.parse_args()
    folder = options.folder.absolute()
    only = read_split(folder, options.split) if options.split else None
    with (
        indexed_dataset(folder, only, encoder=options.model) as source,
        tempfile.TemporaryDirectory() as place,
        Library.create(Path(place) / "library", encoder=options.model) as library,
    ):
        pictures = _pictures(source)
        named = _fill(library, pictures)
        print(f"{'':34}{'mode':8}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'queries':>9}")
        for kind, asked in _kinds(pictures, named, options.queries):
            for mode in MODES:
                print(f"{kind:34}{mode:8}{_recalls(library, asked, mode)}{len(asked):9}")


def _pictures(source: Library) -> Pictures:
    ids = source.catalogue.present_ids()
    found = source.catalogue.pictures(ids)
    kept = [key for key in ids if len(found[key].captions) > 1]
    return Pictures([found[key].captions for key in kept], kept, source)


def _fill(library: Library, pictures: Pictures) -> dict[int, str]:
    """Store every picture with its first caption; returns the added names by picture."""
    drawn = random.Random(1).sample(range(len(pictures.ids)), PICTURES_PER_NAME * len(NAMES))
    named = {place: NAMES[n // PICTURES_PER_NAME] for n, place in enumerate(drawn)}
    said = [
        f"{named[place]}: {captions[0]}" if place in named else captions[0]
        for place, captions in enumerate(pictures.captions)
    ]
    known = pictures.source.catalogue.pictures(pictures.ids)
    hashes = [known[key].content_hash for key in pictures.ids]
    rows = pictures.source.embedded(pictures.ids)
    order = {int(key): n for n, key in enumerate(rows.ids)}
    images = rows.v_i[[order[key] for key in pictures.ids]]
    with library.writing() as batch:
        folder, content = batch.folders.put(Path("/pictures")), ContentFacts(1, 1, "JPEG")
        facts = [
            PictureFacts(b"%d/IMG_%04d.jpg" % (n % 7, 1000 + n), 1, 1, key, content)
            for n, key in enumerate(hashes)
        ]
        ids = batch.pictures.put(folder, facts)
        captions = {key: [Caption(text, "test")] for key, text in zip(ids, said, strict=True)}
        batch.pictures.put_captions(captions, embedded=False)
        batch.embeddings.put(library.encoder_id, IMAGE, hashes, images)
        texts = library.encoder.encode_texts(said)
        batch.embeddings.put(library.encoder_id, TEXT, [text_hash(text) for text in said], texts)
    assert ids == list(range(1, len(ids) + 1))
    return named


def _kinds(
    pictures: Pictures, named: dict[int, str], most: int
) -> Iterator[tuple[str, list[PlacedQuery]]]:
    """The kinds of queries, with the queries of each."""
    draw = random.Random(2)
    captions = [(text, place) for place, said in enumerate(pictures.captions) for text in said[1:]]
    yield "another caption of a picture", draw.sample(captions, min(most, len(captions)))
    yield "a name alone (any of its three)", [(name, -1) for name in NAMES]
    yield (
        "a name and another caption",
        [(f"{name} {text}", p) for p, name in named.items() for text in pictures.captions[p][1:]],
    )
    numbers = draw.sample(range(len(pictures.ids)), min(200, len(pictures.ids)))
    yield "a file's name (IMG_1234)", [(f"IMG_{1000 + n}", n) for n in numbers]
    yield "a file's number (1234)", [(str(1000 + n), n) for n in numbers]


def _recalls(library: Library, asked: Sequence[PlacedQuery], mode: str) -> str:
    """R@1, R@5 and R@10 in per cent, where any picture with a queried name is right."""
    searcher, ranks = Searcher(library), list[int]()
    for query, place in asked:
        hits = searcher.search(query, mode=mode).hits
        right = [hit.rank for hit in hits if _is_right(hit.picture_id, hit.captions, query, place)]
        ranks.append(min(right, default=99))
    return "".join(f"{100 * sum(r <= k for r in ranks) / len(ranks):7.1f}" for k in (1, 5, 10))


def _is_right(key: int, captions: Sequence[str], query: str, place: int) -> bool:
    return key == place + 1 if place >= 0 else captions[0].startswith(f"{query}: ")


if __name__ == "__main__":
    main()
