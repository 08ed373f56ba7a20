"""Dialogs over the page: one picture large, or several near-identical ones."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st
from PIL import Image

from indexer.errors import PicfuseError, PictureError
from indexer.pictures.images import decode
from search.heat_map import HeatMap
from ui.views.display.cards import Card, as_jpeg
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe

More = Callable[[int], None]  # called with the id of the picture to find similar ones for
HeatFinder = Callable[[Image.Image], HeatMap]
LARGE = 2560  # pixels of the longer side: more than a screen shows


@st.dialog("Picture", width="large")
def open_picture(card: Card, more: More, where: HeatFinder | None = None) -> None:
    """Show a picture and its details; `where` makes the heat map of the search."""
    try:
        image = decode(io.BytesIO(card.contents()), min_side=LARGE)
        image.thumbnail((LARGE, LARGE))
        if where is not None and st.session_state.get("where-open"):
            _show_heat(image, where, card.said)
        else:
            st.image(as_jpeg(image), alt=card.said)
    except PictureError as error:
        notice("The picture cannot be shown", str(error))
    except PicfuseError as error:
        notice("The heat map cannot be shown", str(error))
    if where is not None:
        st.toggle("Show heat map", key="where-open")
    for caption in card.captions:
        st.text(browser_safe(caption))
    if card.tags:
        st.text(f"Tags: {browser_safe(', '.join(card.tags))}")
    for line in card.details:
        st.text(browser_safe(line))
    st.code(browser_safe(card.path), language=None, wrap_lines=True)
    if card.scores:
        st.caption(f"Match: {card.score}", help=card.scores)
    for line in card.why:
        st.text(browser_safe(line))
    if st.button("More like this", key="more-open", on_click=more, args=(card.picture_id,)):
        st.rerun()


def _show_heat(image: Image.Image, where: HeatFinder, said: str) -> None:
    with st.spinner("Making the heat map; the first one can take a minute …", show_time=False):
        heat = where(image)
    st.image(as_jpeg(heat.over(image)), alt=said)
    st.caption("Warmest where it matches best. Even a poor match has a warmest place.")


@st.dialog("Near-identical shots", width="large")
def open_alike(card: Card) -> None:
    """Show a picture and those that were folded into it, with their paths."""
    for each in (card, *card.like):
        small = each.small()
        with st.container(horizontal=True, vertical_alignment="center"):
            if small is not None:
                st.image(small, width=160, alt=each.said)
            st.code(browser_safe(each.path), language=None, wrap_lines=True)
