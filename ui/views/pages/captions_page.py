"""The page of captions: doubtful ones, and suggestions for pictures without any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer import Library
from indexer.errors import PicfuseError
from search.audit import MIN_CAPTIONED, Doubt, Suggestion, suggest_captions, worst_captions
from ui.views.controls.caption_saving import accept, saved, show_saved
from ui.views.display.findings import FIRST, path_to_copy, small
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

Found = tuple[list[Doubt], list[Suggestion], dict[int, bytes]]
"""Doubts, suggestions, and the hashes of their pictures by id."""
Beside = Callable[[int, Path], AbstractContextManager[None]]  # shows a picture beside a block


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; it writes captions only if the options allow that, one at a click."""
    heading("Captions")
    opened = filled_or_said(options, library_page)
    if opened is None:
        return
    if options.allow_write:
        show_saved(options, opened)
    count = int(st.session_state.get("audited", FIRST))
    try:
        with st.spinner("Checking captions …", show_time=False):
            found = opened.kept("audit", count, lambda _: _find(opened.library, count))
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
        return
    doubts, suggestions, hashes = found
    if not doubts and not suggestions:
        notice(
            "Nothing to check",
            f"Captions are checked once {MIN_CAPTIONED} pictures have one. Suggestions need some "
            "pictures with a caption and some without.",
            icon="check",
        )
        return
    beside = partial(_beside, opened, hashes)
    _doubts(doubts, beside)
    _suggestions(suggestions, beside, writable=options.allow_write)
    if max(len(doubts), len(suggestions)) >= count and st.button("Show more", key="audit-more"):
        st.session_state["audited"] = count + FIRST
        st.rerun()


def _find(library: Library, count: int) -> Found:
    doubts, suggestions = worst_captions(library, count), list(suggest_captions(library, count))
    ids = [doubt.picture_id for doubt in doubts] + [each.picture_id for each in suggestions]
    pictures = library.catalogue.pictures(ids)
    return doubts, suggestions, {key: found.content_hash for key, found in pictures.items()}


def _doubts(doubts: list[Doubt], beside: Beside) -> None:
    if not doubts:
        return
    st.header("Captions to check", anchor=False)
    st.caption("The ones least like their picture come first. They may still be right.")
    for doubt in doubts:
        with beside(doubt.picture_id, doubt.path):
            for caption in doubt.captions:
                st.text(browser_safe(caption))
            path_to_copy(doubt.path)


def _suggestions(suggestions: list[Suggestion], beside: Beside, *, writable: bool) -> None:
    """Show captions of similar pictures; with buttons that accept one if files may be written."""
    waiting = [one for one in suggestions if one.path not in saved()]
    if not waiting:
        return
    st.header("Pictures without a caption", anchor=False)
    said = "Suggestions from similar pictures."
    st.caption(f"{said} The one you accept is saved beside the picture." if writable else said)
    for suggestion in waiting:
        with beside(suggestion.picture_id, suggestion.path):
            for place, caption in enumerate(dict.fromkeys(suggestion.captions)):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.text(browser_safe(caption))
                    if writable:
                        st.button(
                            "Accept",
                            key=f"accept-{suggestion.picture_id}-{place}",
                            on_click=accept,
                            args=(suggestion.path, caption),
                        )
            path_to_copy(suggestion.path)


@contextmanager
def _beside(
    opened: SharedLibrary, hashes: dict[int, bytes], picture_id: int, path: Path
) -> Iterator[None]:
    """Show a picture, with the contents of the `with` block beside it."""
    with st.container(border=True, horizontal=True, gap="medium"):
        with st.container(width=200):
            small(opened, picture_id, hashes.get(picture_id, b""), path)
        with st.container(width="stretch"):
            yield
