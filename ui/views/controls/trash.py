"""Moving copies to the trash of the system, once the list of them is confirmed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from search.duplicates import Group, Trashed, move_to_trash
from ui.views.display.failures import list_failures
from ui.views.index_jobs import start_run
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, shown_size
from ui.views.shared_library import SharedLibrary

_DONE = "moved-to-trash"  # in the session: what came of the last move


@st.dialog("Move these copies to the trash?", width="large")
def confirm_move(options: AppOptions, opened: SharedLibrary, groups: Sequence[Group]) -> None:
    """List the copies that would be moved, and move them if that is confirmed."""
    spare = [copy for group in groups for copy in group.spare]
    st.markdown(
        f"{files(len(spare))}, {shown_size(sum(copy.size for copy in spare))}. The best copy of "
        "each group stays. Every file is read once more right before: one that has changed stays "
        "too."
    )
    with st.container(height=min(60 + 30 * len(spare), 400)):
        paths = "\n".join(browser_safe(copy.path) for copy in spare)
        st.code(paths, language=None, wrap_lines=True)
    with st.container(horizontal=True):
        move = st.button(f"Move {files(len(spare))}", key="trash-now", type="primary")
        cancel = st.button("Cancel", key="trash-not")
    if move:
        with st.spinner("Moving …", show_time=False):
            st.session_state[_DONE] = done = move_to_trash(groups)
        _update(options, opened, done)
    if move or cancel:
        st.rerun()


def _update(options: AppOptions, opened: SharedLibrary, done: Trashed) -> None:
    """Have the folders looked through from which files were moved."""
    with opened.asking():
        folders = opened.library.catalogue.folder_paths()
    moved = {parent for copy in done.moved for parent in copy.path.parents}
    touched = [folder for folder in folders if folder in moved]
    if touched:
        start_run(options, opened, touched)


def show_moved() -> None:
    """Say what came of the last move, once."""
    done: Trashed | None = st.session_state.pop(_DONE, None)
    if done is None:
        return
    if done.moved:
        size = shown_size(sum(copy.size for copy in done.moved))
        said = f"{files(len(done.moved))}, {size}. The trash of this system still has them."
        notice("Moved to the trash", said, icon="delete")
    if done.kept:
        notice("Not moved", f"{files(len(done.kept))} stayed where they were.", icon="warning")
        list_failures([(one.path, one.reason) for one in done.kept])


def files(number: int) -> str:
    """Number of files as text: "1 file", "2,000 files"."""
    return "1 file" if number == 1 else f"{number:,} files"
