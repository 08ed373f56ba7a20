"""Accepting a suggested caption: it is written beside its picture, which is then indexed again."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from indexer import IndexOptions
from indexer.captions.writing import write_caption
from indexer.errors import InputError
from ui.views.index_jobs import desk_of, start_run
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

_SAVED = "captions-saved"  # in the session: files written, by their pictures
_WAITING = "captions-waiting"  # in the session: pictures to index again
_WRONG = "captions-wrong"  # in the session: why the last caption was not written


def accept(picture: Path, caption: str) -> None:
    """Write a caption beside its picture."""
    st.session_state.pop(_WRONG, None)
    try:
        file = write_caption(picture, caption)
    except InputError as error:
        st.session_state[_WRONG] = str(error)
        return
    st.session_state[_SAVED] = {**saved(), picture: file}
    st.session_state[_WAITING] = [*st.session_state.get(_WAITING, []), picture]


def saved() -> dict[Path, Path]:
    """The files that this session has written, by their pictures."""
    found: dict[Path, Path] = st.session_state.get(_SAVED, {})
    return found


def show_saved(options: AppOptions, opened: SharedLibrary) -> None:
    """Tell the outcome of the last click, and index waiting pictures again."""
    wrong = st.session_state.pop(_WRONG, None)
    if wrong is not None:
        notice("The caption was not saved", wrong)
    elif saved():
        st.caption(":material/check: Saved in the file:")
        st.text(browser_safe(list(saved().values())[-1]))
    waiting: list[Path] = st.session_state.get(_WAITING, [])
    if waiting and not desk_of(options.library).busy and _index(options, opened, waiting):
        del st.session_state[_WAITING]


def _index(options: AppOptions, opened: SharedLibrary, pictures: list[Path]) -> bool:
    """Index pictures again in the background; returns whether that has begun."""
    with opened.asking():
        folders = opened.library.catalogue.folder_paths()
    owned = [(f, picture) for picture in pictures for f in folders if f in picture.parents]
    only = [os.fsencode(picture.relative_to(folder)) for folder, picture in owned]
    touched = list(dict.fromkeys(folder for folder, _ in owned))
    return not touched or start_run(options, opened, touched, IndexOptions(only=only))
