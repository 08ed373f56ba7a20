"""Costs of a few pictures do not depend on the number of others."""

from functools import partial

import numpy as np
import pytest

from indexer import Library
from indexer.captions import Caption
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.values import text_hash
from indexer.embedding import IMAGE, TEXT, unit_rows
from indexer.pictures.facts import ContentFacts


def steps(library: Library, ask) -> int:
    """Thousands of steps that SQLite takes to answer."""
    counted = []
    with library._connections.reading() as connection:  # the next to be lent, too
        connection.set_progress_handler(lambda: counted.append(1), 1000)
    ask()
    connection.set_progress_handler(None, 0)
    return len(counted)


def fill(library: Library, count: int) -> list[bytes]:
    """Store captioned pictures, each with its embeddings, and no file; the hashes of pixels."""
    hashes = [number.to_bytes(16, "big") for number in range(1, count + 1)]
    texts = [f"number {number}" for number in range(1, count + 1)]
    rows = unit_rows(np.random.default_rng(1).standard_normal((count, 5)))
    with library.writing() as batch:
        folder = batch.folders.put(library.path / "pictures")
        batch.embeddings.put(library.encoder_id, IMAGE, hashes, rows)
        batch.embeddings.put(library.encoder_id, TEXT, [text_hash(text) for text in texts], rows)
        for key, text in zip(hashes, texts, strict=True):
            facts = PictureFacts(key, 1, 1, key, ContentFacts(1, 1, "PNG", pixels_hash=key))
            (picture,) = batch.pictures.put(folder, [facts])
            batch.pictures.put_captions({picture: [Caption(text, "txt")]}, embedded=False)
    return hashes


def embeddings_of_pictures(library, hashes):
    ids = library.catalogue.present_ids(limit=250)
    found = library.embedded(ids)
    assert found.ids.tolist() == ids
    assert found.has_caption.all()


def embeddings_of_pixels(library, hashes):
    assert len(library.embeddings.of_pixels(library.encoder_id, hashes[:40])) == 40


def contents_of_a_size(library, hashes):
    assert library.embeddings.contents_of_sizes(library.encoder_id, {7}) == {}


@pytest.mark.parametrize("ask", [embeddings_of_pictures, embeddings_of_pixels, contents_of_a_size])
def test_a_few_cost_the_same_among_many(tmp_path, ask):
    cost = []
    for count in (300, 3000):
        with Library.create(tmp_path / str(count), encoder="colour") as library:
            hashes = fill(library, count)
            cost.append(steps(library, partial(ask, library, hashes)))
    assert cost[1] <= 2 * cost[0] + 4
