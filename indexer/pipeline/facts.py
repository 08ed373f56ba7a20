"""Facts of a picture from all sources: its bytes, sidecars, names, and its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from indexer.catalogue.values import BESIDE, CARRIED, DERIVED
from indexer.metadata.fact import Fact
from indexer.metadata.gazetteer import names_at
from indexer.metadata.names import name_facts
from indexer.metadata.order import Settled, in_order, kept, settled
from indexer.metadata.takeout import SOURCE as TAKEOUT
from indexer.metadata.zones import local_time

Origins: TypeAlias = Mapping[str, Sequence[Fact]]  # the facts that are stored, by origin
_CAPTIONS = ("description", "keywords")  # fields that are stored as captions alone


def all_facts(
    folder: Path, relative: bytes, carried: Iterable[Fact], beside: Iterable[Fact]
) -> tuple[Settled, Origins]:
    """All that is stored of a picture in a folder: the values that won, and facts by origin."""
    carried, beside = in_order(carried), in_order(beside)
    values = settled([*carried, *beside, *name_facts(os.fsencode(folder), relative)])
    values = _local(values)
    derived: Sequence[Fact] = ()
    if values.latitude is not None and values.longitude is not None:
        derived = names_at(values.latitude, values.longitude)
    return values, {CARRIED: kept(carried), BESIDE: stored_beside(beside), DERIVED: derived}


def _local(values: Settled) -> Settled:
    """Takeout's date, which is UTC, on the clocks of the picture's place if that is known."""
    latitude, longitude = values.latitude, values.longitude
    if values.taken_source != TAKEOUT or values.taken is None:
        return values
    if latitude is None or longitude is None:
        return values
    local = local_time(datetime.fromisoformat(values.taken), latitude, longitude)
    return values if local is None else replace(values, taken=local.isoformat())


def stored_beside(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts of sidecars that are stored: all, so that the next run can compare them."""
    return tuple(fact for fact in in_order(facts) if fact.field not in _CAPTIONS)
