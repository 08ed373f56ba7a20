"""Encoders by name: `mini`, `mini:FILE`, `open_clip:…`, and what other packages add."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from indexer.encoders.protocol import Encoder
from indexer.errors import InputError, ModelError
from indexer.settings import cache_directory

GROUP = "picfuse.encoders"  # entry points: scheme = "module:function" like those below
BUILT_IN = {
    "mini": "indexer.encoders.mini:open_encoder",
    "open_clip": "indexer.encoders.open_clip:open_encoder",
}


def schemes() -> dict[str, str]:
    """Every scheme of encoder names and the function that opens it."""
    from importlib.metadata import entry_points  # 10 ms that a query with a known model spares

    added = {point.name: point.value for point in entry_points(group=GROUP)}
    return added | BUILT_IN


def load_encoder(name: str, *, cache: Path | None = None, offline: bool = False) -> Encoder:
    """The encoder of a name; `offline` forbids it any download.

    A scheme's module is imported only here, since open_clip's brings torch with it. Raises
    `InputError` for an unknown name and `ModelError` when the model cannot be had.
    """
    scheme, _, rest = name.partition(":")
    # What others add is looked for in the facts of every installed package: not for those here.
    known = BUILT_IN if scheme in BUILT_IN else schemes()
    if scheme not in known:
        raise InputError(
            f"no encoder {name!r}; there are mini, mini:FILE, open_clip:ARCHITECTURE/PRETRAINED "
            "and open_clip:ARCHITECTURE:FILE ('picfuse models' lists them)"
        )
    module, _, function = known[scheme].partition(":")
    try:
        opener: Callable[[str, str, Path, bool], Encoder] = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"the encoder {name!r} cannot be loaded ({error}); install its package again"
        ) from error
    return opener(name, rest, cache or cache_directory(), offline)
