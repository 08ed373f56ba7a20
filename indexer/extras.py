"""Extras: optional parts of picfuse, whose packages are installed on request."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from indexer.errors import ModelError

OPEN_CLIP_EXTRA, TRAIN_EXTRA, INT8_EXTRA = "open-clip", "train", "int8"
_OURS = ("indexer", "search", "ui")


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
