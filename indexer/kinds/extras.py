"""Extras of picfuse, by which reasons say that a decoder has to be installed."""

from __future__ import annotations

import re

RAW_EXTRA, JPEG_XL_EXTRA, SPREADSHEET_EXTRA = "raw", "jxl", "xlsx"
OCR_EXTRA = "ocr"  # reads the text in pictures
_COMMAND = re.compile(r"\(pip install 'picfuse\[(\w+)\]' reads it\)$")


def missing(what: str, extra: str) -> str:
    """The reason for a kind of file that only the decoder of an extra could read."""
    return f"{what} (pip install 'picfuse[{extra}]' reads it)"


def needed_extra(reason: str) -> str:
    """The extra that a reason asks for; empty if the reason is another one."""
    found = _COMMAND.search(reason)
    return found[1] if found else ""


def kind_needing(reason: str) -> str:
    """The kind of file of which a reason says that it needs an extra."""
    return reason.partition(" (")[0]
