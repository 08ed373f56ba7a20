"""The page of the library: its contents, and adding and updating folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from indexer import IndexReport, Library
from indexer.catalogue.values import FAILED, MISSING, PRESENT
from indexer.encoders.precision import AUTO, in_precision
from indexer.errors import InputError, LibraryNotFound, PicfuseError
from indexer.library.directory import is_vacant
from indexer.pipeline.folders import existing_folder
from indexer.settings import DEFAULT_ENCODER
from ui.file_kinds import in_order, numbered, subject
from ui.index_jobs import IndexJob, IndexJobs
from ui.views.index_jobs import desk_of
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, counted
from ui.views.shared_library import SharedLibrary, open_library

_TAKEN = "folder-taken"  # in the session: folder to add


def show(options: AppOptions) -> None:
    """Show the page."""
    with st.container(key="page"):
        _show(options, desk_of(options.library))


def _show(options: AppOptions, desk: IndexJobs) -> None:
    opened = None
    try:
        opened = open_library(options)
        _numbers(opened)
    except PicfuseError as error:
        if not (isinstance(error, LibraryNotFound) and is_vacant(options.library)):
            notice("The library cannot be used", str(error))
            return
        said = "Choose a folder of pictures to begin. They stay where they are."
        notice("There is no library yet", said, icon="photo_library")
    _job(desk)
    _folders(options, opened, desk)
    if opened is not None:
        _details(opened)


def _numbers(opened: SharedLibrary) -> None:
    with opened.asking():
        counts = opened.library.catalogue.counts()
        passed = opened.library.passed_over.kinds()
    with st.container(horizontal=True, key="numbers"):
        st.metric("Pictures", f"{counts.get(PRESENT, 0):,}", width=130)
        st.metric("Captions", f"{counts['captions']:,}", width=130)
        st.metric("Not found", f"{counts.get(MISSING, 0):,}", width=130)
        st.metric("Unreadable", f"{counts.get(FAILED, 0):,}", width=130)
        st.metric("Not indexed", f"{passed.total():,}", width=130, help=_kinds(passed))


def _kinds(passed: Counter[str]) -> str | None:
    """The kinds of what is not indexed, without those named by a suffix, which may say anything."""
    known = {kind: number for kind, number in passed.items() if not kind.startswith(".")}
    return ", ".join(numbered(kind, number) for kind, number in in_order(known).items()) or None


def _job(desk: IndexJobs) -> None:
    job = desk.job
    if job is None:
        return
    if job.running:
        _running(job)
    else:
        _ended(desk, job)


@st.fragment(run_every=0.5)
def _running(job: IndexJob) -> None:
    if not job.running:
        st.rerun()
    done, total = job.progress.done, job.progress.total
    st.progress(done / total if total else 0.0, _progress_text(job))
    st.button("Stop", on_click=job.stop, icon=":material/stop:")


def _progress_text(job: IndexJob) -> str:
    if not job.progress.total:
        return "Looking for pictures …"
    left = job.seconds_left
    rest = "" if left is None else f" · {job.rate:.0f} a second · {_time(left)} left"
    return f"{job.progress.done:,} of {job.progress.total:,} pictures{rest}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _ended(desk: IndexJobs, job: IndexJob) -> None:
    report = job.report
    if job.error is not None:
        notice("The folder could not be indexed", str(job.error))
        return
    if not (report.interrupted or _seen(report)):
        said = "There are no pictures in the folder or in the folders below it."
        notice("No pictures found", said, icon="search_off")
        return
    said = _summary(report)
    if report.interrupted:
        notice("Stopped", f"{said} 'Update all folders' continues from here.", icon="check_circle")
    else:
        notice("Done", said, icon="check_circle")
    _failures([(f.path, f.reason) for f in (*report.failed, *report.problems)])


def _seen(report: IndexReport) -> int:
    """Number of pictures and problems that a run has met."""
    troubles = len(report.failed) + len(report.problems)
    return report.added + report.unchanged + report.changed + report.removed + troubles


def _summary(report: IndexReport) -> str:
    """Outcome of a run in one or two sentences; numbers that are 0 are left out."""
    numbers = {
        "added": report.added,
        "updated": report.changed,
        "no longer found": report.removed,
        "unchanged": report.unchanged,
    }
    parts = [f"{counted(number)} {name}" for name, number in numbers.items() if number]
    failed = f" {len(report.failed):,} could not be read." if report.failed else ""
    passed = report.passed_over
    skipped = f" {subject(passed)} not indexed." if passed else ""
    return f"{', '.join(parts) or 'No pictures added'}.{failed}{skipped}"


def _failures(failures: Sequence[tuple[Path, str]]) -> None:
    if failures:
        rows = [
            {"File": browser_safe(path), "Reason": browser_safe(reason)}
            for path, reason in failures
        ]
        st.dataframe(rows, hide_index=True, key=f"failures-{len(rows)}")


def _folders(options: AppOptions, opened: SharedLibrary | None, desk: IndexJobs) -> None:
    busy = desk.job is not None and desk.job.running
    row = st.form("add", border=False)
    with row.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input("Add a folder", placeholder="~/Pictures", key="folder", disabled=busy)
        st.form_submit_button("Add", disabled=busy, icon=":material/add:", on_click=_take_folder)
    taken = st.session_state.get(_TAKEN, "")
    wrong = _wrong_with(taken) if taken else None
    if wrong is not None and taken == typed.strip():
        notice("The folder could not be added", wrong)
    elif taken and wrong is None:
        del st.session_state[_TAKEN]
        _start(options, opened, desk, [taken])
    if opened is None:
        return
    known = _known_folders(opened)
    if known:
        st.markdown("**Folders**")
        for path in known:
            st.text(browser_safe(path))
        st.caption("To remove a folder, run `picfuse forget FOLDER`. Its files are not touched.")
        if st.button("Update all folders", disabled=busy, icon=":material/refresh:"):
            _start(options, opened, desk, [])


def _take_folder() -> None:
    """Accept the typed folder; a wrong one stays in the box to be corrected."""
    st.session_state[_TAKEN] = said = st.session_state["folder"].strip()
    if said and _wrong_with(said) is None:
        st.session_state["folder"] = ""


def _wrong_with(folder: str) -> str | None:
    """Reason that a typed folder cannot be indexed; None if it can."""
    try:
        existing_folder(Path(folder))
    except InputError as error:
        return str(error)
    return None


def _known_folders(opened: SharedLibrary) -> list[Path]:
    with opened.asking():
        return [folder.path for folder in opened.library.catalogue.folders()]


def _start(
    options: AppOptions, opened: SharedLibrary | None, desk: IndexJobs, folders: Sequence[str]
) -> None:
    def open_writer() -> Library:
        if opened is None:
            encoder = in_precision(DEFAULT_ENCODER, AUTO)
            return Library.create(options.library, encoder=encoder, offline=options.offline)
        library = Library.open(options.library, offline=options.offline)
        with opened.asking():
            library.use_encoder(opened.library.encoder)  # already loaded
        return library

    desk.start(open_writer, folders)
    st.rerun()


def _details(opened: SharedLibrary) -> None:
    with opened.asking():
        settings = opened.library.settings
        failures = opened.library.catalogue.failures()
    if failures:
        st.markdown("**Pictures that could not be read**")
        _failures(failures)
    st.markdown("**Details**")
    model = f"Model: {settings.encoder} ({settings.dim} dimensions), fusion: {settings.fusion}"
    st.text(browser_safe(model))
    st.code(browser_safe(opened.library.path), language=None, wrap_lines=True)
