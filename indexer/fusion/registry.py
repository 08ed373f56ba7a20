"""Fusions by name: the four strategies, and weights of the user's own as `gated:FILE`."""

from __future__ import annotations

from pathlib import Path

from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.fusion.base import Fusion
from indexer.fusion.concat import Concat
from indexer.fusion.gated import Gated
from indexer.fusion.learned import Learned
from indexer.fusion.mean import Mean
from indexer.fusion.product import Product
from indexer.fusion.weights import parse_weights

UNLEARNED: dict[str, type[Concat] | type[Mean]] = {"concat": Concat, "mean": Mean}
LEARNED: dict[str, type[Learned]] = {"product": Product, "gated": Gated}
STRATEGIES: dict[str, type[Fusion]] = {**UNLEARNED, **LEARNED}
WEIGHTS = Path(__file__).parent / "weights"  # what is shipped, trained for the built-in `mini`


def open_fusion(name: str, *, encoder: Encoder | None = None) -> Fusion:
    """The fusion of a name; with `encoder`, one that fits it.

    Raises `InputError` for a fusion that does not exist or does not fit, and `ModelError` for
    weights that are missing or damaged.
    """
    strategy, colon, file = name.partition(":")
    if strategy in UNLEARNED and not colon:
        return UNLEARNED[strategy]()
    if strategy not in LEARNED or (colon and not file):
        known = [*STRATEGIES, *(f"{learned}:FILE" for learned in LEARNED)]
        raise InputError(f"no fusion {name!r}; there are {', '.join(known)}")
    fusion = _learned(strategy, file)
    if encoder is not None:
        fusion.check_encoder(encoder)
    return fusion


def restore_fusion(name: str, content: bytes, place: str) -> Fusion:
    """The fusion of a name from a copy of its weights. Raises `ModelError` for a damaged one."""
    strategy = name.partition(":")[0]
    if strategy in UNLEARNED:
        return open_fusion(name)
    return LEARNED[strategy](parse_weights(content, place), name)


def fusions_for(encoder: Encoder) -> list[str]:
    """The names of the fusions that need no file of the user's and fit an encoder."""
    return [name for name in STRATEGIES if _fits(name, encoder)]


def _fits(name: str, encoder: Encoder) -> bool:
    try:
        open_fusion(name, encoder=encoder)
    except InputError:
        return False
    return True


def _learned(strategy: str, file: str) -> Learned:
    if not file:
        return LEARNED[strategy].read(WEIGHTS / f"{strategy}.safetensors")
    path = Path(file).expanduser().resolve()
    return LEARNED[strategy].read(path, f"{strategy}:{path}")
