"""Removing a folder from the library, once that is confirmed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from indexer import Library
from indexer.errors import PicfuseError
from indexer.pipeline.pruning import forget_folder
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, counted


@st.dialog("Remove this folder from picfuse?")
def confirm_removal(options: AppOptions, folder: Path, pictures: int) -> None:
    """Ask whether to remove a folder; its files stay whatever is answered."""
    st.code(browser_safe(folder), language=None, wrap_lines=True)
    st.markdown(f"picfuse will no longer find its {counted(pictures)}. Your files are not touched.")
    with st.container(horizontal=True):
        remove = st.button("Remove", key="remove-now", type="primary")
        cancel = st.button("Cancel", key="remove-not")
    if remove:
        try:
            with Library.open(options.library, offline=options.offline) as writer:
                forget_folder(writer, folder)
        except PicfuseError as error:
            notice("The folder was not removed", str(error))
            return
    if remove or cancel:
        st.rerun()
