"""Pictures side by side, and one of them large."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from indexer.errors import PictureError
from indexer.images import decode, hash_bytes, read_picture
from indexer.lookup import PictureInfo
from indexer.thumbnails import THUMBNAIL_SIDE, read_thumbnail, thumbnail_path
from search import Hit
from ui.views.plain import notice, shown

LARGE = 2560  # pixels of a side: more than a screen shows


@dataclass(frozen=True, slots=True)
class Card:
    """A picture as the grid shows it; `scores` is empty where nothing was asked.

    `like`: pictures that are nearly the same and were folded into this one.
    """

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    thumbnail: Path
    score: str = ""
    scores: str = ""
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    like: tuple[Card, ...] = ()

    @classmethod
    def of_hit(cls, hit: Hit) -> Card:
        """The card of an answer."""
        caption = "" if hit.caption_score is None else f" · caption {hit.caption_score:.2f}"
        score = "" if hit.score is None else f"{hit.score:.2f}"
        image = "" if hit.image_score is None else f" · picture {hit.image_score:.2f}"
        scores = f"Score {score}{image}{caption}" if score else ""
        tags = tuple(f"{name} {p:.0%}" for name, p in (hit.tags or {}).items())
        words = hit.words or ()
        like = tuple(cls.of_picture(p, hit.thumbnail.parent.parent) for p in hit.like)
        shown = (hit.picture_id, hit.path, hit.captions, hit.thumbnail, score, scores, tags)
        return cls(*shown, words, like)

    @classmethod
    def of_picture(cls, picture: PictureInfo, thumbnails: Path) -> Card:
        """The card of a picture that nobody asked for."""
        thumbnail = thumbnail_path(thumbnails, picture.content_hash)
        return cls(picture.id, picture.path, picture.captions, thumbnail)

    @property
    def said(self) -> str:
        """The first caption, or the file's name where there is none."""
        return shown(self.captions[0] if self.captions else Path(self.path.name))


def grid(cards: Sequence[Card], more: Callable[[int], None]) -> None:
    """The cards in rows; `more` is called with the picture whose like is asked for."""
    with st.container(key="hits"):
        for place, card in enumerate(cards):
            with st.container(key=f"hit-{place}"):
                _show(card, place, more)


def jpeg(content: bytes, side: int) -> bytes:
    """A picture as a browser can show it, at most `side` pixels long. Raises `PictureError`."""
    image = decode(io.BytesIO(content), min_side=side)
    image.thumbnail((side, side))
    with io.BytesIO() as buffer:
        image.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def contents(card: Card) -> bytes:
    """The bytes of a card's picture. Raises `PictureError` where there are others by now.

    Its path may have come to lead elsewhere, to what nobody has put into the library.
    """
    content = read_picture(card.path)
    if hash_bytes(content).hex() != card.thumbnail.stem:
        raise PictureError("it has changed since it was indexed (index its folder again)")
    return content


def _show(card: Card, place: int, more: Callable[[int], None]) -> None:
    thumbnail = _thumbnail(card)
    if thumbnail is None:
        with st.container(key=f"none-{place}"):
            st.markdown(":material/hide_image:")
    else:
        st.image(thumbnail, width="stretch", alt=card.said)
    if st.button("Show picture", key=f"open-{place}", type="tertiary"):
        _open(card, more)
    with st.container(key=f"said-{place}"):
        st.text(card.said)
        if card.words:
            st.text(f"Has: {shown(', '.join(card.words))}")
    with st.container(key=f"foot-{place}", horizontal=True, horizontal_alignment="distribute"):
        st.button(
            "More like this",
            key=f"more-{place}",
            type="tertiary",
            on_click=more,
            args=(card.picture_id,),
        )
        if card.like and st.button(f"+{len(card.like)}", key=f"like-{place}", type="tertiary"):
            _open_like(card)
        if card.score:
            st.caption(card.score, width="content")


def _thumbnail(card: Card) -> bytes | None:
    """The cached thumbnail; made anew where it was lost, None where the picture is lost too."""
    kept = read_thumbnail(card.thumbnail)
    if kept is not None:
        return kept
    try:
        return jpeg(contents(card), THUMBNAIL_SIDE)
    except PictureError:
        return None


@st.dialog("Nearly the same picture", width="large")
def _open_like(card: Card) -> None:
    """The picture and those that were folded into it, with their paths."""
    for each in (card, *card.like):
        thumbnail = _thumbnail(each)
        with st.container(horizontal=True, vertical_alignment="center"):
            if thumbnail is not None:
                st.image(thumbnail, width=160, alt=each.said)
            st.code(shown(each.path), language=None, wrap_lines=True)


def open_picture(card: Card, more: Callable[[int], None]) -> None:
    """Open a picture large, over the page; `more` as in `grid`."""
    _open(card, more)


@st.dialog("Picture", width="large")
def _open(card: Card, more: Callable[[int], None]) -> None:
    try:
        st.image(jpeg(contents(card), LARGE), alt=card.said)
    except PictureError as error:
        notice("The picture cannot be shown", str(error))
    for caption in card.captions:
        st.text(shown(caption))
    if card.tags:
        st.text(f"Tags: {shown(', '.join(card.tags))}")
    st.code(shown(card.path), language=None, wrap_lines=True)
    if card.scores:
        st.caption(card.scores)
    if st.button("More like this", key="more-open", on_click=more, args=(card.picture_id,)):
        st.rerun()
