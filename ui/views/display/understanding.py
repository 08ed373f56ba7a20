"""Notes above the results: how a query was understood, and which one may be meant."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from search import Answer
from ui.sentences import left_out_message, reading_message
from ui.views.safe_text import browser_safe, sentence

_OTHERWISE = "double quotes keep words as they are"


def show_understanding(answer: Answer, search_for: Callable[[str], None]) -> None:
    """Show how words were read and which were left out, and offer the suggested query."""
    notes = [reading_message(reading, _OTHERWISE) for reading in answer.query.readings]
    notes += [left_out_message(text) for text in answer.left_out]
    for note in notes:
        st.text(browser_safe(sentence(note)))
    if answer.suggestion is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="suggested"):
        st.text(f"Did you mean: {browser_safe(answer.suggestion)}", width="content")
        st.button("Search for that", on_click=search_for, args=(answer.suggestion,))
