"""Cards: a picture as pages show it, and its bytes as a browser can show them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import PictureError
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.images import decode, read_picture
from indexer.pictures.thumbnails import THUMBNAIL_SIDE, read_thumbnail, thumbnail_path
from search import Hit
from ui.views.plain import shown
from ui.why import lines_of


@dataclass(frozen=True, slots=True)
class Card:
    """A picture as the grid shows it; `scores` is empty where nothing was asked.

    `like`: pictures that are nearly the same and were folded into this one. `why`: lines that say
    what adds to its score.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    thumbnail: Path
    score: str = ""
    scores: str = ""
    tags: tuple[str, ...] = ()
    like: tuple[Card, ...] = ()
    why: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of_hit(cls, hit: Hit) -> Card:
        """The card of an answer."""
        caption = "" if hit.caption_score is None else f" · caption {hit.caption_score:.2f}"
        score = "" if hit.score is None else f"{hit.score:.2f}"
        image = "" if hit.image_score is None else f" · picture {hit.image_score:.2f}"
        sure = "" if hit.confidence is None else f" · right with {hit.confidence:.0%}"
        return cls(
            hit.picture_id,
            hit.path,
            hit.captions,
            hit.thumbnail,
            score if hit.confidence is None else f"{hit.confidence:.0%}",
            f"Score {score}{image}{caption}{sure}" if score else "",
            tuple(f"{name} {p:.0%}" for name, p in (hit.tags or {}).items()),
            tuple(cls.of_picture(p, hit.thumbnail.parent.parent) for p in hit.like),
            () if hit.explanation is None else tuple(lines_of(hit.explanation)),
            hit.words or (),
        )

    @classmethod
    def of_picture(cls, picture: PictureInfo, thumbnails: Path) -> Card:
        """The card of a picture that nobody asked for."""
        thumbnail = thumbnail_path(thumbnails, picture.content_hash)
        return cls(picture.id, picture.path, picture.captions, thumbnail)

    @property
    def said(self) -> str:
        """The first caption, or the file's name where there is none."""
        return shown(self.captions[0] if self.captions else Path(self.path.name))

    def contents(self) -> bytes:
        """The bytes of the picture. Raises `PictureError` where there are others by now.

        Its path may have come to lead elsewhere, to what nobody has put into the library.
        """
        content = read_picture(self.path)
        if hash_bytes(content).hex() != self.thumbnail.stem:
            raise PictureError("it has changed since it was indexed (index its folder again)")
        return content

    def small(self) -> bytes | None:
        """The cached thumbnail; made anew where it was lost, None where the picture is too."""
        kept = read_thumbnail(self.thumbnail)
        if kept is not None:
            return kept
        try:
            return jpeg(self.contents(), THUMBNAIL_SIDE)
        except PictureError:
            return None


def jpeg(content: bytes, side: int) -> bytes:
    """A picture as a browser can show it, at most `side` pixels long. Raises `PictureError`."""
    image = decode(io.BytesIO(content), min_side=side)
    image.thumbnail((side, side))
    return as_jpeg(image)


def as_jpeg(image: Image.Image) -> bytes:
    """A picture (RGB) as the bytes of a JPEG."""
    with io.BytesIO() as buffer:
        image.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()
