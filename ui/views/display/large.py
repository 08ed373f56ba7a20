"""A dialog over the page: one picture large."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import PictureError
from ui.views.display.jpegs import alt_of, large_image
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, literal
from ui.views.shared_library import SharedLibrary
from ui.web.pictures import as_jpeg

More = Callable[[int], None]  # shows, for the id of a picture, a way to find similar ones


def open_large(opened: SharedLibrary, picture_id: int, more: More | None = None) -> None:
    """Open a picture of the library over the page; nothing if it is gone from the library.

    `more` adds a way to find pictures like it.
    """
    with opened.asking():
        found = opened.library.catalogue.pictures([picture_id])
    for picture in found.values():
        title = literal(browser_safe(Path(picture.path.name)))
        st.dialog(title, width="large")(_show)(picture, more)


def _show(picture: PictureInfo, more: More | None) -> None:
    """Show a picture and its captions."""
    try:
        st.image(as_jpeg(large_image(picture)), alt=alt_of(picture))
    except PictureError as error:
        notice("The picture cannot be shown", str(error))
    for caption in picture.captions:
        st.text(browser_safe(caption))
    st.code(browser_safe(picture.path), language=None, wrap_lines=True)
    if more is not None:
        more(picture.id)
