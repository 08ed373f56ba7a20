"""Cost of the index of words in indexing, and time of queries by words.

    python benchmarks/words_cost.py --pictures 100000

Stores pictures with captions of ten random words, in one library with the index of words and in one
without it; no picture is decoded. Then searches the first one by words, warm.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from indexer import Library
from indexer.captions import Caption
from indexer.catalogue.database import FILE
from indexer.catalogue.picture_facts import PictureFacts
from indexer.encoders import registry
from indexer.pictures.facts import ContentFacts
from search import Query, Searcher
from search.words.names import named_pictures
from search.words.vocabulary import FILE as VOCABULARY

BATCH = 256  # pictures in a transaction: more than in indexing, so that less time is waiting


def main() -> None:
    """Print both costs and the times of queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    options = parser.parse_args()
    registry.BUILT_IN["tiny"] = "fixtures.tiny_encoder:open_encoder"
    with tempfile.TemporaryDirectory() as place:
        costs = [_fill(Path(place) / name, options.pictures, name) for name in ("with", "bare")]
        print(f"per picture: {1e6 * (costs[0] - costs[1]) / options.pictures:.0f} µs more")
        _ask(Path(place) / "with")


def _fill(path: Path, pictures: int, name: str) -> float:
    """Store the pictures; returns the processor's seconds."""
    words = VOCABULARY.read_text(encoding="ascii").split()
    content = ContentFacts(9, 9, "JPEG")
    draw, common = random.Random(1), random.Random(2).sample(words, 2000)
    with Library.create(path, encoder="tiny") as made:
        if name == "bare":
            _drop_triggers(path)
        start = time.process_time()
        for first in range(0, pictures, BATCH):
            with made.writing() as batch:
                folder = batch.folders.put(Path("/pictures"))
                numbers = range(first, min(first + BATCH, pictures))
                facts = [
                    PictureFacts(b"%d/IMG_%06d.jpg" % (n % 97, n), 1, 1, b"%016d" % n, content)
                    for n in numbers
                ]
                ids = batch.pictures.put(folder, facts)
                said = [" ".join(draw.choices(common, k=10)) for _ in ids]
                captions = {k: [Caption(text, "test")] for k, text in zip(ids, said, strict=True)}
                batch.pictures.put_captions(captions, embedded=False)
        seconds = time.process_time() - start
    size = (path / FILE).stat().st_size / pictures
    print(f"{name:5} {1e6 * seconds / pictures:.0f} µs and {size:.0f} bytes a picture")
    return seconds


def _drop_triggers(path: Path) -> None:
    """Remove the triggers that feed the index of words."""
    with closing(sqlite3.connect(path / FILE)) as catalogue:
        rows = catalogue.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in rows:
            catalogue.execute(f"DROP TRIGGER {name}")
        catalogue.commit()


def _ask(path: Path) -> None:
    with Library.open(path, read_only=True) as opened:
        searcher = Searcher(opened)
        common = opened.catalogue.pictures([1])[1].captions[0].split()[0]
        for query in ("IMG_001234", common, " ".join([common, "IMG_001234", "jpg"])):
            times = [searcher.search(query, mode="words").elapsed_ms for _ in range(20)]
            print(f"by words, {query!r}: {np.median(times):.1f} ms")
        size = opened.catalogue.number_present()
        for said in ("IMG_001234 jpg", f"a {common} with two {common}s", common.capitalize()):
            start = time.perf_counter()
            named_pictures(opened.words, Query.of(said), size)
            print(f"names in {said!r}: {1000 * (time.perf_counter() - start):.1f} ms")


if __name__ == "__main__":
    main()
