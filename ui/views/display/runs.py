"""Runs of indexing: their progress in numbers, and their outcome."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from indexer import IndexReport
from ui.file_kinds import subject
from ui.index_jobs import IndexJob
from ui.sentences import counted
from ui.views.display.failures import list_failures
from ui.views.page_style import notice


@st.fragment(run_every=1.0)
def show_run(job: IndexJob, enough: Callable[[], bool] = lambda: False) -> None:
    """Show how far a run is; the page is drawn anew when it ends, or has done `enough`."""
    if not job.running or enough():
        st.rerun()
    done, total = job.progress.done, job.progress.total
    st.progress(done / total if total else 0.0, progress_text(job))


def progress_text(job: IndexJob) -> str:
    """The work of a run in numbers, with the time left once that is known."""
    done, total, what = job.progress.done, job.progress.total, job.progress.what
    if not total:
        return "Looking for pictures …"
    if what:
        return f"{what.capitalize()}: {done:,} of {total:,}" if total > 1 else "Finishing …"
    if not done:
        return f"{counted(total)} found. Getting ready …"
    left = job.seconds_left
    rest = "" if left is None else f" · {job.rate:,.0f} a second · {_time(left)} left"
    return f"{done:,} of {counted(total)}{rest}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show_outcome(job: IndexJob) -> None:
    """Tell the outcome of the last run; the page lists unreadable pictures elsewhere."""
    report = job.report
    if job.error is not None:
        notice("The library was not updated", str(job.error))
    elif report.interrupted:
        ready = counted(report.added + report.changed + report.unchanged)
        said = f"{ready} ready. 'Update' goes on from here."
        notice("Stopped", said, icon="check_circle")
    elif not _seen(report):
        said = "There are no pictures in the folder or in the folders below it."
        notice("No pictures found", said, icon="search_off")
    else:
        notice("Done", _summary(report), icon="check_circle")
    list_failures([(failure.path, failure.reason) for failure in report.problems])


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
