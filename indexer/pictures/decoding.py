"""Decode one picture file to its facts, pixels and thumbnail, or to the reason why not."""

import io
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.captions.metadata import captions_among
from indexer.errors import PictureError
from indexer.metadata.carried import carried_facts
from indexer.metadata.fact import Fact
from indexer.pictures.facts import ContentFacts
from indexer.pictures.hashes import hash_bytes, perceptual_hash
from indexer.pictures.images import (
    missing_of,
    open_picture,
    read_picture,
    upright_rgb,
    upright_size,
)
from indexer.pictures.limits import GIB, MAX_PIXELS, MEMORY_LIMIT
from indexer.pictures.parts import NO_PARTS, transformed_parts
from indexer.pictures.thumbnails import THUMBNAIL_SIDE, save_thumbnail
from indexer.pictures.transform import ImageTransform


@dataclass(frozen=True, slots=True)
class Decoded:
    """The facts of a picture's contents, and its pixels as prepared for the encoder.

    `pixels` is a uint8 array of shape `(size, size, 3)`, shared with nobody; `parts` are those of
    the parts of a panorama, `(n, size, size, 3)`, n being 0 for other pictures. `thumbnail_flaw`
    says why no thumbnail could be written, which spoils nothing else; `flaw` says what the file
    lacks although it could be decoded.
    """

    key: Hashable
    content_hash: bytes
    content: ContentFacts
    pixels: NDArray[np.uint8]
    thumbnail_flaw: str = ""
    flaw: str = ""
    parts: NDArray[np.uint8] = field(default_factory=lambda: NO_PARTS)


@dataclass(frozen=True, slots=True)
class Known:
    """A file with contents that the caller knows already: it was read and hashed, not decoded.

    `metadata` are read all the same: they cost little, and the readers may have become better.
    """

    key: Hashable
    content_hash: bytes
    metadata: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodeFailure:
    """A picture that could not be decoded, and why; `content_hash` if the file could be read."""

    key: Hashable
    content_hash: bytes | None
    reason: str

    @property
    def content(self) -> ContentFacts:
        """The facts of the contents: nothing but the reason, which may quote a name."""
        return ContentFacts(reason=self.reason.encode("utf-8", "backslashreplace").decode())


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """Settings of decoding; `memory_limit` is in bytes per worker.

    `known` are hashes of contents that need no decoding. `note` is called with the hash of a file
    once it is read, before it is decoded. `for_thumbnails`: pictures keep the size that thumbnails
    need, even if none are written.
    """

    transform: ImageTransform
    thumbnails: Path | None
    max_pixels: int = MAX_PIXELS
    memory_limit: int = MEMORY_LIMIT
    known: frozenset[bytes] = frozenset()
    note: Callable[[bytes], None] | None = None
    for_thumbnails: bool = False


Outcome: TypeAlias = Decoded | Known | DecodeFailure
Result = TypeVar("Result")


def decode_file(path: bytes, settings: DecodeSettings) -> Outcome:
    """Hash, decode, transform and shrink one picture, from one read of its file."""

    def decoded(data: bytes, digest: bytes) -> Outcome:
        if digest in settings.known:
            return Known(path, digest, _metadata(data, settings.max_pixels))
        return _decode(path, data, digest, settings)

    return with_hash(path, settings, decoded, "decoding")


def with_hash(
    path: bytes, settings: DecodeSettings, task: Callable[[bytes, bytes], Result], doing: str
) -> Result | DecodeFailure:
    """Do a task with the bytes and the hash of one picture, from one read of its file.

    A picture that cannot be read, or takes more memory than a worker may have, becomes a failure.
    `doing` names the task in its reason.
    """
    digest = None
    try:
        data = read_picture(path)
        digest = hash_bytes(data)
        if settings.note is not None:
            settings.note(digest)
        return task(data, digest)
    except PictureError as error:
        return DecodeFailure(path, digest, str(error))
    except MemoryError:
        limit = f"{settings.memory_limit / GIB:g} GiB"
        reason = f"{doing} takes more than {limit} of memory (to allow more: --memory-limit)"
        return DecodeFailure(path, digest, reason)


def _metadata(data: bytes, max_pixels: int) -> tuple[Fact, ...]:
    """The metadata of a file whose pixels are not needed; none of one that cannot be opened."""
    try:
        with open_picture(io.BytesIO(data), max_pixels=max_pixels) as picture:
            upright_size(picture)  # decodes a PNG, which may have metadata behind its pixels
            return carried_facts(picture)
    except PictureError:
        return ()


def _decode(path: bytes, data: bytes, digest: bytes, settings: DecodeSettings) -> Decoded:
    with open_picture(io.BytesIO(data), max_pixels=settings.max_pixels) as picture:
        width, height = upright_size(picture)
        metadata = carried_facts(picture)  # before its pixels are read, and its file is closed
        with_thumbnails = settings.for_thumbnails or settings.thumbnails is not None
        side = min_side(settings.transform, thumbnails=with_thumbnails)
        image = upright_rgb(picture, min_side=side)
        pixels, parts = settings.transform(image), transformed_parts(settings.transform, image)
        seen = repr(settings.transform).encode() + pixels.tobytes() + parts.tobytes()
        content = ContentFacts(
            width=width,
            height=height,
            format=picture.format or "",
            perceptual_hash=perceptual_hash(image),
            pixels_hash=hash_bytes(seen),
            captions=captions_among(metadata),
            metadata=metadata,
        )
        return Decoded(
            key=path,
            content_hash=digest,
            content=content,
            pixels=pixels,
            parts=parts,
            thumbnail_flaw=_save_thumbnail(image, settings.thumbnails, digest),
            flaw=_flaw(missing_of(picture)),
        )


def _flaw(missing: float) -> str:
    if not missing:
        return ""
    return (
        f"cut short: about {max(missing, 0.01):.0%} of it is missing, and it was indexed without "
        "(copy it again from its source)"
    )


def min_side(transform: ImageTransform, *, thumbnails: bool) -> int:
    """The least length in pixels to which decoding may scale down the sides of a JPEG.

    It does not depend on whether the thumbnail exists: the pixels depend on the scale.
    """
    return max(transform.size, THUMBNAIL_SIDE) if thumbnails else transform.size


def _save_thumbnail(image: Image.Image, folder: Path | None, digest: bytes) -> str:
    """Write a thumbnail; returns the reason if that fails: a full disk is no fault of a picture."""
    try:
        if folder is not None:
            save_thumbnail(image, folder, digest)
    except OSError as error:
        return f"thumbnails cannot be written: {error.strerror or error}"
    return ""
