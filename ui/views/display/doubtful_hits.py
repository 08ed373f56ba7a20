"""Doubtful hits of an answer: hidden at first, and shown on request."""

from __future__ import annotations

import streamlit as st

from search import Answer
from ui.sentences import unknown_words_message, unread_message
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, sentence

SHOW = "show-doubtful"


def likely_of(answer: Answer, page: int) -> Answer:
    """Answer with the hits to show; a switch says how many are hidden, and shows them."""
    if answer.unread_by is not None:
        st.text(browser_safe(sentence(unread_message(answer.unread_by))))
    likely = answer.without_doubtful()
    hidden = len(answer.hits) - len(likely.hits)
    shown = st.session_state.get(SHOW, False)
    if hidden and not likely.hits and not shown:
        title = "No more good matches" if page else "No good matches"
        notice(title, _why(answer), icon="search_off")
    elif answer.unknown:
        st.text(browser_safe(sentence(unknown_words_message(answer.unknown))))
    if not hidden:
        return likely
    counted = "1 weaker match" if hidden == 1 else f"{hidden} weaker matches"
    st.toggle(
        f"Show {counted}",
        key=SHOW,
        help="These probably do not show what you searched for.",
        persist_state="session",
    )
    return answer if shown else likely


def _why(answer: Answer) -> str:
    """Reason for showing no hit: the best one is unlikely, or words are unknown."""
    best = answer.hits[0].confidence
    said = [] if best is None else [f"The closest picture is probably not it ({best:.0%})."]
    if answer.unknown or best is None:
        said.append(sentence(unknown_words_message(answer.unknown)))
    return " ".join(said)
