"""Fusion: turns the image and the caption embedding of a picture into one row.

Learned fusions are imported when they are first used, since they also import safetensors.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from indexer.embedding import Mask
from indexer.fusion.base import (
    MEAN_FROM_ROWS,
    OWN_MEANS_FROM,
    ROOT,
    Centres,
    Fusion,
    Row,
    RowSums,
    own_mean,
    spread_ratio,
)
from indexer.fusion.concat import Concat
from indexer.fusion.mean import Mean
from indexer.fusion.registry import (
    LEARNED,
    STRATEGIES,
    UNLEARNED,
    fusions_for,
    learned_class,
    open_fusion,
    restore_fusion,
)
from indexer.settings import DEFAULT_WEIGHT

if TYPE_CHECKING:
    from indexer.fusion.gated import Gated
    from indexer.fusion.learned import Learned
    from indexer.fusion.product import Product

_HOMES = {
    "Gated": "indexer.fusion.gated",
    "Learned": "indexer.fusion.learned",
    "Product": "indexer.fusion.product",
}

__all__ = [
    "DEFAULT_WEIGHT",
    "LEARNED",
    "MEAN_FROM_ROWS",
    "OWN_MEANS_FROM",
    "ROOT",
    "STRATEGIES",
    "UNLEARNED",
    "Centres",
    "Concat",
    "Fusion",
    "Gated",
    "Learned",
    "Mask",
    "Mean",
    "Product",
    "Row",
    "RowSums",
    "fusions_for",
    "learned_class",
    "open_fusion",
    "own_mean",
    "restore_fusion",
    "spread_ratio",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
