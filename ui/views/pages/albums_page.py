"""The page of albums: a list to choose from, and the pictures in the chosen one now."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import InputError, PicfuseError
from search.albums import album_pictures, named_album
from search.browsing.listing import quoted
from ui.gallery.component import gallery
from ui.gallery.data import GalleryData, ListSource
from ui.sentences import counted
from ui.views.controls.album_changes import ALBUM, deleting, renaming, undoing
from ui.views.controls.picking import album_names, arranging_events, can_pick, picking_events, tell
from ui.views.display.items import items_of
from ui.views.display.results import read_more, read_results
from ui.views.library_notices import opened_or_said
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

_CHOSEN = "album-chosen"  # key of the list of albums


def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page."""
    heading("Albums")
    opened = opened_or_said(options, library_page)
    if opened is None:
        return
    try:
        with opened.asking():
            picked = opened.library.picked.names()
            names = [*picked, *opened.library.albums.names()]
    except PicfuseError as error:
        notice("The library cannot be used", str(error))
        return
    undoing(opened)
    if not names:
        said = "Select pictures and choose 'Add to album', or save a search as an album."
        notice("There are no albums yet", said, icon="photo_album")
        return
    asked = st.query_params.get(ALBUM)
    if asked and asked not in names:
        notice("There is no such album", asked, icon="search_off")
    with st.container(horizontal=True, vertical_alignment="bottom", key="album-choice"):
        name = _choice(names)
        if not opened.library.read_only:
            renaming(opened, name)
            deleting(opened, name)
    _show(opened, name, picked=name in picked)


def _choice(names: list[str]) -> str:
    """Album in the address, which a list of all of them changes."""
    asked = st.query_params.get(ALBUM)
    name = asked if asked in names else names[0]
    if st.session_state.get(_CHOSEN) != name:
        st.session_state[_CHOSEN] = name
    return st.selectbox("Album", names, key=_CHOSEN, format_func=browser_safe, on_change=_choose)


def _choose() -> None:
    st.query_params[ALBUM] = st.session_state[_CHOSEN]


def _show(opened: SharedLibrary, name: str, *, picked: bool) -> None:
    events = picking_events(opened) | arranging_events(opened, name) | {"more": read_more}
    try:
        data = _picked(opened, name) if picked else _found(opened, name)
    except InputError as error:
        notice("This album cannot be shown", str(error))
    except PicfuseError as error:
        notice("The album cannot be read", str(error))
    else:
        gallery(data, events, key="album-gallery")
    tell()


def _picked(opened: SharedLibrary, name: str) -> GalleryData:
    """Pictures of an album by hand, in its order."""
    with opened.asking():
        album = opened.library.picked.album(name)
    if album is not None and album.away:
        st.caption(f"{counted(album.away)} of this album cannot be found now.")
    can = can_pick(opened)
    can |= {"remove", "arrange"} if can else set()
    source, within = ListSource(sort="", album=name), f"album: {quoted(name)}"
    return _data(opened, f"picked {name}", source, can=can, within=within)


def _found(opened: SharedLibrary, name: str) -> GalleryData:
    """Pictures that the search of an album finds now."""
    with opened.asking():
        album = named_album(opened.library, name)
    lost = opened.kept("lost", album, lambda searcher: album_pictures(searcher, album, k=1).lost)
    if lost:
        said = f"This album was made from {counted(len(lost))} that can no longer be used."
        notice("Pictures are missing", said, icon="warning")
    results = read_results(
        opened,
        album,
        f"album {name}",
        lambda searcher, offset, k: album_pictures(searcher, album, k=k, offset=offset).answer,
        with_weaker=True,
    )
    if not results.hits:
        notice(
            "This album is empty", "No picture in the library matches it now.", icon="search_off"
        )
    with opened.asking():
        items = items_of(opened.library, results.hits)
    return _data(
        opened,
        f"found {name}",
        items,
        title=results.number if items else "",
        more=results.more,
        can=can_pick(opened),
    )


def _data(opened: SharedLibrary, key: str, shown: Any, **more: Any) -> GalleryData:
    version = str(opened.library.generation)
    return GalleryData(key, shown, version, albums=album_names(opened), search="/", **more)
