"""The page of the library: its numbers, its folders, and files that were not indexed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from indexer.catalogue.values import FAILED, MISSING, PRESENT
from indexer.encoders.precision import plain_name, precision_of
from indexer.encoders.protocol import INT8
from indexer.errors import PicfuseError
from indexer.library.away import away_folders
from indexer.pipeline.beside import told_guesses
from indexer.pipeline.fillers import repeated_captions
from ui.file_kinds import in_order, numbered, subject
from ui.index_jobs import IndexJobs
from ui.sentences import counted, guess_message, repeated_message
from ui.views.controls.folder_chooser import choose_folder
from ui.views.controls.folder_removal import confirm_removal, remove_confirmed
from ui.views.display.failures import list_failures
from ui.views.display.runs import show_outcome, show_run
from ui.views.index_jobs import desk_of, start_run
from ui.views.library_notices import is_filled, say_missing
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary, open_library, was_opened


def show(options: AppOptions) -> None:
    """Show the page."""
    with st.container(key="page"):
        heading("Library")
        _show(options, desk_of(options.library))


def _show(options: AppOptions, desk: IndexJobs) -> None:
    try:
        opened = open_library(options)
    except PicfuseError as error:
        _without_library(options, desk, error)
        return
    try:
        remove_confirmed(options)
        _numbers(opened, desk.busy)
        _run(desk)
        _folders(options, opened, busy=desk.busy)
        _add(options, opened, busy=desk.busy)
        _not_indexed(opened)
        _doubtful(opened)
        _details(opened)
    except PicfuseError as error:
        notice("The library cannot be used", str(error))


def _without_library(options: AppOptions, desk: IndexJobs, error: PicfuseError) -> None:
    """Show the run that makes the library, or offer to begin one where that can be."""
    if desk.busy:
        _run(desk, lambda: is_filled(options))
        return
    if not say_missing(options, error):
        return
    if desk.job is not None and desk.job.error is not None:
        _run(desk)
    if was_opened(options.library):
        with st.expander("Begin a new library in its place"):
            _add(options, None, busy=False)
    else:
        _add(options, None, busy=False)


def _numbers(opened: SharedLibrary, busy: bool) -> None:
    """Show the numbers of the library, again and again while a run changes them."""

    @st.fragment(run_every=2.0 if busy else None)
    def numbers() -> None:
        with opened.asking():
            counts = opened.library.catalogue.counts()
        shown = {"Pictures": counts.get(PRESENT, 0), "Captions": counts["captions"]}
        missing, failed = counts.get(MISSING, 0), counts.get(FAILED, 0)
        shown |= {"Not found": missing} if missing else {}
        shown |= {"Unreadable": failed} if failed else {}
        with st.container(horizontal=True, key="numbers"):
            for name, number in shown.items():
                st.metric(name, f"{number:,}", width=130)

    numbers()


def _run(desk: IndexJobs, enough: Callable[[], bool] = lambda: False) -> None:
    """Show the present run, or the outcome of the last one."""
    job = desk.job
    if job is None:
        return
    if job.running:
        show_run(job, enough)
        st.button("Stop", on_click=job.stop, icon=":material/stop:")
    else:
        show_outcome(job)


def _add(options: AppOptions, opened: SharedLibrary | None, *, busy: bool) -> None:
    folder = choose_folder(busy=busy)
    if folder is not None:
        start_run(options, opened, [folder])
        st.rerun()


def _folders(options: AppOptions, opened: SharedLibrary, *, busy: bool) -> None:
    with opened.asking():
        catalogue = opened.library.catalogue
        away = {folder.path for folder in away_folders(catalogue)}
        numbers = {f.path: catalogue.states_in(f.id)[PRESENT] for f in catalogue.folders()}
    if not numbers:
        return
    st.header("Folders", anchor=False)
    for place, (path, pictures) in enumerate(numbers.items()):
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            with st.container(width="stretch", gap="xsmall"):
                st.text(browser_safe(path))
                st.caption(_state(pictures, is_away=path in away))
            update = st.button("Update", key=f"update-{place}", disabled=busy or path in away)
            if st.button("Remove", key=f"remove-{place}", disabled=busy):
                confirm_removal(path, pictures)
        if update:
            _update(options, opened, [path])
    if len(numbers) > 1 and st.button(
        "Update all folders", disabled=busy, icon=":material/refresh:"
    ):
        _update(options, opened, [])


def _state(pictures: int, *, is_away: bool) -> str:
    away = " · It is not there now. If it is on another disk, connect the disk." if is_away else ""
    return f"{counted(pictures)}{away}"


def _update(options: AppOptions, opened: SharedLibrary, folders: list[Path]) -> None:
    start_run(options, opened, folders)
    st.rerun()


def _not_indexed(opened: SharedLibrary) -> None:
    """Show unreadable pictures, and the kinds of files that were passed over."""
    with opened.asking():
        failures = opened.library.catalogue.failures()
        passed = opened.library.passed_over.kinds()
    if failures:
        st.header("Pictures that could not be read", anchor=False)
        list_failures(failures)
    if passed:
        with st.expander(f"{subject(passed)} not indexed"):
            st.text("\n".join(_kinds(passed)))


def _kinds(passed: Counter[str]) -> list[str]:
    """Each kind with its number, the most frequent first."""
    return [browser_safe(numbered(kind, number)) for kind, number in in_order(passed).items()]


def _doubtful(opened: SharedLibrary) -> None:
    """Show which caption files were read by a guess, and texts that are probably no captions."""
    with opened.asking():
        guesses = told_guesses(opened.library.catalogue.folders())
        repeated = repeated_captions(opened.library)
    lines = [f"{guess_message(one)}. If letters are wrong, save as UTF-8." for one in guesses]
    lines += [f"{repeated_message(one)}." for one in repeated]
    if lines:
        with st.expander("Captions to check"):
            st.text("\n".join(browser_safe(line) for line in lines))


def _details(opened: SharedLibrary) -> None:
    """Show the settings and the place of the library in a folded box."""
    with opened.asking():
        settings, weight = opened.library.settings, opened.library.weight
    precision = "8-bit integers" if precision_of(settings.encoder) == INT8 else "32-bit floats"
    lines = (
        f"Model: {plain_name(settings.encoder)}",
        f"Precision: {precision}",
        f"Dimensions: {settings.dim}",
        f"Picture and caption are combined by: {settings.fusion}",
        f"Weight of the picture against the caption: {weight:g}",
    )
    with st.expander("Details"):
        st.text("\n".join(browser_safe(line) for line in lines))
        st.caption("The library is in this folder:")
        st.code(browser_safe(opened.library.path), language=None, wrap_lines=True)
