"""Text of the user shown in the browser: never markup, never control characters."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TURNS = "\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(f"[\0-\x08\x0b-\x1f\x7f-\x9f{_TURNS}]")
_IN_PATHS = re.compile(f"[\0-\x1f\x7f-\x9f\u2028\u2029{_TURNS}]")


def browser_safe(text: str | Path) -> str:
    r"""Text or path for a browser, with nothing hidden in it.

    Bytes that are not UTF-8 become `\ufffd`. Control characters, marks that change the direction
    of the text, and line breaks in a path become escapes.
    """
    if isinstance(text, Path):
        return _escaped(_IN_PATHS, os.fsencode(text).decode("utf-8", "replace"))
    return _escaped(_CONTROLS, text.encode("utf-8", "replace").decode("utf-8"))


def _escaped(what: re.Pattern[str], text: str) -> str:
    return what.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def sentence(said: str) -> str:
    """Message as a sentence: it begins with a capital and ends with a full stop."""
    return f"{said[0].upper()}{said[1:]}."


def literal(text: str) -> str:
    """Text for a label, where Streamlit would read Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~:$<>&])", r"\\\1", text)


def shown_size(size: int) -> str:
    """Size of files as text: "17 KB", "2.0 MB"."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} KB"
