"""The actors of a cluster: how many, and with how many cores each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.cluster.report import EncodeOptions
from indexer.errors import InputError


def crew_of(nodes: Sequence[Mapping[str, Any]], options: EncodeOptions) -> tuple[int, int]:
    """The number of actors and the cores of each, for machines as `ray.nodes()` describes them.

    Raises `InputError` if no machine could hold one of them.
    """
    machines = [node["Resources"] for node in nodes if node["Alive"]]
    cores = [int(machine.get("CPU", 0)) for machine in machines]
    largest = max(cores, default=0)
    if not largest:
        raise InputError("no machine of this Ray cluster offers a core; start its workers first")
    if (options.cpus or 0) > largest:
        raise InputError(f"--cpus {options.cpus}: the largest machine has {largest} cores")
    actors = options.actors
    if options.gpus:
        shares = sum(int(machine.get("GPU", 0) / options.gpus) for machine in machines)
        if not shares:
            raise InputError(f"--gpus {options.gpus:g}: no machine of this Ray cluster has as many")
        actors = actors or shares
    if actors:
        return actors, options.cpus or min(largest, max(1, sum(cores) // actors))
    each = options.cpus or min(filter(None, cores))
    return sum(number // each for number in cores), each
