"""Move a library to another encoder: build its embeddings beside the old ones, then switch.

Until the switch, the library is searched as before. Finished work is kept, so the same command
continues after an interruption, and a library that moves back finds its old embeddings again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from indexer.catalogue.values import MOVING, SETTINGS
from indexer.embedding import IMAGE, TEXT
from indexer.encoders import Encoder, load_encoder
from indexer.encoders.golden import golden_of
from indexer.errors import InputError
from indexer.fusion import Fusion, open_fusion
from indexer.library.kept_fusion import keep_fusion
from indexer.library.library import Library
from indexer.pictures.decoding import Decoded
from indexer.pipeline.decoders import decoding_pool
from indexer.pipeline.report import PICTURES_PER_BATCH, IndexOptions, IndexReport
from indexer.pipeline.storing import new_image_embeddings
from indexer.pipeline.tagging import named_heads, tag_all
from indexer.progress import Progress
from indexer.settings import LibrarySettings

if TYPE_CHECKING:
    from indexer.catalogue.changes.batch import Batch

_TEXTS_PER_BATCH = 256


@dataclass(frozen=True, slots=True)
class Move:
    """An unfinished move to another encoder; `done` and `total` count different pictures."""

    encoder: str
    done: int
    total: int


def unfinished_move(library: Library) -> Move | None:
    """The move that was begun and is not finished; None if there is no such move."""
    stored = library.catalogue.setting(MOVING)
    if stored is None:
        return None
    to = LibrarySettings.from_json(stored)
    row = library.catalogue.encoder(to.fingerprint)
    total = len({content for content, _ in library.embeddings.pictures_without(None)})
    key = None if row is None else row.id
    left = len({content for content, _ in library.embeddings.pictures_without(key)})
    return Move(to.encoder, total - left, total)


def change_encoder(
    library: Library, options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    """Encode pictures and captions by `options.model`, then switch to it.

    Reads only files that are unchanged since they were indexed; the run of indexing that follows
    treats the others as changed. If the library already uses this encoder, an unfinished move to
    another one is given up.
    """
    settings = library.settings
    encoder = load_encoder(options.model or "", cache=library.cache, offline=library.offline)
    if encoder.fingerprint == settings.fingerprint:
        if library.catalogue.setting(MOVING) is not None:
            with library.writing() as batch:
                batch.settings.unset(MOVING)
        return
    fusion = _fusion_for(library, options, encoder)
    target = replace(
        settings, encoder=encoder.name, fingerprint=encoder.fingerprint, dim=encoder.dim
    )
    target = target.with_fusion(fusion.name, fusion.fingerprint)
    _check_plugged_in(library)
    named_heads(options.tags or (), encoder.fingerprint, encoder.name)
    resting = _heads_left_behind(library, options)
    golden = golden_of(encoder)
    with library.writing() as batch:
        encoder_id = batch.embeddings.put_encoder(
            encoder.name, encoder.fingerprint, encoder.dim, golden
        )
        keep_fusion(batch, fusion)
        batch.settings.set(MOVING, target.to_json())
    yield from _encode_captions(library, encoder, encoder_id)
    yield from _encode_pictures(library, encoder, encoder_id, options, report)
    with library.writing() as batch:
        _switch(batch, target, encoder_id)
        tag_all(library, batch, encoder_id)
    library.use_encoder(encoder)
    if resting:
        report.problem(library.path, resting)


def _heads_left_behind(library: Library, options: IndexOptions) -> str:
    """A message about tags that no head of the new encoder replaces; empty if there are none."""
    heads = [head.name for head in library.tags.heads(library.encoder_id)]
    if not heads or options.tags is not None:
        return ""
    return (
        f"the tags of {', '.join(heads)} were made for {library.settings.encoder!r} and are not "
        f"available with {options.model!r}; train new ones with 'picfuse train tags DATASET "
        f"--model {options.model}', or go back to the old model"
    )


def _fusion_for(library: Library, options: IndexOptions, encoder: Encoder) -> Fusion:
    """The fusion after the move: the one in the options, or the present one.

    Raises `InputError` if it was trained for another encoder, before anything is encoded.
    """
    fusion = library.fusion if options.fusion is None else open_fusion(options.fusion)
    fusion.check_encoder(encoder)
    return fusion


def _check_plugged_in(library: Library) -> None:
    """Raise `InputError` if pictures that are searched now cannot be encoded: they are away."""
    for folder in library.catalogue.folders():
        there, _ = library.catalogue.by_presence(folder.id)
        if there and not folder.path.is_dir():
            raise InputError(
                f"{folder.path}: missing now, so its {len(there)} pictures would be left out; "
                "plug it in, or run 'picfuse index' first to record them as missing"
            )


def _encode_captions(library: Library, encoder: Encoder, encoder_id: int) -> Iterator[Progress]:
    total = 0
    for left, texts in library.embeddings.texts_without(encoder_id, _TEXTS_PER_BATCH):
        total = total or left
        yield Progress(total - left, total)
        rows = encoder.encode_texts(list(texts.values()))
        with library.writing() as batch:
            batch.embeddings.put(encoder_id, TEXT, list(texts), rows)


def _encode_pictures(
    library: Library, encoder: Encoder, encoder_id: int, options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    todo = {
        content: picture.path
        for content, picture in library.embeddings.pictures_without(encoder_id)
        if picture.is_as_indexed()
    }
    yield Progress(0, len(todo))
    if not todo:
        return
    with (
        decoding_pool(encoder.transform, library.thumbnails, options) as pool,
        closing(pool.decode_all(todo.items())) as outcomes,
    ):
        done = 0
        while part := list(islice(outcomes, PICTURES_PER_BATCH)):
            same = [o for o in part if isinstance(o, Decoded) and o.content_hash == o.key]
            rows = new_image_embeddings(library, encoder, encoder_id, same)
            with library.writing() as batch:
                batch.embeddings.put(encoder_id, IMAGE, *rows)
            report.encoded += len(same)
            done += len(part)
            yield Progress(done, len(todo))


def _switch(batch: Batch, target: LibrarySettings, encoder_id: int) -> None:
    """Search by the new encoder from now on; what it could not encode is looked at again."""
    batch.settings.set(SETTINGS, target.to_json())
    batch.settings.unset(MOVING)
    batch.pictures.recheck_unembedded(encoder_id)
