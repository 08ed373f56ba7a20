"""Opening the library for a page, or saying why there is none to show."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import LibraryNotFound, PicfuseError
from indexer.library.directory import is_vacant
from ui.views.display.runs import show_run
from ui.views.index_jobs import desk_of
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary, open_library, was_opened


def opened_or_said(options: AppOptions, library_page: StreamlitPage) -> SharedLibrary | None:
    """The app's library; None if it cannot be used, which a notice then explains."""
    try:
        return open_library(options)
    except PicfuseError as error:
        if desk_of(options.library).busy:
            _show_run(options, lambda: is_filled(options))
        elif say_missing(options, error):
            st.page_link(library_page, label="Library")
    return None


def filled_or_said(options: AppOptions, library_page: StreamlitPage) -> SharedLibrary | None:
    """The app's library; None, with a notice, if it cannot be used or has no pictures."""
    opened = opened_or_said(options, library_page)
    if opened is None:
        return None
    try:
        filled = opened.pictures > 0
    except PicfuseError as error:
        notice("The library cannot be used", str(error))
        return None
    if desk_of(options.library).busy:
        _show_run(options, lambda: not filled and is_filled(options))
    elif not filled:
        said = "Add a folder of pictures to search them here."
        notice("The library is empty", said, icon="photo_library")
        st.page_link(library_page, label="Add a folder")
    return opened if filled else None


def is_filled(options: AppOptions) -> bool:
    """Whether the library, which a run may be making, has pictures by now."""
    try:
        return not is_vacant(options.library) and open_library(options).pictures > 0
    except PicfuseError:
        return False


def say_missing(options: AppOptions, error: PicfuseError) -> bool:
    """Say why the library cannot be opened; returns whether one can begin in its place."""
    if not (isinstance(error, LibraryNotFound) and is_vacant(options.library)):
        notice("The library cannot be used", str(error))
        return False
    if was_opened(options.library):
        place = browser_safe(options.library)
        said = (
            f"It was in {place}, where nothing is now. If it is on another disk, connect the disk "
            "and reload this page."
        )
        notice("Your library is not there", said, icon="usb_off")
    else:
        said = "Choose a folder of pictures to begin. They stay where they are."
        notice("There is no library yet", said, icon="photo_library")
    return True


def _show_run(options: AppOptions, enough: Callable[[], bool]) -> None:
    """Show the run that adds or updates pictures, until it has done enough to show more."""
    job = desk_of(options.library).job
    if job is not None:
        show_run(job, enough)
