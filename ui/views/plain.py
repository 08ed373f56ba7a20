"""Untrusted text as plain text, and the look of the app.

Captions, file names and messages that quote them are data. Streamlit renders Markdown in most of
its elements (alerts, captions of pictures, labels), so such text is shown by `st.text` only.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import streamlit as st

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")  # a named one would be downloaded
_PAGE = "page-shown"  # in the session
_FOLD = """<script>
if (innerWidth < 768) // {}
  document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
</script>"""
_TURNS = "\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(f"[\0-\x08\x0b-\x1f\x7f-\x9f{_TURNS}]")
_IN_PATHS = re.compile(f"[\0-\x1f\x7f-\x9f\u2028\u2029{_TURNS}]")


def use_style() -> None:
    """Add the app's style sheet to the page."""
    st.html(STYLE)


def fold_pages(title: str) -> None:
    """On a phone, close the list of pages after a choice: it would cover the page."""
    before = st.session_state.get(_PAGE, title)
    st.session_state[_PAGE] = title
    if before != title:
        st.html(_FOLD.format(title), unsafe_allow_javascript=True)


def shown(text: str | Path) -> str:
    r"""Text or path for a browser, with nothing hidden in it.

    Bytes that are not UTF-8 become `\ufffd`. Control characters, marks that change the direction
    of the text, and line breaks in a path become escapes.
    """
    if isinstance(text, Path):
        return _escaped(_IN_PATHS, os.fsencode(text).decode("utf-8", "replace"))
    return _escaped(_CONTROLS, text.encode("utf-8", "replace").decode("utf-8"))


def _escaped(what: re.Pattern[str], text: str) -> str:
    return what.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def counted(pictures: int) -> str:
    """Number of pictures as text: "1 picture", "2,000 pictures"."""
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"


def notice(title: str, text: str | Path, *, icon: str = "error") -> None:
    """Show a box with a title (Markdown, never untrusted text) and a plain text."""
    with st.container(border=True, key=f"notice-{icon}"):
        st.markdown(f":material/{icon}: **{title}**")
        st.text(shown(text))
