"""Check of the index of words: does it agree with the catalogue?"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.word_index import PICTURES_AT_ONCE
from indexer.doctor.finding import Finding
from indexer.library.library import Library
from indexer.progress import Progress


def words(library: Library) -> Iterator[Finding | Progress]:
    """Pictures with missing or outdated words, and words of pictures that are gone."""
    ids, bad = library.words.known(), list[int]()
    for done, part in enumerate(chunks(ids, PICTURES_AT_ONCE)):
        bad += library.words.wrong(part)
        yield Progress(min((done + 1) * PICTURES_AT_ONCE, len(ids)), len(ids))
    if bad:
        yield Finding(
            "words",
            len(bad),
            "pictures have words that are indexed wrongly, so searches by words miss them or find "
            "them by mistake",
            "their words are indexed again from the catalogue",
            mend=lambda batch: batch.pictures.reindex_words(bad),
        )
