"""Picked pictures: put into albums and among the favourites from any gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from indexer.errors import PicfuseError
from search.browsing.picked import (
    add_pictures,
    move_pictures,
    remove_pictures,
    set_cover,
    set_favourites,
)
from ui.sentences import counted
from ui.views.safe_text import browser_safe, literal
from ui.views.shared_library import SharedLibrary

_TOLD = "told"  # in the session: what came of the last event, and its icon
Said = Mapping[str, Any]  # what the gallery says of an event


def can_pick(opened: SharedLibrary) -> frozenset[str]:
    """Abilities of galleries with picked pictures: none in a library that cannot be written."""
    return frozenset() if opened.library.read_only else frozenset({"album"})


def album_names(opened: SharedLibrary) -> list[str]:
    """Albums that pictures can be added to."""
    with opened.asking():
        picked = opened.library.picked
        return [name for name in picked.names() if name != picked.favourites()]


def picking_events(opened: SharedLibrary) -> dict[str, Callable[[Any], None]]:
    """Functions for the events of a gallery that pick pictures."""
    return {
        "album": lambda said: _told(opened, said, _add),
        "favourite": lambda said: _told(opened, said, _favour),
    }


def arranging_events(opened: SharedLibrary, name: str) -> dict[str, Callable[[Any], None]]:
    """Functions for the events that change one album of picked pictures."""

    def remove(opened: SharedLibrary, said: Said) -> str:
        removed = remove_pictures(opened.library, name, _ids(said))
        return f"{counted(removed)} removed from {name}. Your files are not touched."

    def move(opened: SharedLibrary, said: Said) -> str:
        before = said.get("before")
        move_pictures(opened.library, name, _ids(said), None if before is None else int(before))
        return ""

    def cover(opened: SharedLibrary, said: Said) -> str:
        set_cover(opened.library, name, int(said["id"]))
        return f"This picture is now the cover of {name}"

    return {
        "remove": lambda said: _told(opened, said, remove),
        "move": lambda said: _told(opened, said, move),
        "cover": lambda said: _told(opened, said, cover),
    }


def _told(opened: SharedLibrary, said: Said, act: Callable[[SharedLibrary, Said], str]) -> None:
    """Act on the library; `tell` tells the outcome, since no event can."""
    try:
        with opened.asking():
            st.session_state[_TOLD] = act(opened, said), "check"
    except PicfuseError as error:
        st.session_state[_TOLD] = str(error), "error"


def tell() -> None:
    """Tell the outcome of the last event."""
    told = st.session_state.pop(_TOLD, None)
    if told is not None and told[0]:
        text, icon = told
        st.toast(literal(browser_safe(text)), icon=f":material/{icon}:")


def _add(opened: SharedLibrary, said: Said) -> str:
    name = str(said["name"])
    added = add_pictures(opened.library, name, _ids(said))
    return f"{counted(added)} added to {name}"


def _favour(opened: SharedLibrary, said: Said) -> str:
    ids, on = _ids(said), bool(said["on"])
    set_favourites(opened.library, ids, on=on)
    return f"{counted(len(ids))} {'added to' if on else 'removed from'} your favourites"


def _ids(said: Said) -> list[int]:
    return [int(key) for key in said["ids"]]
