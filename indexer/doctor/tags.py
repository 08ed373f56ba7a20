"""Checks of tags: are the heads whole, and do the stored tags follow from them?"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.catalogue.lookup.tables import chunks
from indexer.doctor.finding import Finding, some
from indexer.errors import LibraryDamaged
from indexer.library.library import Library
from indexer.pipeline.tagging import AT_ONCE, damaged_heads, predicted, tag_all
from indexer.progress import Progress

_TOLERANCE = 1e-4  # of probabilities: batches of another size are added up in another order


def tags(library: Library) -> Iterator[Finding | Progress]:
    """Check each head against its fingerprint, and each picture's tags against its embeddings."""
    damaged = damaged_heads(library)
    if damaged:
        yield Finding(
            "tags",
            len(damaged),
            "tag heads are damaged, so no picture can be tagged or indexed",
            "they are removed; add them again with 'picfuse index --tags FILE'",
            examples=some([head.name for head in damaged]),
            mend=lambda batch: batch.tags.drop_heads([head.id for head in damaged]),
        )
        return
    wrong: list[int] = []
    try:
        yield from _compared(library, wrong)
    except LibraryDamaged:  # a damaged embedding, which another check reports
        return
    if wrong:
        encoder_id = library.encoder_id
        yield Finding(
            "tags",
            len(wrong),
            "pictures have tags that do not fit their embeddings",
            "they are tagged again; nothing is encoded",
            examples=some([p.path for p in library.catalogue.pictures(wrong[:5]).values()]),
            mend=lambda batch: tag_all(library, batch, encoder_id),
        )


def _compared(library: Library, wrong: list[int]) -> Iterator[Progress]:
    """Compare all present pictures that do not wait to be indexed; collects those that differ."""
    heads = library.tags.loaded(library.encoder_id)  # without heads, no tag may be stored
    present = library.tags.settled()
    for done, ids in enumerate(chunks(present, AT_ONCE), start=1):
        features = library.embedded(ids)
        expected = {
            (picture, tag): probability
            for head in heads
            for picture, tag, probability in predicted(head, features, margin=_TOLERANCE)
        }
        certain = {
            (picture, tag)
            for head in heads
            for picture, tag, _ in predicted(head, features, margin=-_TOLERANCE)
        }
        stored = library.tags.by_head(ids)
        wrong += sorted(_different(stored, expected, certain))
        yield Progress(min(done * AT_ONCE, len(present)), len(present))


def _different(
    stored: dict[tuple[int, int], float],
    expected: dict[tuple[int, int], float],
    certain: set[tuple[int, int]],
) -> set[int]:
    """Pictures with a tag too many, one too few, or another probability.

    `expected` holds the tags that may be stored, `certain` those that must be: a probability at
    the threshold may fall on either side.
    """
    bad = {key for key, p in stored.items() if not abs(p - expected.get(key, -1)) < _TOLERANCE}
    return {picture for picture, _ in bad | (certain - stored.keys())}
