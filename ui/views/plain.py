"""Text of others as plain text, and the look of the app.

Captions, names of files and messages that quote them are data. Streamlit reads Markdown in most
of its elements (alerts, captions of pictures, labels), so they are shown by `st.text` only.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")  # a named one would be fetched from the network


def use_style() -> None:
    """Add the app's style sheet to the page."""
    st.html(STYLE)


def shown(text: str | Path) -> str:
    """A text or path that can be sent to a browser: bytes that are no UTF-8 become `\ufffd`."""
    if isinstance(text, Path):
        return os.fsencode(text).decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode("utf-8")


def notice(title: str, text: str | Path, *, icon: str = "error") -> None:
    """A box with a title of ours and a plain text."""
    with st.container(border=True, key=f"notice-{icon}"):
        st.markdown(f":material/{icon}: **{title}**")
        st.text(shown(text))
