"""Settings of a service: its limits, and what it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on requests.

    `body` in bytes; `seconds` for an answer, `body_seconds` for a body to arrive; `rate` requests a
    second of one client, 0 for any number; `waiting` requests that may wait for their turn.
    """

    body: int = 32 * MIB
    seconds: float = 30.0
    body_seconds: float = 30.0
    rate: float = 100.0
    waiting: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of a service: libraries by name, and what clients may do.

    `token`: secret that clients must know, None for clients of this machine alone. `hosts`: names
    under which browsers may address the service. `paths`: whether answers tell paths of the
    machine. `urls`: whether pictures are fetched from public addresses. `index`: whether clients
    may start indexing.
    """

    libraries: Mapping[str, Path]
    token: str | None = None
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    paths: bool = False
    urls: bool = False
    index: bool = False
    offline: bool = False
    limits: Limits = field(default_factory=Limits)
