"""Cards: pictures as the pages show them, and their bytes as a browser can show them."""

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
from ui.sentences import excerpt_line, explanation_lines, metadata_lines
from ui.views.safe_text import browser_safe


@dataclass(frozen=True, slots=True)
class Card:
    """A picture as the grid shows it.

    `score` is the figure on the card and `scores` all figures behind it; both are empty if nothing
    was searched for. `like`: near-identical pictures that were folded into this one. `why`: lines
    that explain the score. `words`: words of the query in its caption, name or tags. `details`:
    lines of what its metadata say.
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
    details: tuple[str, ...] = ()

    @classmethod
    def of_hit(cls, hit: Hit) -> Card:
        """Card of a hit."""
        caption = "" if hit.caption_score is None else f" · caption {hit.caption_score:.2f}"
        score = "" if hit.score is None else f"{hit.score:.2f}"
        image = "" if hit.image_score is None else f" · picture {hit.image_score:.2f}"
        return cls(
            hit.picture_id,
            hit.path,
            hit.captions,
            hit.thumbnail,
            score if hit.confidence is None else f"{hit.confidence:.0%}",
            f"Score {score}{image}{caption}" if score else "",
            tuple(f"{name} {p:.0%}" for name, p in (hit.tags or {}).items()),
            tuple(cls.of_picture(p, hit.thumbnail.parent.parent) for p in hit.folded),
            why_lines(hit),
            hit.words or (),
            tuple(metadata_lines(hit.metadata)),
        )

    @classmethod
    def of_picture(cls, picture: PictureInfo, thumbnails: Path) -> Card:
        """Card of a picture that is shown without a search."""
        thumbnail = thumbnail_path(thumbnails, picture.content_hash)
        return cls(picture.id, picture.path, picture.captions, thumbnail)

    @property
    def said(self) -> str:
        """First caption, or the file name if there is none."""
        return browser_safe(self.captions[0] if self.captions else Path(self.path.name))

    def contents(self) -> bytes:
        """Bytes of the picture. Raises `PictureError` if the file has changed.

        The path may by now lead to a file that nobody added to the library.
        """
        content = read_picture(self.path)
        if hash_bytes(content).hex() != self.thumbnail.stem:
            raise PictureError("the file has changed since it was indexed; update its folder")
        return content

    def small(self) -> bytes | None:
        """Cached thumbnail, rebuilt if it was lost; None if the picture is lost too."""
        kept = read_thumbnail(self.thumbnail)
        if kept is not None:
            return kept
        try:
            return jpeg(self.contents(), THUMBNAIL_SIDE)
        except PictureError:
            return None


def why_lines(hit: Hit) -> tuple[str, ...]:
    """Lines that say why a hit was found: what its text has of the query, and its explanation."""
    found = [excerpt_line(hit.excerpt)] if hit.excerpt else []
    found += [] if hit.explanation is None else explanation_lines(hit.explanation)
    return tuple(found)


def jpeg(content: bytes, side: int) -> bytes:
    """JPEG of a picture, at most `side` pixels long. Raises `PictureError`."""
    image = decode(io.BytesIO(content), min_side=side)
    image.thumbnail((side, side))
    return as_jpeg(image)


def as_jpeg(image: Image.Image) -> bytes:
    """JPEG of an RGB picture."""
    with io.BytesIO() as buffer:
        image.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()
