"""Doubtful hits of an answer: left out, and shown on request."""

from __future__ import annotations

import streamlit as st

from search import Answer
from ui.unknown import said_of
from ui.views import plain
from ui.views.plain import notice

SHOW = "show-doubtful"


def likely_of(answer: Answer, page: int) -> Answer:
    """The hits of a page that are to be shown; a switch says how many are not, and shows them."""
    likely = answer.likely
    hidden = len(answer.hits) - len(likely.hits)
    shown = st.session_state.get(SHOW, False)
    if hidden and not likely.hits and not shown:
        title = "Nothing more matches well enough" if page else "Nothing matches well enough"
        notice(title, _why(answer), icon="search_off")
    elif answer.unknown:
        st.text(plain.shown(_sentence(said_of(answer.unknown))))
    if not hidden:
        return likely
    counted = "1 doubtful picture" if hidden == 1 else f"{hidden} doubtful pictures"
    st.toggle(
        f"Show {counted} too",
        key=SHOW,
        help="For these there is less evidence than for nearly all right answers.",
        persist_state="session",
    )
    return answer if shown else likely


def _why(answer: Answer) -> str:
    """Why no hit is shown: how sure the best one is, or what nothing knows."""
    best = answer.hits[0].confidence
    said = [] if best is None else [f"The best guess is right with {best:.0%} only."]
    if answer.unknown or best is None:
        said.append(_sentence(said_of(answer.unknown)))
    return " ".join(said)


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."
