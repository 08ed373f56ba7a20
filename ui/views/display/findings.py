"""Parts that the pages of findings share: a few at a time, with small pictures."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from ui.views.display.large import open_large
from ui.views.safe_text import browser_safe, literal
from ui.views.shared_library import SharedLibrary

FIRST = 20  # findings shown at once


def how_many(name: str, total: int) -> int:
    """Number of findings to show; a button below them shows more."""
    return min(total, int(st.session_state.get(f"{name}-shown", FIRST)))


def show_more(name: str, shown_now: int, total: int) -> None:
    """Show a button for more findings, unless all are shown."""
    if shown_now < total:
        st.caption(f"{shown_now:,} of {total:,} shown")
        if st.button("Show more", key=f"{name}-more"):
            st.session_state[f"{name}-shown"] = shown_now + FIRST
            st.rerun()


def small(opened: SharedLibrary, picture_id: int, content_hash: bytes, path: Path) -> None:
    """Show a picture's thumbnail, or an icon if it is lost; its name opens it large."""
    name = browser_safe(Path(path.name))
    kept_there = read_thumbnail(thumbnail_path(opened.library.thumbnails, content_hash))
    if kept_there is None:
        st.markdown(":material/hide_image:")
    else:
        st.image(kept_there, alt=name)
    if st.button(literal(name), key=f"open-{picture_id}", type="tertiary"):
        open_large(opened, picture_id)


def path_to_copy(path: Path) -> None:
    """Show a path with a button that copies it."""
    st.code(browser_safe(path), language=None, wrap_lines=True)
