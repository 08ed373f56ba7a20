"""Fusions by name: the four strategies, and the user's own weights as `gated:FILE`.

Learned fusions are imported when one is named: a query to a library of `concat` needs none.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.fusion.base import Fusion
from indexer.fusion.concat import Concat
from indexer.fusion.mean import Mean

if TYPE_CHECKING:
    from indexer.fusion.learned import Learned

UNLEARNED = ("concat", "mean")
LEARNED = ("product", "gated")
STRATEGIES = (*UNLEARNED, *LEARNED)
WEIGHTS = Path(__file__).parent / "weights"  # shipped, trained for the built-in encoder `mini`


def open_fusion(name: str, *, encoder: Encoder | None = None) -> Fusion:
    """Return the fusion of this name, checked against `encoder` if one is given.

    Raises `InputError` for a fusion that does not exist or does not fit, and `ModelError` for
    weights that are missing or damaged.
    """
    strategy, colon, file = name.partition(":")
    if strategy in UNLEARNED and not colon:
        return Concat() if strategy == "concat" else Mean()
    if strategy not in LEARNED or (colon and not file):
        known = [*STRATEGIES, *(f"{learned}:FILE" for learned in LEARNED)]
        raise InputError(f"no fusion {name!r}; there are {', '.join(known)}")
    fusion = _read_learned(strategy, file)
    if encoder is not None:
        fusion.check_encoder(encoder)
    return fusion


def restore_fusion(name: str, content: bytes, place: str) -> Fusion:
    """Return the fusion of this name from a copy of its weights.

    Raises `ModelError`, naming `place`, if the copy is damaged.
    """
    strategy = name.partition(":")[0]
    if strategy in UNLEARNED:
        return open_fusion(name)
    weights = import_module("indexer.fusion.weights").parse_weights(content, place)
    return learned_class(strategy)(weights, name)


def learned_class(strategy: str) -> type[Learned]:
    """Return the class of a learned strategy, one of `LEARNED`."""
    module = import_module(f"indexer.fusion.{strategy}")
    fusion_class: type[Learned] = getattr(module, strategy.capitalize())
    return fusion_class


def fusions_for(encoder: Encoder) -> list[str]:
    """Names of the fusions that fit an encoder and need no file from the user."""
    return [name for name in STRATEGIES if _fits(name, encoder)]


def _fits(name: str, encoder: Encoder) -> bool:
    try:
        open_fusion(name, encoder=encoder)
    except InputError:
        return False
    return True


def _read_learned(strategy: str, file: str) -> Learned:
    if not file:
        return learned_class(strategy).read(WEIGHTS / f"{strategy}.safetensors")
    path = Path(file).expanduser().resolve()
    return learned_class(strategy).read(path, f"{strategy}:{path}")
