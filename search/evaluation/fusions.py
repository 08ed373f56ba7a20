"""The fusions that an evaluation compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexer.encoders import Encoder
from indexer.errors import PicfuseError
from indexer.fusion import STRATEGIES, Fusion, open_fusion

ALL = "all"


class FusionComparison(NamedTuple):
    """Fusions by name, and the reasons of those that are left out, by name."""

    fusions: Mapping[str, Fusion]
    left_out: Mapping[str, str]


def named_fusions(names: Sequence[str], encoder: Encoder) -> FusionComparison:
    """The fusions of these names.

    "all" stands for every strategy that fits the encoder; the others are left out. Raises what
    `open_fusion` raises for a fusion that is named itself.
    """
    named = [name for name in names if name != ALL]
    every = [*STRATEGIES, *named] if ALL in names else named
    fusions, left_out = {}, {}
    for name in dict.fromkeys(every):
        try:
            fusions[name] = open_fusion(name, encoder=encoder)
        except PicfuseError as error:
            if name in named:
                raise
            left_out[name] = str(error)
    return FusionComparison(fusions, left_out)
