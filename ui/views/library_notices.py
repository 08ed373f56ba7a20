"""Opening the library for a page, or an invitation to create or fill it."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import LibraryNotFound, PicfuseError
from indexer.library.directory import is_vacant
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.shared_library import SharedLibrary, open_library


def opened_or_said(options: AppOptions, library_page: StreamlitPage) -> SharedLibrary | None:
    """The app's library; None if it cannot be used, which a notice then explains."""
    try:
        return open_library(options)
    except PicfuseError as error:
        if isinstance(error, LibraryNotFound) and is_vacant(options.library):
            said = "Choose a folder of pictures to begin. They stay where they are."
            _invite("There is no library yet", said, library_page)
        else:
            notice("The library cannot be used", str(error))
    return None


def filled_or_said(options: AppOptions, library_page: StreamlitPage) -> SharedLibrary | None:
    """The app's library; None, with a notice, if it cannot be used or has no pictures."""
    opened = opened_or_said(options, library_page)
    try:
        if opened is None or opened.pictures:
            return opened
    except PicfuseError as error:
        notice("The library cannot be used", str(error))
        return None
    _invite("The library is empty", "Add a folder of pictures to search them here.", library_page)
    return None


def _invite(title: str, text: str, library_page: StreamlitPage) -> None:
    notice(title, text, icon="photo_library")
    st.page_link(library_page, label="Add a folder")
