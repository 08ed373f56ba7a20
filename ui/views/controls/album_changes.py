"""Changes to a whole album: its name, its end, and the way back.

Each box has a key with the name of its album; otherwise it would stay open for the next album.
"""

from __future__ import annotations

import streamlit as st

from indexer.errors import PicfuseError
from search.albums import delete_album, rename_album, restore_album
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

ALBUM = "album"  # in the address: name of the album shown
_DELETED = "album-deleted"  # in the session: the album deleted last


def renaming(opened: SharedLibrary, name: str) -> None:
    """Offer another name for an album."""
    box = st.popover("Rename", icon=":material/edit:", key=f"renaming {name}")
    with box, st.form(f"rename {name}", border=False):
        new = st.text_input("New name", name, max_chars=200, key=f"rename-to {name}")
        if not st.form_submit_button("Rename", key="rename-album"):
            return
    try:
        with opened.asking():
            new = rename_album(opened.library, name, new)
    except PicfuseError as error:
        notice("The album was not renamed", str(error))
        return
    st.query_params[ALBUM] = new
    st.rerun()


def deleting(opened: SharedLibrary, name: str) -> None:
    """Offer to delete an album, with a confirmation."""
    with st.popover("Delete this album", icon=":material/delete:", key=f"deleting {name}"):
        st.markdown("Your pictures are not deleted.")
        if not st.button("Delete", key="delete-album"):
            return
    try:
        with opened.asking():
            st.session_state[_DELETED] = opened.library.path, delete_album(opened.library, name)
    except PicfuseError as error:
        notice("The album was not deleted", str(error))
        return
    st.query_params.pop(ALBUM, None)
    st.rerun()


def undoing(opened: SharedLibrary) -> None:
    """Offer the album back that was deleted last, until the app is reloaded."""
    path, deleted = st.session_state.get(_DELETED, (None, None))
    if deleted is None or path != opened.library.path:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(f"Album deleted: {browser_safe(deleted.name)}")
        if not st.button("Undo", key="restore-album", icon=":material/undo:"):
            return
    try:
        with opened.asking():
            restore_album(opened.library, deleted)
    except PicfuseError as error:
        notice("The album was not brought back", str(error))
        return
    del st.session_state[_DELETED]
    st.query_params[ALBUM] = deleted.name
    st.rerun()
