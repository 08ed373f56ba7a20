"""A dialog over the page: one picture large."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st

from indexer.errors import PictureError
from indexer.pictures.images import decode
from ui.views.display.cards import Card, as_jpeg
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe

More = Callable[[int], None]  # called with the id of the picture to find similar ones for
LARGE = 2560  # pixels of the longer side: more than a screen shows


@st.dialog("Picture", width="large")
def open_picture(card: Card, more: More) -> None:
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
    if st.button("More like this", key="more-open", on_click=more, args=(card.picture_id,)):
        st.rerun()
