"""Outcomes of decoding: encoded first, then stored, each batch in one transaction.

The two steps are separate so that a batch can be encoded while the previous one is being stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.captions import Caption
from indexer.captions.metadata import captions_among
from indexer.catalogue.lookup.contents import contents_of
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.values import PRESENT, pack, text_hash, unpack
from indexer.embedding import IMAGE, TEXT, Rows
from indexer.encoders import Encoder
from indexer.encoders.parts import encode_with_parts
from indexer.library.library import Library
from indexer.pictures.decoding import Decoded, Known, Outcome
from indexer.pictures.facts import ContentFacts
from indexer.pictures.found import FoundPicture
from indexer.pipeline.facts import Origins, all_facts
from indexer.pipeline.fillers import without_fillers
from indexer.pipeline.plan import FolderPlan
from indexer.pipeline.report import IndexReport
from indexer.pipeline.tagging import tag_pictures

_NO_PIXELS = np.zeros((0, 1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """Pictures with the facts of their contents; new embeddings and the hashes they belong to."""

    outcomes: Sequence[tuple[FoundPicture, Outcome]]
    contents: Sequence[ContentFacts]
    encoder_id: int
    images: tuple[list[bytes], Rows]
    texts: tuple[list[bytes], Rows]

    @property
    def decoded(self) -> list[Decoded]:
        """The pictures that were decoded."""
        return [outcome for _, outcome in self.outcomes if isinstance(outcome, Decoded)]


def encode_pictures(
    library: Library,
    plan: FolderPlan,
    outcomes: Sequence[tuple[FoundPicture, Outcome]],
    before: Mapping[bytes, ContentFacts],
    waiting: EncodedBatch | None = None,
) -> EncodedBatch:
    """Encode the new contents and captions of a batch; nothing is stored.

    `before` are contents of pictures that earlier batches of this run may have replaced, `waiting`
    is a batch that may not be stored yet.
    """
    contents = _contents(library, [outcome for _, outcome in outcomes], before)
    decoded = [outcome for _, outcome in outcomes if isinstance(outcome, Decoded)]
    captions = [
        caption
        for (found, _), facts in zip(outcomes, contents, strict=True)
        if facts.reason is None
        for caption in (*plan.captions.get(found.relative, ()), *facts.captions)
    ]
    encoder, encoder_id = library.encoder, library.encoder_id
    images = new_image_embeddings(library, encoder, encoder_id, decoded, waiting)
    texts = new_text_embeddings(library, encoder, encoder_id, captions, waiting)
    return EncodedBatch(outcomes, contents, encoder_id, images, texts)


def store_pictures(
    library: Library, plan: FolderPlan, encoded: EncodedBatch, report: IndexReport
) -> None:
    """Commit everything about a batch in one transaction."""
    pairs = list(zip(encoded.outcomes, encoded.contents, strict=True))
    with library.writing() as batch:
        batch.embeddings.put(encoded.encoder_id, IMAGE, *encoded.images)
        batch.embeddings.put(encoded.encoder_id, TEXT, *encoded.texts)
        stored = [_facts(plan, found, outcome, content) for (found, outcome), content in pairs]
        ids = batch.pictures.put(plan.folder.id, [facts for facts, _ in stored])
        batch.pictures.put_facts({key: own for key, (_, own) in zip(ids, stored, strict=True)})
        keys = dict(zip(ids, pairs, strict=True))
        read = {key: pair for key, pair in keys.items() if pair[1].reason is None}
        beside = {
            key: plan.captions.get(found.relative, ()) for key, ((found, _), _) in read.items()
        }
        batch.pictures.put_captions(beside, embedded=False)
        carried = {key: content.captions for key, (_, content) in read.items()}
        batch.pictures.put_captions(carried, embedded=True)
        tag_pictures(library, batch, list(read), [key for key in keys if key not in read])
    for (found, outcome), content in pairs:
        _count(plan, found, outcome, content, report)
        if isinstance(outcome, Decoded) and outcome.flaw:
            report.problem(plan.full(found.relative), outcome.flaw)
    flaws = {picture.thumbnail_flaw for picture in encoded.decoded}
    for flaw in flaws - {"", *_reported(report)}:
        report.problem(library.thumbnails, flaw)


def _contents(
    library: Library, outcomes: Sequence[Outcome], before: Mapping[bytes, ContentFacts]
) -> list[ContentFacts]:
    """Facts of the contents of each outcome."""
    hashes = [outcome.content_hash for outcome in outcomes if isinstance(outcome, Known)]
    known = {**before, **contents_of(library.catalogue, hashes)}
    contents = [_content(outcome, known) for outcome in outcomes]
    if not (fillers := library.settings.fillers):
        return contents
    return [replace(each, captions=without_fillers(each.captions, fillers)) for each in contents]


def _content(outcome: Outcome, known: Mapping[bytes, ContentFacts]) -> ContentFacts:
    if isinstance(outcome, Known):
        return _with_metadata(known[outcome.content_hash], outcome)
    return outcome.content


def _with_metadata(content: ContentFacts, file: Known) -> ContentFacts:
    if content.reason is not None:
        return content
    return replace(content, metadata=file.metadata, captions=captions_among(file.metadata))


def _facts(
    plan: FolderPlan, found: FoundPicture, outcome: Outcome, content: ContentFacts
) -> tuple[PictureFacts, Origins]:
    file = (found.relative, found.size, found.mtime_ns, outcome.content_hash)
    if content.reason is not None:
        return PictureFacts(*file, content), {}
    beside = plan.facts.get(found.relative, ())
    values, origins = all_facts(plan.folder.path, found.relative, content.metadata, beside)
    return PictureFacts(*file, content, values), origins


def _count(
    plan: FolderPlan,
    found: FoundPicture,
    outcome: Outcome,
    content: ContentFacts,
    report: IndexReport,
) -> None:
    known = plan.known.get(found.relative)
    if content.reason is not None:
        report.fail(plan.full(found.relative), content.reason)
    elif known is None:
        report.added += 1
    elif (known.content_hash, known.state) == (outcome.content_hash, PRESENT) and (
        plan.is_said_as_before(found.relative, known.id)
    ):
        report.unchanged += 1  # only its time of change differs
    else:
        report.changed += 1


def _reported(report: IndexReport) -> set[str]:
    return {problem.reason for problem in report.problems}


def store_captions(
    library: Library, todo: Sequence[tuple[int, tuple[Caption, ...]]], report: IndexReport
) -> None:
    """Store the new captions of pictures whose files are unchanged."""
    captions = [caption for _, captions in todo for caption in captions]
    texts = new_text_embeddings(library, library.encoder, library.encoder_id, captions)
    with library.writing() as batch:
        batch.embeddings.put(library.encoder_id, TEXT, *texts)
        batch.pictures.put_captions(dict(todo), embedded=False)
        batch.pictures.touch([key for key, _ in todo])
        tag_pictures(library, batch, [key for key, _ in todo])
    report.changed += len(todo)


def new_image_embeddings(
    library: Library,
    encoder: Encoder,
    encoder_id: int,
    decoded: Sequence[Decoded],
    waiting: EncodedBatch | None = None,
) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the pictures whose content this encoder has not encoded yet."""
    pixels = {d.content_hash: d.pixels for d in decoded}
    stored = library.embeddings.stored(encoder_id, IMAGE, pixels)
    stored.update(waiting.images[0] if waiting else ())
    new = {d.content_hash: _pixels_hash(d) for d in decoded if d.content_hash not in stored}
    seen = library.embeddings.of_pixels(encoder_id, new.values())  # other bytes, the same pixels
    seen |= _by_pixels(waiting) if waiting else {}
    todo = [key for key, pixels_hash in new.items() if pixels_hash not in seen]
    images = np.stack([pixels[key] for key in todo]) if todo else _NO_PIXELS
    parts = {d.content_hash: d.parts for d in decoded}
    encoded = encode_with_parts(encoder, images, [parts[key] for key in todo])
    alike = [key for key, pixels_hash in new.items() if pixels_hash in seen]
    rows = unpack([seen[new[key]] for key in alike], encoder.dim)
    return [*todo, *alike], np.concatenate([encoded, rows])


def _by_pixels(batch: EncodedBatch) -> dict[bytes, bytes]:
    """Packed embeddings of a batch by the hash of the pictures' pixels."""
    rows = dict(zip(*batch.images, strict=True))
    return {
        _pixels_hash(d): pack(rows[d.content_hash]) for d in batch.decoded if d.content_hash in rows
    }


def _pixels_hash(picture: Decoded) -> bytes:
    assert picture.content.pixels_hash is not None  # known of whatever was decoded
    return picture.content.pixels_hash


def new_text_embeddings(
    library: Library,
    encoder: Encoder,
    encoder_id: int,
    captions: Sequence[Caption],
    waiting: EncodedBatch | None = None,
) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the captions whose text this encoder has not encoded yet."""
    texts = {text_hash(caption.text): caption.text for caption in captions}
    stored = library.embeddings.stored(encoder_id, TEXT, texts)
    stored.update(waiting.texts[0] if waiting else ())
    new = [key for key in texts if key not in stored]
    return new, encoder.encode_texts([texts[key] for key in new])
