"""Looks: whether two pictures of a library look the same, by their thumbnails and their files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import PIL
from PIL import Image

from indexer.errors import PictureError
from indexer.pictures.alignment import shared_parts
from indexer.pictures.copying import Exposure, remainder
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.images import open_picture, read_picture, turn_of, upright_rgb
from indexer.pictures.likeness import Difference, difference, is_plain
from indexer.pictures.quantisation import steps_of
from indexer.pictures.thumbnails import THUMBNAIL_SIDE, read_thumbnail, thumbnail_path

FILE_SIDE = 768  # pixels of the longer side at which files of moved shots are compared
COPY_SIDE = 1800  # pixels of the longer side at which files of copies are compared
COARSE_SIDE, COARSE_SIEVE, SIEVE = 96, 2.0, 1.5  # smaller ones already differ by so many times
MOVED = 1.3  # times as much difference that turning and scaling a picture may leave
LESS = 0.8  # of the difference in place is left, at most, if it is a movement that makes it
_DECIDING = {  # the modules that decide whether files are copies
    "indexer.pictures": ("copying", "quantisation", "likeness", "images", "srgb", "salvage"),
    "search.ranking": ("looks",),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture to be looked at: the hash of its bytes, a file that has them, and its thumbnail."""

    content: bytes
    path: Path
    thumbnails: Path


@lru_cache(maxsize=1)
def rule() -> str:
    """A name for how files are compared: it changes with the code, and with what decodes them."""
    digest = hashlib.blake2b(PIL.__version__.encode(), digest_size=8)
    for package, names in _DECIDING.items():
        for name in names:
            digest.update(files(package).joinpath(f"{name}.py").read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=50_000)
def are_far(one: Sight, other: Sight) -> bool:
    """Whether the thumbnails of two pictures already differ; opens no file."""
    one, other = _ordered(one, other)
    far = _far(_coarse(one), _coarse(other), COARSE_SIEVE)
    return far or _far(_thumbnail(one), _thumbnail(other), SIEVE)


@lru_cache(maxsize=50_000)
def are_copies(one: Sight, other: Sight) -> bool:
    """Whether the files of two pictures are the same in every part.

    Raises `PictureError` for a file that is gone, or has other bytes than it was indexed with.
    """
    found = remainder(*(_exposure(sight) for sight in _ordered(one, other)))
    return found is not None and found.none


def near(one: Sight, other: Sight) -> bool:
    """Whether two pictures are the same in every part but for a small movement of the camera.

    Opens files only of pages, drawings and the like, of pictures that are smaller than a thumbnail,
    and of those without one. If such pictures have not moved, they have to be copies.
    """
    try:
        return _are_near(*_ordered(one, other))
    except PictureError:  # which is not kept: the file may come back
        return False


def _ordered(one: Sight, other: Sight) -> tuple[Sight, Sight]:
    """Two pictures in an order of their own, so that the one they are given in means nothing."""
    return (one, other) if one.content <= other.content else (other, one)


def _are_same(one: Sight, other: Sight) -> bool:
    return not are_far(one, other) and are_copies(one, other)


@lru_cache(maxsize=50_000)
def _are_near(one: Sight, other: Sight) -> bool:
    small, large = _thumbnail(one), _thumbnail(other)
    if small is None or large is None:
        return _are_same(one, other)
    found = difference(small, large)
    plain = is_plain(small) or is_plain(large)
    if found is None or not found.none:
        moved = _moved(small, large, found)
        return moved and (not plain or _moved_in_files(one, other))
    if max(small.size) >= THUMBNAIL_SIDE and max(large.size) >= THUMBNAIL_SIDE and not plain:
        return True
    # On a page or at so few pixels, two shots differ by their noise as much as by a digit.
    return _are_same(one, other)


def _moved(one: Image.Image, other: Image.Image, found: Difference | None) -> bool:
    """Whether two pictures that differ by `found` are alike in what both show after a movement."""
    parts = shared_parts(one, other)
    moved = None if parts is None else difference(*parts)
    if moved is None or (found is not None and moved.mean > LESS * found.mean):
        return False
    return moved.within(MOVED)


def _moved_in_files(one: Sight, other: Sight) -> bool:
    this, that = (_shrunk(_exposure(sight).image, FILE_SIDE) for sight in (one, other))
    return _moved(this, that, difference(this, that))


def _far(one: Image.Image | None, other: Image.Image | None, times: float) -> bool:
    """Whether two pictures already differ at this size; those that are unknown do not."""
    found = None if one is None or other is None else difference(one, other)
    return found is not None and found.exceeds(times)


@lru_cache(maxsize=64)
def _thumbnail(sight: Sight) -> Image.Image | None:
    content = read_thumbnail(thumbnail_path(sight.thumbnails, sight.content))
    return None if content is None else Image.open(BytesIO(content)).convert("RGB")


@lru_cache(maxsize=2000)
def _coarse(sight: Sight) -> Image.Image | None:
    small = _thumbnail(sight)
    return None if small is None else _shrunk(small, COARSE_SIDE)


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


@lru_cache(maxsize=16)
def _exposure(sight: Sight) -> Exposure:
    return exposed(_content(sight))


def exposed(content: bytes) -> Exposure:
    """The pixels of a file, at most `COPY_SIDE` long, and the steps that they were rounded to.

    Raises `PictureError`.
    """
    with open_picture(BytesIO(content)) as picture:
        longer = max(picture.size)
        steps, turn = steps_of(picture), turn_of(picture)
        if longer <= COPY_SIDE:
            return Exposure(upright_rgb(picture), steps, turn)
        image = _shrunk(upright_rgb(picture, min_side=COPY_SIDE), COPY_SIDE)
        return Exposure(image, steps.scaled(COPY_SIDE / longer))


def _content(sight: Sight) -> bytes:
    """The bytes of a file: only those that a worker has decoded while indexing are decoded here.

    Raises `PictureError`.
    """
    content = read_picture(sight.path)
    if hash_bytes(content) != sight.content:
        raise PictureError("changed since it was indexed")
    return content
