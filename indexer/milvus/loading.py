"""Filling a collection: from a local library, or from any pictures in batches."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from indexer.catalogue.values import CALIBRATION, KEPT_FUSION, SETTINGS
from indexer.errors import InputError, LibraryError
from indexer.fusion import Fusion, RowSums
from indexer.library.library import Library
from indexer.milvus import about as abouts
from indexer.milvus.about import About, Source
from indexer.milvus.connection import Connection
from indexer.milvus.indexes import index_of, measured_recall
from indexer.milvus.library_pictures import pictures_of
from indexer.milvus.memory import MemoryCatalogue
from indexer.milvus.picture import StoredPicture
from indexer.milvus.schema import create, digest_of, entity
from indexer.progress import Progress
from indexer.settings import LibrarySettings
from indexer.vectors.keys import Ids, picture_ids
from indexer.vectors.scoring import LEVEL_SAMPLE, SPREAD_SAMPLE, CentredIndex


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
    """

    source: Source
    settings: Mapping[str, str]
    fusion: Fusion
    total: int
    batches: Iterable[Sequence[StoredPicture]]
    samples: tuple[Ids, Ids] | None = None

    @property
    def library(self) -> LibrarySettings:
        """The encoder and the fusion of the pictures."""
        return LibrarySettings.from_json(self.settings[SETTINGS])


def load_of_library(library: Library) -> Load:
    """All present pictures of a library that are embedded."""
    rows = CentredIndex.in_index(library.vectors(), library.encoder.means)
    index = rows.index
    captioned = np.flatnonzero(index.all_keys >= 0)
    spread = captioned[_evenly(len(captioned), SPREAD_SAMPLE)]
    level = _evenly(index.size, LEVEL_SAMPLE)
    samples = tuple(_present(index.keys_at(places)) for places in (level, spread))
    catalogue = library.catalogue
    kept = f"{KEPT_FUSION}{library.settings.fusion_key}"
    stored = {name: catalogue.setting(name) for name in (SETTINGS, CALIBRATION, kept)}
    source = Source(
        "library",
        str(library.path),
        str(library.thumbnails),
        captions=catalogue.counts()["captions"],
        shows_text=library.words.shows_text(),
    )
    ids: list[int] = index.picture_ids.tolist()
    settings = {name: value for name, value in stored.items() if value is not None}
    batches = pictures_of(library, ids)
    return Load(source, settings, library.fusion, len(ids), batches, (samples[0], samples[1]))


def _evenly(number: int, most: int) -> Ids:
    return np.linspace(0, number - 1, min(most, number)).astype(np.int64)


def _present(keys: Ids) -> Ids:
    return picture_ids(keys[keys > -(2**62)])


def load(
    connection: Connection, wanted: Load, *, index: str = "auto"
) -> Generator[Progress, None, LoadReport]:
    """Fill a collection; yields progress, and returns a report.

    Pictures that the collection has already are not sent again, so that a load that was cut off
    goes on where it ended; those that its source has no longer are removed. Raises `InputError`
    for another model, and `LibraryError`.
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
    others = [source.path for name, source in about.sources.items() if name != wanted.source.name]
    if others and wanted.samples is not None:
        raise LibraryError(
            f"{text}: holds the pictures of {others[0]}, whose numbers would be mixed up with "
            "those of another library; make one of both with 'picfuse merge', or fill another "
            "collection"
        )


class _Loading:
    """A load under way: what was sent, and the sums of the rows."""

    def __init__(self, connection: Connection, wanted: Load, about: About) -> None:
        self._connection, self._wanted, self._about = connection, wanted, about
        self._template = MemoryCatalogue.of(wanted.settings)
        self._tokens = 0
        self.added = self.changed = self.unchanged = 0
        self._ids: list[Ids] = []
        self._captioned: list[Ids] = []
        width = wanted.fusion.width(wanted.library.dim)
        self._sums = RowSums.of(np.zeros((0, width)), np.zeros(0, np.bool_))

    def send(self, batch: Sequence[StoredPicture]) -> None:
        """Send the pictures of a batch that are new or have changed."""
        if not batch:
            return
        keys = [picture.id for picture in batch]
        there = {
            int(row["id"]): str(row["digest"])
            for row in self._connection.query(f"id in {keys}", ["id", "digest"])
        }
        new = []
        for row in self._entities(batch):
            row["digest"] = digest_of(row)
            before = there.get(row["id"])
            self.unchanged += before == row["digest"]
            if before != row["digest"]:
                new.append(row)
                self.added += before is None
                self.changed += before is not None
        for start in range(0, len(new), 250):  # messages of gRPC have a limit
            self._connection.upsert(new[start : start + 250])
        self._note(batch)

    def _entities(self, batch: Sequence[StoredPicture]) -> Iterator[dict[str, Any]]:
        catalogue = self._template.copy()
        catalogue.add(batch)
        words = catalogue.words()
        catalogue.close()
        source, half = self._wanted.source.name, self._about.half
        self._tokens += sum(map(len, words.values()))
        for picture in batch:
            yield entity(picture, words.get(picture.id, []), source=source, half=half)

    def _note(self, batch: Sequence[StoredPicture]) -> None:
        has = np.array([picture.has_caption for picture in batch], np.bool_)
        v_i = np.stack([picture.v_i for picture in batch])
        v_t = np.stack([picture.v_t for picture in batch])
        rows = self._wanted.fusion.pictures(v_i, v_t, has).astype(np.float16)
        self._sums += RowSums.of(rows, has)
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
            ids[_evenly(len(ids), LEVEL_SAMPLE)],
            captioned[_evenly(len(captioned), SPREAD_SAMPLE)],
        )
        source = self._wanted.source.with_rows(self._sums, self._tokens, level, spread)
        return replace(self._about, sources={**self._about.sources, source.name: source})


def quoted(text: str) -> str:
    """A text as it stands between double quotes in a condition of Milvus."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
