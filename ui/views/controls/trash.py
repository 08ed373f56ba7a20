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

_CONFIRMED = "copies-to-move"  # in the session: groups whose spare copies are to be moved
_DONE = "copies-moved"  # in the session: what came of the last move


@st.dialog("Move these copies to the trash?", width="large")
def confirm_move(groups: Sequence[Group]) -> None:
    """List the copies that would be moved, and ask whether to move them."""
    spare = [copy for group in groups for copy in group.spare]
    st.markdown(
        f"{files(len(spare))}, {shown_size(sum(copy.size for copy in spare))}. The best copy of "
        "each group stays. Every file is read once more right before: one that has changed stays "
        "too."
    )
    with st.container(height=min(80 + 25 * len(spare), 400)):
        paths = "\n".join(browser_safe(copy.path) for copy in spare)
        st.code(paths, language=None, wrap_lines=True)
    with st.container(horizontal=True):
        label = f"Move {files(len(spare))}"
        move = st.button(label, key="trash-now", type="primary", on_click=_confirm, args=(groups,))
        if st.button("Cancel", key="trash-not") or move:
            st.rerun()


def _confirm(groups: Sequence[Group]) -> None:
    st.session_state[_CONFIRMED] = groups


def move_confirmed(options: AppOptions, opened: SharedLibrary) -> bool:
    """Move the confirmed copies and tell the outcome; returns whether there were any."""
    groups: Sequence[Group] | None = st.session_state.pop(_CONFIRMED, None)
    if groups is not None:
        with st.spinner("Moving …", show_time=False):
            st.session_state[_DONE] = done = move_to_trash(groups)
        _update(options, opened, done)
    _show(st.session_state.get(_DONE, Trashed()))
    return groups is not None


def _show(done: Trashed) -> None:
    if done.moved:
        size = shown_size(sum(copy.size for copy in done.moved))
        said = f"{files(len(done.moved))}, {size}. The trash of this system still has them."
        notice("Moved to the trash", said, icon="delete")
    if done.kept:
        notice("Not moved", f"{files(len(done.kept))} stayed in place.", icon="warning")
        list_failures([(one.path, one.reason) for one in done.kept])


def _update(options: AppOptions, opened: SharedLibrary, done: Trashed) -> None:
    """Index the folders again from which files were moved."""
    with opened.asking():
        folders = opened.library.catalogue.folder_paths()
    moved = {parent for copy in done.moved for parent in copy.path.parents}
    touched = [folder for folder in folders if folder in moved]
    if touched:
        start_run(options, opened, touched)


def files(number: int) -> str:
    """Number of files as text: "1 file", "2,000 files"."""
    return "1 file" if number == 1 else f"{number:,} files"
