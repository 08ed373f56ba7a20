"""The page of albums: a list to choose from, and the pictures in the chosen one now."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import InputError, PicfuseError
from search.albums import AlbumAnswer, album_pictures, delete_album, named_album
from ui.views.controls.search_form import LIKE
from ui.views.display.cards import Card
from ui.views.display.grid import Actions, grid
from ui.views.display.pager import page_of, turn
from ui.views.library_notices import opened_or_said
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import browser_safe, counted
from ui.views.shared_library import SharedLibrary

ALBUM = "album"  # in the address: name of the album shown
_LIKE = "like-of-album"  # in the session: id of the picture to find similar ones for
_SHOWN = 96  # pictures per page


def show(options: AppOptions, search_page: StreamlitPage, library_page: StreamlitPage) -> None:
    """Show the page."""
    heading("Albums")
    opened = opened_or_said(options, library_page)
    if opened is None:
        return
    try:
        with opened.asking():
            names = opened.library.albums.names()
    except PicfuseError as error:
        notice("The library cannot be used", str(error))
        return
    if not names:
        said = "Search for something, then choose 'Save as album' below the results."
        notice("There are no albums yet", said, icon="photo_album")
        return
    _show(opened, names, search_page)


def _show(opened: SharedLibrary, names: list[str], search_page: StreamlitPage) -> None:
    asked = st.query_params.get(ALBUM)
    place = names.index(asked) if asked in names else 0
    if asked and asked not in names:
        notice("There is no such album", asked, icon="search_off")
    name = st.selectbox("Album", names, place, format_func=browser_safe)
    st.query_params[ALBUM] = name
    page = page_of((ALBUM, name))
    try:
        with opened.asking() as searcher:
            album = named_album(opened.library, name)
            found = album_pictures(searcher, album, k=_SHOWN, offset=page * _SHOWN)
    except InputError as error:
        notice("This album cannot be shown", str(error))
    except PicfuseError as error:
        notice("The album cannot be read", str(error))
    else:
        _pictures(found, page)
    _deleting(opened, name)
    like = st.session_state.pop(_LIKE, None)
    if like is not None:
        st.switch_page(search_page, query_params={LIKE: str(like)})


def _pictures(found: AlbumAnswer, page: int) -> None:
    hits = found.answer.hits
    if found.lost:
        are = "is" if len(found.lost) == 1 else "are"
        said = (
            f"{counted(len(found.lost))} that this album was made from {are} no longer available."
        )
        notice("Pictures are missing", said, icon="warning")
    more = found.answer.next_offset is not None
    if hits:
        st.caption(_which(len(hits), page, more=more))
        grid([Card.of_hit(hit) for hit in hits], Actions(_more_like))
    elif page:
        notice("No more pictures", "Go back to an earlier page.", icon="search_off")
    else:
        said = "No picture in the library matches it now."
        notice("This album is empty", said, icon="search_off")
    turn(page, more=more)


def _which(pictures: int, page: int, *, more: bool) -> str:
    """Range of the album's pictures on the page."""
    first = page * _SHOWN
    if not first and not more:
        return counted(pictures)
    last = first + pictures
    said = f"Pictures {first + 1:,} to {last:,}"
    return said if more else f"{said} of {last:,}"


def _more_like(picture_id: int) -> None:
    st.session_state[_LIKE] = picture_id


def _deleting(opened: SharedLibrary, name: str) -> None:
    with st.popover("Delete this album", icon=":material/delete:"):
        st.markdown("Your pictures are not deleted.")
        if not st.button("Delete", key="delete-album"):
            return
    try:
        with opened.asking():
            delete_album(opened.library, name)
    except PicfuseError as error:
        notice("The album was not deleted", str(error))
        return
    st.query_params.pop(ALBUM, None)
    st.rerun()
