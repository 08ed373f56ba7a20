"""Does a collection in Milvus answer as the library that it was filled from?

    python benchmarks/milvus.py LIBRARY COLLECTION

Publishes the library, asks both queries of all kinds, and compares pictures, their order, scores
and confidence. Exit status 1 if they differ.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from indexer import Library
from indexer.library.address import address_of
from indexer.milvus.connection import Connection
from indexer.milvus.loading import load
from indexer.milvus.sources import load_of_library
from search import Answer, Query, Searcher
from search.collection.opening import open_library

Asked = tuple[Query | str, dict[str, Any]]
SCORE, CONFIDENCE = 1e-3, 0.01  # how far apart they may be
WORDS = (
    "a dog in the snow", "a dog -snow", "people at night", "Anna on the beach", "dog2041", "panda",
    "Rose", "asdkjh", "dgo", "zwei hunde im schnee",
)  # fmt: skip
WEIGHTS = (0, 0.3, 0.5, 1)
FILTERS = (
    "format: jpeg", "has: caption", "not has: caption", "width > 400 and orientation: portrait",
    "caption: water", "not caption: dog", "file: 10*", "size > 100 kb or height < 300",
    "megapixels < 0.2", "modified > 2000",
)  # fmt: skip


def asked(library: Library) -> Iterator[Asked]:
    """Queries with their options."""
    yield from ((words, {}) for words in WORDS)
    yield from (("two children play", {"weight": weight}) for weight in WEIGHTS)
    yield from (("a man rides a bicycle", {"weight": weight}) for weight in WEIGHTS)
    yield from (("a dog", {"where": where}) for where in FILTERS)
    yield from (("a red car", {"offset": offset, "k": 50}) for offset in (0, 50, 500, 1500))
    yield "water", {"mode": "words"}
    yield "brown dog", {"mode": "words", "k": 40}
    yield "the boys' ball", {"mode": "words", "k": 30, "where": "has: caption"}
    yield "a beach", {"diverse": 0.3}
    yield "a beach", {"fold": True, "k": 60}
    yield "child -ball -water", {"where": "has: caption", "k": 30}
    yield "a dog", {"least": 0.1, "k": 500}
    first, second, third = library.catalogue.present_ids(limit=3)
    path = library.catalogue.pictures([first])[first].path
    yield Query.of(picture=str(path)), {}
    yield Query.parse(["a dog", "+", str(path)]), {}
    yield Query.parse([path.name]), {}
    yield "a dog", {"like": [second], "unlike": [third]}
    yield "a dog", {"exclude": [first, second]}


def difference(one: Answer, other: Answer) -> str | None:
    """The first thing in which two answers differ; None if they agree."""
    if [hit.picture_id for hit in one.hits] != [hit.picture_id for hit in other.hits]:
        return "other pictures, or in another order"
    for hit, same in zip(one.hits, other.hits, strict=True):
        if abs((hit.score or 0) - (same.score or 0)) > SCORE:
            return f"score {hit.score} and {same.score}"
        if (hit.words, hit.captions, hit.path) != (same.words, same.captions, same.path):
            return f"facts of {hit.path}"
        if abs((hit.confidence or 0) - (same.confidence or 0)) > CONFIDENCE:
            return f"confidence {hit.confidence} and {same.confidence}"
    pages = one.next_offset, one.unknown, one.suggestion
    return None if pages == (other.next_offset, other.unknown, other.suggestion) else "next page"


def publish(library: Library, collection: str) -> None:
    """Fill the collection, and say how long it takes."""
    start = time.perf_counter()
    with closing(Connection(address_of(collection))) as connection:
        for _ in load(connection, load_of_library(library)):
            pass
    print(f"published in {time.perf_counter() - start:.1f} s")


def main() -> None:
    """Compare the answers of a library and its collection."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path)
    parser.add_argument("collection")
    options = parser.parse_args()
    with Library.open(options.library, read_only=True) as library:
        publish(library, options.collection)
        with open_library(options.collection) as collection:
            local, remote = Searcher(library), Searcher(collection)
            queries, wrong, times = list(asked(library)), 0, []
            for query, said in queries:
                answers = [searcher.search(query, **said) for searcher in (local, remote)]
                times.append(answers[1].elapsed_ms)
                if (why := difference(answers[0], answers[1])) is not None:
                    wrong += 1
                    print(f"{query} {said}: {why}")
    median = sorted(times)[len(times) // 2]
    print(f"{len(queries)} queries, {wrong} differ; {median:.0f} ms each in the median")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
