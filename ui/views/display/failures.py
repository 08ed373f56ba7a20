"""Files that could not be used, each reason once with its remedy and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ui.views.display.app_words import in_app_words
from ui.views.safe_text import browser_safe

_SHOWN = 50  # files for each reason


def list_failures(failures: Sequence[tuple[Path, str]]) -> None:
    """Show each reason with its files; the most frequent reason comes first."""
    by_reason: dict[str, list[Path]] = {}
    for path, reason in failures:
        by_reason.setdefault(reason, []).append(path)
    for reason, paths in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        st.text(browser_safe(in_app_words(reason)))
        shown = "\n".join(browser_safe(path) for path in paths[:_SHOWN])
        st.code(shown, language=None, wrap_lines=True)
        if len(paths) > _SHOWN:
            st.caption(f"And {len(paths) - _SHOWN:,} more files.")
