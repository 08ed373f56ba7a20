"""Extras: optional parts of picfuse, whose packages are installed on request."""

from __future__ import annotations

import re
from importlib import import_module
from types import ModuleType

from indexer.errors import ModelError

RAW_EXTRA, JPEG_XL_EXTRA, SPREADSHEET_EXTRA = "raw", "jxl", "xlsx"
OCR_EXTRA = "ocr"  # reads the text in pictures
CLUSTER_EXTRA = "cluster"  # many machines: Ray and Milvus
OPEN_CLIP_EXTRA, TRAIN_EXTRA, INT8_EXTRA = "open-clip", "train", "int8"
_OURS = ("indexer", "search", "ui")
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


def extra_module(name: str, extra: str, purpose: str) -> ModuleType:
    """Import a module that needs the packages of an extra; `purpose` is what the user wants.

    Raises `ModelError` with the command that installs them.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        lacking = (error.name or "").partition(".")[0]
        if lacking in _OURS:
            raise
        raise missing_extra(purpose, lacking, extra) from error


def missing_extra(purpose: str, lacking: str, extra: str) -> ModelError:
    """The error for a purpose that an extra is needed for, since a package is lacking."""
    return ModelError(
        f"{purpose} needs the package {lacking!r}, which is not installed: "
        f"pip install 'picfuse[{extra}]'"
    )
