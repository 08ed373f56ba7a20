"""Options of encoding on many machines, and the report of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from indexer.cluster.told import Table, Trouble
from indexer.settings import DEFAULT_ENCODER

SHARD_PICTURES = 5000  # in a shard: the work that a power cut can cost an actor
SHOWN_FAILURES = 1000  # in the report; all are rows of the store


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """Options of encoding.

    `address` is that of Ray's head ("auto": the one on this machine; None: start one). `actors`
    encode, each with so many `cpus` (None: all cores, divided among them) and `gpus`. A shard has
    at most `shard_pictures`. `columns` name those of Parquet files, as in "file=NAME,caption=NAME".
    The limits of decoding are those of `IndexOptions`.
    """

    model: str = DEFAULT_ENCODER
    address: str | None = None
    actors: int | None = None
    cpus: int | None = None
    gpus: float = 0.0
    shard_pictures: int = SHARD_PICTURES
    columns: str | None = None
    offline: bool = False
    time_limit: float | None = None
    max_pixels: int | None = None
    memory_limit: int | None = None


@dataclass(slots=True)
class EncodeReport:
    """Results of a run, in numbers of pictures and shards.

    `encoded` counts the pictures of the shards that this run wrote, `failed` those of them that
    could not be read, `failures` names the first of these. `kept` counts the shards that were there
    before, `written` the new ones, `dropped` those whose pictures have changed or are gone.
    `problems` are sources, folders and tables that could not be read; `tables` are those of
    captions that could.
    """

    encoded: int = 0
    failed: int = 0
    written: int = 0
    kept: int = 0
    dropped: int = 0
    failures: list[Trouble] = field(default_factory=list)
    problems: list[Trouble] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False
    elapsed_ms: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether everything could be read."""
        return not (self.failed or self.problems or self.interrupted)
