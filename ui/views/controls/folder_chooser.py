"""Choosing a folder to add: typed, pasted, or from the list of folders that begins at home."""

from __future__ import annotations

import os
import time
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote, urlsplit

import streamlit as st

from indexer.pictures.found import FoundPicture
from indexer.pictures.scan import scan
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe

_TYPED = "folder"  # key of the box
_LISTED = "folder-inside"  # key of the list
_PLACE = "folder-place"  # in the session: folder whose folders are listed
_TAKEN = "folder-taken"  # in the session: folder that was to be added, and what is wrong with it
_PATIENCE = 3.0  # seconds to look for a picture; a larger folder is taken unseen


def choose_folder(*, busy: bool) -> Path | None:
    """Show the box and the list; returns the folder to add once it was chosen."""
    with (
        st.form("add", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input("Add a folder", placeholder="~/Pictures", key=_TYPED, disabled=busy)
        st.form_submit_button("Add", disabled=busy, icon=":material/add:", on_click=_take)
    _list(busy=busy)
    taken: tuple[Path, str | None] | None = st.session_state.get(_TAKEN)
    folder, wrong = taken or (None, None)
    if wrong is not None:
        notice("This folder cannot be added", wrong)
        return None
    st.session_state.pop(_TAKEN, None)
    return folder


def typed_folder(text: str) -> Path:
    """The folder that a text names: with quotes, "~" or "file://", or below the home folder."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return Path(os.path.abspath(Path.home() / os.path.expanduser(text)))  # noqa: PTH111


def problem_with(folder: Path) -> str | None:
    """Reason why a folder cannot be added, with the remedy; None if it can."""
    try:
        if not folder.exists():
            return f"There is no folder {_shown(folder)}. {_instead_of(folder)}"
        if not folder.is_dir():
            return f"{_shown(folder)} is a file. Choose the folder it is in."
        os.listdir(folder)
    except OSError as error:  # no permission, a name that is too long, a dead network drive
        return f"{_shown(folder)} cannot be opened: {error.strerror}. Choose another folder."
    if _lacks_pictures(folder):
        return (
            f"There are no pictures in {_shown(folder)} or in the folders below it. Choose another "
            "folder."
        )
    return None


def _instead_of(folder: Path) -> str:
    """A folder of a similar name, as a question; advice if there is none."""
    near = get_close_matches(folder.name, [one.name for one in _inside(folder.parent)], 1)
    return f"Did you mean {_shown(folder.parent / near[0])}?" if near else "Check the spelling."


def _lacks_pictures(folder: Path) -> bool:
    """Whether a folder surely has no pictures; one too large to look through may have some."""
    end = time.monotonic() + _PATIENCE
    late = False

    def closed(relative: bytes) -> bool:
        nonlocal late
        late = late or time.monotonic() > end
        return late

    return not (any(isinstance(one, FoundPicture) for one in scan(folder, closed=closed)) or late)


def _take() -> None:
    """Accept the folder in the box; a wrong one stays there to be corrected."""
    said, place = st.session_state[_TYPED], st.session_state.get(_PLACE)
    if not said.strip():
        st.session_state.pop(_TAKEN, None)
        return
    # The text of a listed folder may lack bytes of its name.
    folder = place if place and said == _shown(place) else typed_folder(said)
    wrong = problem_with(folder)
    st.session_state[_TAKEN] = folder, wrong
    if wrong is None:
        st.session_state[_TYPED] = ""
    else:
        there = (one for one in (folder, *folder.parents) if os.path.isdir(one))  # noqa: PTH112
        st.session_state[_PLACE] = next(there, Path.home())


def _list(*, busy: bool) -> None:
    """Show the folders of a place; the one that is chosen goes into the box and is opened."""
    place: Path = st.session_state.get(_PLACE, Path.home())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Or choose it from a list",
            _inside(place),
            index=None,
            format_func=lambda folder: browser_safe(Path(folder.name)),
            placeholder=f"Folders in {_shown(place)}",
            key=_LISTED,
            disabled=busy,
            on_change=_open,
        )
        st.button(
            "Up",
            icon=":material/arrow_upward:",
            disabled=busy or place == place.parent,
            on_click=_go,
            args=(place.parent,),
        )


def _open() -> None:
    chosen: Path | None = st.session_state[_LISTED]
    if chosen is not None:
        _go(chosen)


def _go(place: Path) -> None:
    st.session_state[_PLACE], st.session_state[_TYPED] = place, _shown(place)
    st.session_state[_LISTED] = None
    st.session_state.pop(_TAKEN, None)


def _inside(place: Path) -> list[Path]:
    """The folders of a place that are not hidden, by name; none if it cannot be read."""
    try:
        with os.scandir(place) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    return [place / name for name in sorted(names, key=str.casefold)]


def _shown(folder: Path) -> str:
    """The path as text, with "~" for the home folder."""
    home = Path.home()
    near = Path("~", folder.relative_to(home)) if home in (folder, *folder.parents) else folder
    return browser_safe(near)
