"""The look of the app, and its notices.

Captions, file names and messages that quote them are data. Streamlit renders Markdown in most of
its elements (alerts, captions of pictures, labels), so such text is shown by `st.text` only.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.views.display.app_words import in_app_words
from ui.views.safe_text import browser_safe

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")  # a named one would be downloaded
_PAGE = "page-shown"  # in the session
_BEFORE = "page-before"  # in the session: the page shown by the run before
_FOLD = """<script>
if (innerWidth < 768) // {}
  document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
</script>"""


def use_style() -> None:
    """Add the app's style sheet to the page."""
    st.html(STYLE)


def fold_pages(title: str) -> None:
    """On a phone, close the list of pages after a choice: it would cover the page."""
    before = st.session_state.get(_PAGE, title)
    st.session_state[_PAGE] = title
    st.session_state[_BEFORE] = before
    if before != title:
        st.html(_FOLD.format(title), unsafe_allow_javascript=True)


def came_from_elsewhere() -> bool:
    """Whether this run shows another page than the one before."""
    return bool(st.session_state[_BEFORE] != st.session_state[_PAGE])


def heading(text: str, *, hidden: bool = False) -> None:
    """Show the heading of a page (Markdown, never untrusted text), or have it read aloud only."""
    with st.container(key="heading-hidden" if hidden else "heading"):
        st.title(text, anchor=False)


def notice(title: str, text: str | Path, *, icon: str = "error") -> None:
    """Show a box with a title (Markdown, never untrusted text) and a plain text.

    That of an error may be a message of the core, which is put into words of the app.
    """
    is_message = icon == "error" and isinstance(text, str)
    with st.container(border=True, key=f"notice-{icon}"):
        st.markdown(f":material/{icon}: **{title}**")
        st.text(browser_safe(in_app_words(str(text)) if is_message else text))
