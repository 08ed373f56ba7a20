"""Fusion: the image and the caption embedding of a picture become one row."""

from indexer.fusion.base import (
    DEFAULT_WEIGHT,
    MEAN_FROM_ROWS,
    OWN_MEANS_FROM,
    ROOT,
    Centres,
    Fusion,
    Mask,
    Row,
    RowSums,
    own_mean,
    spread_ratio,
)
from indexer.fusion.concat import Concat
from indexer.fusion.gated import Gated
from indexer.fusion.learned import Learned
from indexer.fusion.mean import Mean
from indexer.fusion.product import Product
from indexer.fusion.registry import (
    LEARNED,
    STRATEGIES,
    UNLEARNED,
    fusions_for,
    open_fusion,
    restore_fusion,
)

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
    "open_fusion",
    "own_mean",
    "restore_fusion",
    "spread_ratio",
]
