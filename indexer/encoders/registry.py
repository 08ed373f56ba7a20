"""Encoders by name: `mini`, `mini:FILE`, `int8:mini`, `open_clip:…`, what other packages add."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from indexer.encoders.protocol import FP32, Encoder
from indexer.errors import InputError, ModelError
from indexer.locations import cache_directory

GROUP = "picfuse.encoders"  # entry points: scheme = "module:function" like those below
BUILT_IN = {
    "mini": "indexer.encoders.mini.encoder:open_encoder",
    "int8": "indexer.encoders.mini.encoder:open_int8",
    "open_clip": "indexer.encoders.open_clip.exported:open_encoder",
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
    module, function = _found(name)
    try:
        opener: Callable[[str, str, Path, bool], Encoder] = getattr(module, function)
    except AttributeError as error:
        raise _broken(name, error) from error
    return opener(name, name.partition(":")[2], cache or cache_directory(), offline)


def preferred_precision(name: str, *, cache: Path | None = None) -> str:
    """The precision that suits an encoder on this machine: fp32 where its module names none.

    Raises what `load_encoder` raises.
    """
    prefers: Callable[[str, Path], str] | None
    prefers = getattr(_found(name)[0], "preferred_precision", None)
    return prefers(name, cache or cache_directory()) if prefers else FP32


def _found(name: str) -> tuple[ModuleType, str]:
    """The module of a name's scheme, and the function in it that opens an encoder."""
    scheme = name.partition(":")[0]
    # What others add is looked for in the facts of every installed package: not for those here.
    known = BUILT_IN if scheme in BUILT_IN else schemes()
    if scheme not in known:
        raise InputError(
            f"no encoder {name!r}; use mini, mini:FILE, open_clip:ARCHITECTURE/PRETRAINED "
            "or open_clip:ARCHITECTURE:FILE (list them with 'picfuse models')"
        )
    module, _, function = known[scheme].partition(":")
    try:
        return import_module(module), function
    except ImportError as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> ModelError:
    return ModelError(f"the encoder {name!r} cannot be loaded ({error}); reinstall its package")
