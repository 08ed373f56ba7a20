"""Decoders that are installed on request, each by an extra of picfuse."""

from __future__ import annotations

import re
from importlib.util import find_spec

from indexer.errors import PictureError

RAW, JPEG_XL = "raw", "jxl"  # names of the extras
_MODULES = {RAW: "rawpy", JPEG_XL: "pylibjxl"}
_COMMAND = re.compile(r"\(pip install 'picfuse\[(\w+)\]' reads it\)$")


def has_decoder(extra: str) -> bool:
    """Whether the decoder of an extra is installed."""
    return find_spec(_MODULES[extra]) is not None


def missing_decoder(what: str, extra: str) -> PictureError:
    """The error for a file that only the decoder of an extra could read."""
    return PictureError(f"{what} (pip install 'picfuse[{extra}]' reads it)")


def needed_extra(reason: str) -> str:
    """The extra that a reason asks for; empty if the reason is another one."""
    found = _COMMAND.search(reason)
    return found[1] if found else ""


def kind_needing(reason: str) -> str:
    """The kind of file of which a reason says that it needs an extra."""
    return reason.partition(" (")[0]
