"""Hits and pictures of the library as the gallery shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from indexer import Library
from indexer.catalogue.lookup.pictures import PictureInfo
from search import Hit
from ui.gallery.data import Item, Mark
from ui.sentences import excerpt_line, explanation_lines
from ui.views.safe_text import browser_safe


def items_of(
    library: Library, hits: Sequence[Hit], marks: Mapping[int, Mark] | None = None
) -> list[Item]:
    """Items of hits, in their order; `marks` by the id of a picture."""
    pictures = library.catalogue.pictures(hit.picture_id for hit in hits)
    return [
        _item(pictures[hit.picture_id], hit, (marks or {}).get(hit.picture_id))
        for hit in hits
        if hit.picture_id in pictures
    ]


def _why(hit: Hit) -> tuple[str, ...]:
    """Lines that say why a hit was found: its words, the text it shows, and its explanation."""
    quoted = ", ".join(f'"{word}"' for word in hit.words or ())
    found = [f"Matches {quoted}"] if quoted else []
    found += [excerpt_line(hit.excerpt)] if hit.excerpt else []
    found += [] if hit.explanation is None else explanation_lines(hit.explanation)
    return tuple(browser_safe(line) for line in found)


def _item(picture: PictureInfo, hit: Hit, mark: Mark | None) -> Item:
    percent = None if hit.confidence is None else round(100 * hit.confidence)
    folded = tuple(_plain(one) for one in hit.folded)
    plain = _plain(picture)
    return Item(
        plain.id, plain.hash, plain.aspect, plain.name, plain.caption, percent, _why(hit),
        folded, mark,
    )  # fmt: skip


def _plain(picture: PictureInfo) -> Item:
    aspect = picture.width / picture.height if picture.width and picture.height else 1.0
    caption = browser_safe(picture.captions[0]) if picture.captions else ""
    name = browser_safe(Path(picture.path.name))
    content = picture.content_hash.hex()
    return Item(picture.id, content, round(aspect, 3), name, caption)
