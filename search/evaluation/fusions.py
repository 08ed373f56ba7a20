"""Which fusions are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexer.encoders import Encoder
from indexer.errors import PicfuseError
from indexer.fusion import STRATEGIES, Fusion, open_fusion

ALL = "all"


class FusionComparison(NamedTuple):
    """Fusions by the names they were asked for by, and those left out, with why."""

    fusions: Mapping[str, Fusion]
    left_out: Mapping[str, str]


def named_fusions(names: Sequence[str], encoder: Encoder) -> FusionComparison:
    """The fusions of these names.

    "all" stands for every strategy; one that does not fit the encoder is left out of it. Raises
    what `open_fusion` raises for one that was named itself.
    """
    asked = [name for name in names if name != ALL]
    wanted = [*STRATEGIES, *asked] if ALL in names else asked
    fusions, left_out = {}, {}
    for name in dict.fromkeys(wanted):
        try:
            fusions[name] = open_fusion(name, encoder=encoder)
        except PicfuseError as error:
            if name in asked:
                raise
            left_out[name] = str(error)
    return FusionComparison(fusions, left_out)
