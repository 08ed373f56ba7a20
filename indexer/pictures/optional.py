"""Decoders that are installed on request, each by an extra of picfuse."""

from __future__ import annotations

from importlib.util import find_spec

from indexer.errors import PictureError
from indexer.kinds.extras import JPEG_XL_EXTRA, RAW_EXTRA, missing

_MODULES = {RAW_EXTRA: "rawpy", JPEG_XL_EXTRA: "pylibjxl"}


def has_decoder(extra: str) -> bool:
    """Whether the decoder of an extra is installed."""
    return find_spec(_MODULES[extra]) is not None


def missing_decoder(what: str, extra: str) -> PictureError:
    """The error for a kind of file that only the decoder of an extra could read."""
    return PictureError(missing(what, extra))
