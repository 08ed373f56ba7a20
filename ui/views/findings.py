"""What the pages share that show findings about a library: some at once, small pictures."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from indexer.pictures.thumbnails import read_thumbnail
from ui.views.plain import shown

FIRST = 20  # findings that are shown at once


def how_many(name: str, total: int) -> int:
    """How many of all findings are shown; a button below them shows more."""
    return min(total, int(st.session_state.get(f"{name}-shown", FIRST)))


def show_more(name: str, shown_now: int, total: int) -> None:
    """The button that shows more of the findings."""
    if shown_now < total:
        st.caption(f"{shown_now:,} of {total:,} are shown")
        if st.button("Show more", key=f"{name}-more"):
            st.session_state[f"{name}-shown"] = shown_now + FIRST
            st.rerun()


def small(thumbnail: Path, path: Path) -> None:
    """A picture's thumbnail; its name stands for one that is lost."""
    kept_there = read_thumbnail(thumbnail)
    if kept_there is None:
        st.markdown(":material/hide_image:")
    else:
        st.image(kept_there, alt=shown(Path(path.name)))


def path_to_copy(path: Path) -> None:
    """A path with a button that copies it."""
    st.code(shown(path), language=None, wrap_lines=True)
