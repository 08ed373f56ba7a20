"""What the pages share that show findings about a library: kept answers, small pictures."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from indexer import Library
from indexer.errors import PicfuseError
from indexer.thumbnails import read_thumbnail
from ui.views.opened import Opened, open_library
from ui.views.options import AppOptions
from ui.views.plain import notice, shown

T = TypeVar("T")
FIRST = 20  # findings that are shown at once


def opened_or_said(options: AppOptions) -> Opened | None:
    """The app's library; None, and a notice in place of the page, where it cannot be used."""
    try:
        return open_library(options)
    except PicfuseError as error:
        notice("The library cannot be used", str(error))
        return None


def kept(opened: Opened, name: str, wanted: Hashable, find: Callable[[Library], T]) -> T:
    """What `find` finds; kept while neither the question nor the library changes."""
    with opened.asking():
        key = (wanted, opened.library.path, opened.library.generation)
        before: tuple[object, T] | None = st.session_state.get(name)
        if before is not None and before[0] == key:
            return before[1]
        with st.spinner("Looking …", show_time=False):
            found = find(opened.library)
    st.session_state[name] = (key, found)
    return found


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
