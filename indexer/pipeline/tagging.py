"""Keep the tags of a library current: they follow from stored embeddings, nothing is encoded.

A change of a picture's embeddings changes its tags in the same transaction, so a reader never sees
one without the other, and a killed process leaves nothing to catch up on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.catalogue.lookup.embeddings import EmbeddingLookup
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.lookup.tags import StoredTagHead, TagLookup
from indexer.embedding import PictureFeatures, same_space
from indexer.errors import InputError, LibraryDamaged
from indexer.library.library import Library
from indexer.tag_head import TagHead, read_tag_head

if TYPE_CHECKING:
    from indexer.catalogue.changes.batch import Batch

AT_ONCE = 4096  # pictures whose embeddings are in memory at a time

LoadedHead = tuple[StoredTagHead, TagHead]


def named_heads(files: Sequence[Path], fingerprint: str, encoder: str) -> dict[str, TagHead]:
    """Tag heads by their names in a library: those of their files, without suffix.

    Raises `ModelError` for a file without a tag head, and `InputError` for two heads of one name
    or for one that was trained on an encoder with another fingerprint.
    """
    heads: dict[str, TagHead] = {}
    for file in files:
        if file.stem in heads:
            raise InputError(f"{file}: another tag head is also named {file.stem!r}; rename one")
        heads[file.stem] = read_tag_head(file)
        facts = heads[file.stem].facts
        if not same_space(facts.fingerprint, fingerprint):
            raise InputError(
                f"{file}: made for {facts.encoder!r} ({facts.fingerprint[:8]}), but the library "
                f"uses {encoder!r} ({fingerprint[:8]}); train it again with 'picfuse train tags "
                f"DATASET --model {encoder}'"
            )
    return heads


def adopt(library: Library, files: Sequence[Path]) -> None:
    """Replace the tag heads of a library by these, and tag all its pictures.

    The files are copied into the catalogue. Without files, all tags are deleted.
    """
    settings, encoder_id = library.settings, library.encoder_id
    heads = named_heads(files, settings.fingerprint, settings.encoder)
    known = library.tags.heads(encoder_id)
    if {h.name: h.fingerprint for h in known} == {n: h.fingerprint for n, h in heads.items()}:
        return
    with library.writing() as batch:
        batch.tags.drop_heads([head.id for head in known])
        for name, head in heads.items():
            batch.tags.put_head(encoder_id, name, head)
        tag_all(library, batch, encoder_id)


def tag_all(library: Library, batch: Batch, encoder_id: int) -> None:
    """Give every picture the tags that it has by the embeddings of this encoder, and no others."""
    batch.tags.clear()
    tags = TagLookup(batch.reading, library.path)
    heads = tags.loaded(encoder_id)
    for ids in chunks(tags.taggable() if heads else [], AT_ONCE):
        _tag(library, batch, encoder_id, heads, ids)


def tag_pictures(
    library: Library, batch: Batch, picture_ids: Sequence[int], failed: Sequence[int] = ()
) -> None:
    """Update the tags of pictures whose rows this batch has just written.

    Those that `failed` lose all tags.
    """
    encoder_id = library.encoder_id
    heads = library.tags.loaded(encoder_id)
    _tag(library, batch, encoder_id, heads, picture_ids)
    if heads:
        batch.tags.put(failed, [])


def _tag(
    library: Library,
    batch: Batch,
    encoder_id: int,
    heads: Sequence[LoadedHead],
    picture_ids: Sequence[int],
) -> None:
    if not heads:
        return
    embeddings = EmbeddingLookup(batch.reading, library.path)
    found = embeddings.embedded(encoder_id, heads[0][1].facts.dim, picture_ids)
    batch.tags.put(picture_ids, [row for head in heads for row in predicted(head, found)])


def damaged_heads(library: Library) -> list[StoredTagHead]:
    """The heads whose copies in the catalogue are damaged."""
    damaged = []
    for known in library.tags.heads(library.encoder_id):
        try:
            library.tags.load(known)
        except LibraryDamaged:
            damaged.append(known)
    return damaged


def predicted(
    loaded: LoadedHead, found: PictureFeatures, margin: float = 0.0
) -> list[tuple[int, int, float]]:
    """Picture id, tag id and probability for each tag that holds.

    A probability may fall short of its threshold by `margin`.
    """
    known, head = loaded
    probabilities = head.probabilities(found.v_i, found.v_t, found.has_caption)
    numbers = [known.tag_ids[tag] for tag in head.facts.tags]
    return [
        (int(found.ids[row]), numbers[column], round(float(probabilities[row, column]), 6))
        for row, column in np.argwhere(head.holds(probabilities + np.float32(margin))).tolist()
    ]
