"""The picture that is searched with, above the answer."""

from __future__ import annotations

import streamlit as st

from indexer.errors import PictureError, QueryError
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from ui.views.controls.address import change
from ui.views.controls.album_saving import picture_id
from ui.views.controls.search_form import Question
from ui.views.display.jpegs import jpeg
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary


def show_example(opened: SharedLibrary, asked: Question) -> None:
    """Show the picture that is searched with, and whether the library has it."""
    address = asked.address
    if address.like:
        key = picture_id(address.like)
        with opened.asking():
            found = opened.library.catalogue.pictures([key]).get(key)
        small = found and read_thumbnail(
            thumbnail_path(opened.library.thumbnails, found.content_hash)
        )
        _searched_with(small or None, "Pictures like this one", "like")
    elif asked.picture is not None:
        try:
            small = jpeg(asked.picture, 240)
        except PictureError as error:
            raise QueryError(f"your picture cannot be read: {error}") from error
        _searched_with(small, _known(opened, asked.picture), "picture")
    elif address.picture:
        notice("Your picture is not kept any more", "Choose, drop or paste it again.", icon="info")


def _searched_with(small: bytes | None, said: str, name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="asked"):
        if small is not None:
            st.image(
                small, alt="Your picture" if name == "picture" else "The picture searched with"
            )
        st.text(said, width="content")
        st.button(
            "Remove", icon=":material/close:", key="asked-out", on_click=_remove, args=(name,)
        )


def _remove(name: str) -> None:
    change(**{name: ""}, right=(), wrong=(), weaker=False)


def _known(opened: SharedLibrary, picture: bytes) -> str:
    """Sentence that says whether the library has an uploaded picture, and where."""
    with opened.asking():
        copies = opened.library.catalogue.paths_with(hash_bytes(picture))
    if not copies:
        return "Your picture"
    places = ", ".join(browser_safe(copy) for copy in copies[:3])
    return f"This picture is in your library: {places}"
