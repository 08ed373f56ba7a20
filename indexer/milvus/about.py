"""Facts about a whole collection, kept in a small one beside it: what scores need of all pictures.

Milvus keeps rows; the sums of all rows, the samples that scores are scaled by, the encoder and the
calibration are kept in the collection `NAME_about`, as texts by key.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from indexer.catalogue.values import SETTINGS
from indexer.errors import LibraryDamaged, LibraryError, LibraryNotFound
from indexer.fusion import RowSums
from indexer.milvus.connection import Connection
from indexer.milvus.schema import FORMAT
from indexer.settings import LibrarySettings
from indexer.vectors.keys import Ids, evenly
from indexer.vectors.scoring import LEVEL_SAMPLE, SPREAD_SAMPLE

_PIECE = 60_000  # letters of a text in one row
_SOURCE, _GENERAL = "source ", "general"


@dataclass(frozen=True, slots=True)
class Source:
    """A library or store that a collection was filled from, and the facts of its rows.

    `level` and `spread` are ids of pictures for the samples of scores. `complete`: all of it was
    loaded once.
    """

    name: str
    path: str
    thumbnails: str = ""
    pictures: int = 0
    captions: int = 0
    tokens: int = 0
    shows_text: bool = False
    complete: bool = False
    sums: Mapping[str, Any] = field(default_factory=dict)
    level: tuple[int, ...] = ()
    spread: tuple[int, ...] = ()

    @property
    def row_sums(self) -> RowSums:
        """The sums of its rows."""
        return RowSums(
            _numbers(self.sums["captioned"]),
            _numbers(self.sums["plain"]),
            int(self.sums["with_caption"]),
            int(self.sums["without_caption"]),
        )

    def with_rows(self, sums: RowSums, level: Ids, spread: Ids) -> Source:
        """The same source, complete, with the facts of its rows."""
        return replace(
            self,
            complete=True,
            pictures=sums.with_caption + sums.without_caption,
            sums={
                "captioned": b64encode(sums.captioned.astype("<f8").tobytes()).decode(),
                "plain": b64encode(sums.plain.astype("<f8").tobytes()).decode(),
                "with_caption": sums.with_caption,
                "without_caption": sums.without_caption,
            },
            level=tuple(level.tolist()),
            spread=tuple(spread.tolist()),
        )


@dataclass(frozen=True, slots=True)
class About:
    """All facts about a collection: the settings of its libraries, and its sources by name.

    `half`: rows are float16. `index` describes the index of vectors, `recall` what it reaches.
    """

    settings: Mapping[str, str]
    half: bool
    index: Mapping[str, Any]
    sources: Mapping[str, Source] = field(default_factory=dict)
    recall: float | None = None

    @property
    def library(self) -> LibrarySettings:
        """The encoder and the fusion of all rows."""
        return LibrarySettings.from_json(self.settings[SETTINGS])

    @property
    def sums(self) -> RowSums:
        """The sums of all rows."""
        return reduce(add, (source.row_sums for source in self.sources.values()))

    @property
    def level(self) -> Ids:
        """Ids (n,) of pictures on which the level of scores is measured."""
        return _of_all((source.level for source in self.sources.values()), LEVEL_SAMPLE)

    @property
    def spread(self) -> Ids:
        """Ids (n,) of captioned pictures on which the spread of scores is measured."""
        return _of_all((source.spread for source in self.sources.values()), SPREAD_SAMPLE)

    @property
    def shows_text(self) -> bool:
        """Whether text was read in any picture."""
        return any(source.shows_text for source in self.sources.values())

    @property
    def tokens(self) -> int:
        """The number of tokens of all pictures."""
        return sum(source.tokens for source in self.sources.values())

    @property
    def pictures(self) -> int:
        """The number of pictures."""
        return sum(source.pictures for source in self.sources.values())


def _of_all(parts: Iterable[Sequence[int]], most: int) -> Ids:
    return evenly(np.array([key for part in parts for key in part], np.int64), most)


def _numbers(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.frombuffer(b64decode(text), "<f8").astype(np.float64)


def beside(name: str) -> str:
    """The name of the collection that describes another one."""
    return f"{name}_about"


def create_beside(connection: Connection) -> None:
    """Make the collection that describes one."""
    client, types = connection.client, connection.types
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", types.VARCHAR, is_primary=True, max_length=512)
    schema.add_field("value", types.VARCHAR, max_length=65_535)
    schema.add_field("row", types.FLOAT_VECTOR, dim=2)  # every collection has vectors
    params = client.prepare_index_params()
    params.add_index(field_name="row", index_type="FLAT", metric_type="IP", params={})
    name = beside(connection.address.name)
    with connection.told():
        client.create_collection(name, schema=schema, index_params=params)
        client.load_collection(name)


def put(connection: Connection, about: About) -> None:
    """Keep the facts about a collection."""
    general = {
        "format": FORMAT,
        "settings": dict(about.settings),
        "half": about.half,
        "index": dict(about.index),
        "recall": about.recall,
    }
    texts = {_GENERAL: json.dumps(general)}
    texts |= {f"{_SOURCE}{name}": json.dumps(asdict(s)) for name, s in about.sources.items()}
    rows = [
        {"key": f"{key}\t{number:06d}\t{count}", "value": piece, "row": [1.0, 0.0]}
        for key, text in texts.items()
        for pieces in [_pieces(text)]
        for count in [len(pieces)]
        for number, piece in enumerate(pieces)
    ]
    name = beside(connection.address.name)
    connection.upsert(rows, name=name)
    with connection.told():  # a text that was longer before has pieces left over
        keys = {str(row["key"]) for row in rows}
        old = [row["key"] for row in connection.query("key >= ''", ["key"], name=name)]
        if gone := [key for key in old if key not in keys]:
            connection.client.delete(name, ids=gone)
        connection.client.flush(name)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)] or [""]


def about_of(connection: Connection) -> About:
    """The facts about a collection.

    Raises `LibraryNotFound` if there is none, and other `LibraryError`s for one that picfuse has
    not made, or a newer one.
    """
    address = connection.address
    if not connection.has(address.name):
        raise LibraryNotFound(
            f"{address.text}: no such collection; fill one with 'picfuse publish {address.text}'"
        )
    if not connection.has(beside(address.name)):
        raise LibraryError(
            f"{address.text}: not a collection of picfuse ({beside(address.name)!r} is missing); "
            "name another one"
        )
    for name in (address.name, beside(address.name)):
        connection.load(name)
    texts = _texts(connection)
    try:
        general = json.loads(texts[_GENERAL])
        if general["format"] != FORMAT:
            raise LibraryError(
                f"{address.text}: made by a newer picfuse (format {general['format']}, this one "
                f"knows {FORMAT}); update picfuse: pip install -U picfuse"
            )
        sources = [json.loads(text) for key, text in texts.items() if key.startswith(_SOURCE)]
        return About(
            general["settings"],
            general["half"],
            general["index"],
            {
                s["name"]: Source(**{**s, "level": tuple(s["level"]), "spread": tuple(s["spread"])})
                for s in sources
            },
            general["recall"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LibraryDamaged(
            f"{address.text}: what describes it is damaged; publish the library again"
        ) from error


def _texts(connection: Connection) -> dict[str, str]:
    rows = connection.query("key >= ''", ["key", "value"], name=beside(connection.address.name))
    pieces: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: str(row["key"])):
        pieces.setdefault(str(row["key"]).partition("\t")[0], []).append(str(row["value"]))
    return {key: "".join(parts) for key, parts in pieces.items()}
