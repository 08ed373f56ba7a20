"""A dialog over the page: one picture large."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from indexer.errors import PictureError
from indexer.pictures.images import decode
from ui.views.display.cards import Card, as_jpeg
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, literal
from ui.views.shared_library import SharedLibrary

More = Callable[[int], None]  # called with the id of the picture to find similar ones for
LARGE = 2560  # pixels of the longer side: more than a screen shows


def open_large(opened: SharedLibrary, picture_id: int, more: More | None = None) -> None:
    """Open a picture of the library over the page; nothing if it is gone from the library.

    `more` offers to find pictures like it.
    """
    with opened.asking():
        found = opened.library.catalogue.pictures([picture_id])
    for picture in found.values():
        card = Card.of_picture(picture, opened.library.thumbnails)
        title = literal(browser_safe(Path(card.path.name)))
        st.dialog(title, width="large")(_show)(card, more)


def _show(card: Card, more: More | None) -> None:
    """Show a picture and its captions."""
    try:
        image = decode(io.BytesIO(card.contents()), min_side=LARGE)
        image.thumbnail((LARGE, LARGE))
        st.image(as_jpeg(image), alt=card.said)
    except PictureError as error:
        notice("The picture cannot be shown", str(error))
    for caption in card.captions:
        st.text(browser_safe(caption))
    st.code(browser_safe(card.path), language=None, wrap_lines=True)
    if more is None:
        return
    if st.button("More like this", key="more-open", on_click=more, args=(card.picture_id,)):
        st.rerun()
