"""Doubtful hits of an answer: left out, and shown on request."""

from __future__ import annotations

import streamlit as st

from search import Answer
from ui.views.plain import notice

SHOW = "show-doubtful"


def likely_of(answer: Answer) -> Answer:
    """The hits that are to be shown; says how many are not, with a switch that shows them."""
    likely = answer.likely
    hidden = len(answer.hits) - len(likely.hits)
    if not hidden:
        return likely
    shown = st.session_state.get(SHOW, False)
    if not likely.hits and not shown:
        best = answer.hits[0].confidence or 0
        text = f"The best guess is right with {best:.0%} only."
        notice("Nothing matches well enough", text, icon="search_off")
    counted = "1 doubtful picture" if hidden == 1 else f"{hidden} doubtful pictures"
    st.toggle(
        f"Show {counted} too",
        key=SHOW,
        help="For these there is less evidence than for nearly all right answers.",
    )
    return answer if shown else likely
