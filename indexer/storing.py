"""What came of looking at pictures goes into the catalogue: encoded, and in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from indexer.batch import Batch, PictureFacts
from indexer.captions import Caption
from indexer.catalogue import ContentFacts
from indexer.decoded import Decoded, DecodeFailure, Known, Outcome
from indexer.encoders import IMAGE, TEXT, Encoder, Rows
from indexer.images import FoundPicture
from indexer.library import Library
from indexer.plan import FolderPlan
from indexer.report import IndexReport
from indexer.schema import PRESENT, text_hash, unpack
from indexer.tagging.current import tag_pictures

_NO_PIXELS = np.zeros((0, 1, 1, 3), np.uint8)


def store_pictures(
    library: Library,
    plan: FolderPlan,
    outcomes: Sequence[tuple[FoundPicture, Outcome]],
    before: Mapping[bytes, ContentFacts],
    report: IndexReport,
) -> None:
    """Encode what is new in a batch and commit everything about it in one transaction.

    `before` are contents of pictures that earlier batches of this run may have replaced.
    """
    contents = _contents(library, [outcome for _, outcome in outcomes], before)
    decoded = [outcome for _, outcome in outcomes if isinstance(outcome, Decoded)]
    captions = [
        caption
        for (found, _), facts in zip(outcomes, contents, strict=True)
        if facts.reason is None
        for caption in (*plan.captions.get(found.relative, ()), *facts.captions)
    ]
    images = encoded_images(library, library.encoder, library.encoder_id, decoded)
    texts = encoded_texts(library, library.encoder, library.encoder_id, captions)
    with library.writing() as batch:
        batch.put_embeddings(library.encoder_id, IMAGE, *images)
        batch.put_embeddings(library.encoder_id, TEXT, *texts)
        keys: tuple[list[int], list[int]] = (
            [],
            [],
        )  # of those that were read, of those that failed
        for (found, outcome), facts in zip(outcomes, contents, strict=True):
            key = _store_picture(batch, plan, found, outcome.content_hash, facts)
            keys[facts.reason is not None].append(key)
        tag_pictures(library, batch, *keys)
    for (found, outcome), facts in zip(outcomes, contents, strict=True):
        _count(plan, found, outcome, facts, report)
    for flaw in {picture.thumbnail_flaw for picture in decoded} - {"", *_said(report)}:
        report.problem(library.thumbnails, flaw)


def _contents(
    library: Library, outcomes: Sequence[Outcome], before: Mapping[bytes, ContentFacts]
) -> list[ContentFacts]:
    """What is known of the contents of each outcome."""
    hashes = [outcome.content_hash for outcome in outcomes if isinstance(outcome, Known)]
    known = {**before, **library.catalogue.contents(hashes)}
    return [_content(outcome, known) for outcome in outcomes]


def _content(outcome: Outcome, known: Mapping[bytes, ContentFacts]) -> ContentFacts:
    if isinstance(outcome, Known):
        return known[outcome.content_hash]
    if isinstance(outcome, DecodeFailure):
        reason = outcome.reason.encode("utf-8", "backslashreplace").decode()  # it may hold a name
        return ContentFacts(*(None,) * 9, reason, ())
    o = outcome
    exif = (o.exif.taken, o.exif.camera, o.exif.latitude, o.exif.longitude)
    looks = (o.perceptual_hash, o.pixels_hash)
    return ContentFacts(o.width, o.height, o.format, *exif, *looks, None, o.captions)


def _store_picture(
    batch: Batch,
    plan: FolderPlan,
    found: FoundPicture,
    content_hash: bytes | None,
    content: ContentFacts,
) -> int:
    facts = PictureFacts(
        found.relative,
        found.size,
        found.mtime_ns,
        content_hash,
        content.width,
        content.height,
        content.format,
        content.taken,
        content.camera,
        content.latitude,
        content.longitude,
        content.perceptual_hash,
        content.pixels_hash,
        content.reason,
    )
    key = batch.put_picture(plan.folder.id, facts)
    if content.reason is None:
        batch.put_captions(key, plan.captions.get(found.relative, ()), embedded=False)
        batch.put_captions(key, content.captions, embedded=True)
    return key


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
        plan.texts(found.relative) == plan.before.get(known.id, ())
    ):
        report.unchanged += 1  # only its time of change is another one
    else:
        report.changed += 1


def _said(report: IndexReport) -> set[str]:
    return {problem.reason for problem in report.problems}


def store_captions(
    library: Library, todo: Sequence[tuple[int, tuple[Caption, ...]]], report: IndexReport
) -> None:
    """Store the new captions of pictures that are themselves unchanged."""
    captions = [caption for _, captions in todo for caption in captions]
    texts = encoded_texts(library, library.encoder, library.encoder_id, captions)
    with library.writing() as batch:
        batch.put_embeddings(library.encoder_id, TEXT, *texts)
        for key, captions_ in todo:
            batch.put_captions(key, captions_, embedded=False)
        batch.touch([key for key, _ in todo])
        tag_pictures(library, batch, [key for key, _ in todo])
    report.changed += len(todo)


def encoded_images(
    library: Library, encoder: Encoder, encoder_id: int, decoded: Sequence[Decoded]
) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the pictures whose content has none of this encoder yet."""
    pixels = {d.content_hash: d.pixels for d in decoded}
    stored = library.embeddings.stored(encoder_id, IMAGE, pixels)
    new = {d.content_hash: d.pixels_hash for d in decoded if d.content_hash not in stored}
    seen = library.embeddings.of_pixels(encoder_id, new.values())  # other bytes, the same pixels
    todo = [key for key, look in new.items() if look not in seen]
    images = np.stack([pixels[key] for key in todo]) if todo else _NO_PIXELS
    alike = [key for key, look in new.items() if look in seen]
    rows = unpack([seen[new[key]] for key in alike], encoder.dim)
    return [*todo, *alike], np.concatenate([encoder.encode_images(images), rows])


def encoded_texts(
    library: Library, encoder: Encoder, encoder_id: int, captions: Sequence[Caption]
) -> tuple[list[bytes], Rows]:
    """Hashes and embeddings of the captions whose text has none of this encoder yet."""
    texts = {text_hash(caption.text): caption.text for caption in captions}
    stored = library.embeddings.stored(encoder_id, TEXT, texts)
    new = [key for key in texts if key not in stored]
    return new, encoder.encode_texts([texts[key] for key in new])
