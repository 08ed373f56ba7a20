"""Encoders by name: `mini`, `mini:FILE`, `int8:mini`, `clip`, `open_clip:…`, `onnx:…`, others."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from indexer.encoders.open_clip.recommended import RECOMMENDED, spelled_out
from indexer.encoders.protocol import FP32, Encoder
from indexer.errors import InputError, ModelError
from indexer.locations import cache_directory

GROUP = "picfuse.encoders"  # of entry points: scheme = "module:function", as below
BUILT_IN = {
    "mini": "indexer.encoders.mini.encoder:open_encoder",
    "int8": "indexer.encoders.mini.encoder:open_int8",
    "open_clip": "indexer.encoders.open_clip.exported:open_encoder",
    "onnx": "indexer.encoders.pair.encoder:open_encoder",
}


def schemes() -> dict[str, str]:
    """Map each scheme of encoder names to the function that opens it."""
    from importlib.metadata import entry_points  # 10 ms, saved by queries with a built-in encoder

    added = {point.name: point.value for point in entry_points(group=GROUP)}
    return added | BUILT_IN


def load_encoder(name: str, *, cache: Path | None = None, offline: bool = False) -> Encoder:
    """Open the encoder of this name; `offline` forbids downloads.

    The module of a scheme is imported here and not before, since open_clip's imports torch.
    Raises `InputError` for an unknown name and `ModelError` if the model is unavailable.
    """
    name = spelled_out(name)
    module, function = _opener(name)
    try:
        opener: Callable[[str, str, Path, bool], Encoder] = getattr(module, function)
    except AttributeError as error:
        raise _broken(name, error) from error
    return opener(name, name.partition(":")[2], cache or cache_directory(), offline)


def preferred_precision(name: str, *, cache: Path | None = None) -> str:
    """The precision that suits an encoder on this machine: fp32 unless its module chooses another.

    Raises the same errors as `load_encoder`.
    """
    name = spelled_out(name)
    prefers: Callable[[str, Path], str] | None
    prefers = getattr(_opener(name)[0], "preferred_precision", None)
    return prefers(name, cache or cache_directory()) if prefers else FP32


def _opener(name: str) -> tuple[ModuleType, str]:
    """The module of a name's scheme, and the function in it that opens an encoder."""
    scheme = name.partition(":")[0]
    # The entry points of others are read from every installed package: not for built-in schemes.
    known = BUILT_IN if scheme in BUILT_IN else schemes()
    if scheme not in known:
        raise InputError(
            f"no encoder {name!r}; use mini, mini:FILE, {_words()}, "
            "open_clip:ARCHITECTURE/PRETRAINED, open_clip:ARCHITECTURE:FILE or onnx:FOLDER (list "
            "them with 'picfuse models')"
        )
    module, _, function = known[scheme].partition(":")
    try:
        return import_module(module), function
    except ImportError as error:
        raise _broken(name, error) from error


def _words() -> str:
    return ", ".join(model.word for model in RECOMMENDED)


def _broken(name: str, error: Exception) -> ModelError:
    return ModelError(f"the encoder {name!r} cannot be loaded ({error}); reinstall its package")
