"""Filling a collection: from a local library, or from any pictures in batches."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from indexer.catalogue.values import SETTINGS
from indexer.errors import InputError
from indexer.fusion import Fusion, RowSums
from indexer.milvus import about as abouts
from indexer.milvus.about import About, Source
from indexer.milvus.connection import Connection
from indexer.milvus.indexes import index_of, measured_recall
from indexer.milvus.memory import MemoryCatalogue
from indexer.milvus.picture import StoredPicture
from indexer.milvus.schema import create, digest_of, entity
from indexer.progress import Progress
from indexer.settings import LibrarySettings
from indexer.vectors.keys import Ids, evenly
from indexer.vectors.scoring import LEVEL_SAMPLE, SPREAD_SAMPLE

LIBRARY = "library"  # the name of the source that is a local library


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Numbers of pictures that a load has changed, and the index with its recall@10."""

    collection: str
    pictures: int
    added: int
    changed: int
    unchanged: int
    removed: int
    index: str
    recall: float


@dataclass(frozen=True, slots=True)
class Load:
    """Pictures to be loaded: their source, the settings of their library, their fusion.

    `samples`: ids of pictures for the level and the spread of scores; None: spread evenly.
    `probe`: contents of some pictures by id, if ids are those of a library.
    """

    source: Source
    settings: Mapping[str, str]
    fusion: Fusion
    total: int
    batches: Iterable[Sequence[StoredPicture]]
    samples: tuple[Ids, Ids] | None = None
    probe: Mapping[int, str] | None = None

    @property
    def library(self) -> LibrarySettings:
        """The encoder and the fusion of the pictures."""
        return LibrarySettings.from_json(self.settings[SETTINGS])


def load(
    connection: Connection, wanted: Load, *, index: str = "auto"
) -> Generator[Progress, None, LoadReport]:
    """Fill a collection; yields progress, and returns a report.

    Pictures that the collection has already are not sent again, so that a load that was cut off
    goes on where it ended; those that its source has no longer are removed. Raises `InputError`
    for another model or library, and `LibraryError`.
    """
    about = _begun(connection, wanted, index)
    state = _Loading(connection, wanted, about)
    done = 0
    for batch in wanted.batches:
        state.send(batch)
        done += len(batch)
        yield Progress(done, wanted.total, "loading")
    removed = state.remove_others()
    about = state.finished()
    recall = measured_recall(connection, about.index)
    about = replace(about, recall=recall)
    abouts.put(connection, about)
    name = str(about.index["index_type"]).lower()
    return LoadReport(
        connection.address.text, about.pictures, state.added, state.changed, state.unchanged,
        removed, name, recall,
    )  # fmt: skip


def _begun(connection: Connection, wanted: Load, index: str) -> About:
    """The facts about the collection, which is made if it is not there."""
    name = connection.address.name
    if not connection.has(name):
        dim = wanted.library.dim
        made = index_of(index, wanted.total, lite=connection.is_lite)
        half = create(connection, dim, name=name, index=made)
        abouts.create_beside(connection)
        about = About(wanted.settings, half, made)
    else:
        about = abouts.about_of(connection)
        _check(connection, about, wanted)
        if index != "auto" and about.index["index_type"].lower() != index:
            raise InputError(
                f"{connection.address.text}: has the index {about.index['index_type'].lower()!r}; "
                "leave out --index, or fill another collection"
            )
    before = about.sources.get(wanted.source.name)
    source = wanted.source if before is None else replace(before, complete=before.complete)
    about = replace(
        about,
        settings={**about.settings, **wanted.settings},
        sources={**about.sources, source.name: source},
    )
    abouts.put(connection, about)
    return about


def _check(connection: Connection, about: About, wanted: Load) -> None:
    """Raise an error for pictures of another model, or of another library."""
    there, text = about.library, connection.address.text
    ours = wanted.library
    if (there.fingerprint, there.fusion_key) != (ours.fingerprint, ours.fusion_key):
        raise InputError(
            f"{text}: made with {there.encoder!r} ({there.dim}) and {there.fusion!r}, not "
            f"{ours.encoder!r} ({ours.dim}) and {ours.fusion!r}; fill another collection, or run "
            f"'picfuse index --model {there.encoder} --fusion {there.fusion}' on the library"
        )
    if wanted.probe is None:
        others = [source for source in about.sources.values() if source.name == LIBRARY]
    else:
        others = [source for source in about.sources.values() if source.path != wanted.source.path]
    if others and not (wanted.probe and _is_same(connection, wanted.probe)):
        raise InputError(
            f"{text}: holds the pictures of {others[0].path}, whose ids would be mixed up with "
            f"those of {wanted.source.path}; fill another collection, or make one library of both "
            "with 'picfuse merge'"
        )


def _is_same(connection: Connection, probe: Mapping[int, str]) -> bool:
    """Whether a collection was filled from a library with these contents, maybe elsewhere."""
    rows = connection.query(f"id in {list(probe)}", ["id", "content"])
    equal = sum(probe[int(row["id"])] == row["content"] for row in rows)
    return bool(2 * equal > len(probe))


class Rows:
    """Makes the rows of pictures in a collection; `tokens` counts their tokens."""

    def __init__(self, settings: Mapping[str, str], source: str, *, half: bool) -> None:
        self._template = MemoryCatalogue.of(settings)
        self._source, self._half = source, half
        self.tokens = 0

    def of(self, batch: Sequence[StoredPicture]) -> Iterator[dict[str, Any]]:
        """The rows of a batch, each with its digest."""
        catalogue = self._template.copy()
        catalogue.add(batch)
        catalogue.index_words()
        words = catalogue.words()
        catalogue.close()
        self.tokens += sum(map(len, words.values()))
        for picture in batch:
            tokens = words.get(picture.id, [])
            row = entity(picture, tokens, source=self._source, half=self._half)
            yield {**row, "digest": digest_of(row)}


class _Loading:
    """A load under way: what was sent, and the sums of the rows."""

    def __init__(self, connection: Connection, wanted: Load, about: About) -> None:
        self._connection, self._wanted, self._about = connection, wanted, about
        self._rows = Rows(wanted.settings, wanted.source.name, half=about.half)
        self._captions = 0
        self._shows_text = False
        self.added = self.changed = self.unchanged = 0
        self._ids: list[Ids] = []
        self._captioned: list[Ids] = []
        width = wanted.fusion.width(wanted.library.dim)
        self._sums = RowSums.of(np.zeros((0, width)), np.zeros(0, np.bool_))

    def send(self, batch: Sequence[StoredPicture]) -> None:
        """Send the pictures of a batch that are new or have changed."""
        if not batch:
            return
        there = self._connection.digests([picture.id for picture in batch])
        new = []
        for row in self._rows.of(batch):
            before = there.get(row["id"])
            self.unchanged += before == row["digest"]
            if before != row["digest"]:
                new.append(row)
                self.added += before is None
                self.changed += before is not None
        for start in range(0, len(new), 250):  # messages of gRPC have a limit
            self._connection.upsert(new[start : start + 250])
        self._note(batch)

    def _note(self, batch: Sequence[StoredPicture]) -> None:
        has = np.array([picture.has_caption for picture in batch], np.bool_)
        v_i = np.stack([picture.v_i for picture in batch])
        v_t = np.stack([picture.v_t for picture in batch])
        rows = self._wanted.fusion.pictures(v_i, v_t, has).astype(np.float16)
        self._sums += RowSums.of(rows, has)
        self._captions += sum(len(picture.captions) for picture in batch)
        self._shows_text |= any(picture.text is not None for picture in batch)
        ids = np.array([picture.id for picture in batch], np.int64)
        self._ids.append(ids)
        self._captioned.append(ids[has])

    @property
    def _all(self) -> Ids:
        return np.concatenate([np.zeros(0, np.int64), *self._ids])

    def remove_others(self) -> int:
        """Remove the pictures that the source has no longer; returns their number."""
        condition = f'source == "{quoted(self._wanted.source.name)}"'
        there = np.array(list(self._connection.ids(condition)), np.int64)
        gone = np.setdiff1d(there, self._all).tolist()
        for start in range(0, len(gone), 1000):
            self._connection.delete(gone[start : start + 1000])
        return len(gone)

    def finished(self) -> About:
        """The facts about the collection with those of this source."""
        self._connection.flush()
        ids, captioned = self._all, np.concatenate([np.zeros(0, np.int64), *self._captioned])
        level, spread = self._wanted.samples or (
            evenly(ids, LEVEL_SAMPLE),
            evenly(captioned, SPREAD_SAMPLE),
        )
        source = replace(
            self._wanted.source,
            captions=self._captions,
            tokens=self._rows.tokens,
            shows_text=self._shows_text,
        ).with_rows(self._sums, level, spread)
        return replace(self._about, sources={**self._about.sources, source.name: source})


def quoted(text: str) -> str:
    """A text as it stands between double quotes in a condition of Milvus."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
