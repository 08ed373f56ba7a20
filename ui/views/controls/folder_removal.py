"""Removing a folder from the library, once that is confirmed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from indexer import Library
from indexer.errors import PicfuseError
from indexer.pipeline.pruning import forget_folder
from ui.sentences import counted
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe

_CONFIRMED = "folder-to-remove"  # in the session


@st.dialog("Remove this folder from picfuse?")
def confirm_removal(folder: Path, pictures: int) -> None:
    """Ask whether to remove a folder; its files stay whatever is answered."""
    st.code(browser_safe(folder), language=None, wrap_lines=True)
    st.markdown(f"picfuse will no longer find its {counted(pictures)}. Your files are not touched.")
    with st.container(horizontal=True):
        remove = st.button(
            "Remove", key="remove-now", type="primary", on_click=_confirm, args=(folder,)
        )
        if st.button("Cancel", key="remove-not") or remove:
            st.rerun()


def _confirm(folder: Path) -> None:
    st.session_state[_CONFIRMED] = folder


def remove_confirmed(options: AppOptions) -> None:
    """Remove the folder whose removal was confirmed."""
    folder: Path | None = st.session_state.pop(_CONFIRMED, None)
    if folder is None:
        return
    try:
        with (
            st.spinner("Removing the folder …", show_time=False),
            Library.open(options.library, offline=options.offline) as writer,
        ):
            forget_folder(writer, folder)
    except PicfuseError as error:
        notice("The folder was not removed", str(error))
