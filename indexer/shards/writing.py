"""Records into a library, without encoding anything."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.captions import Caption
from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import BESIDE, CARRIED, DERIVED, NEVER, PRESENT, text_hash
from indexer.embedding import IMAGE, TEXT
from indexer.library.library import Library
from indexer.metadata.fact import Fact
from indexer.pipeline.tagging import tag_pictures
from indexer.recognition.picture_text import PictureText
from indexer.shards.reading import records_by_id
from indexer.shards.record import PictureRecord, Row

_ORIGINS = {CARRIED: 0, BESIDE: 1, DERIVED: 2}
_Key: TypeAlias = tuple[int, bytes]  # the folder's id in the library, and the path below it


class Added(NamedTuple):
    """Numbers of pictures that are new in the library, changed, and as they were."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def and_then(self, more: Added) -> Added:
        """The sums of these numbers and others."""
        return Added(*map(sum, zip(self, more, strict=True)))


class Home(NamedTuple):
    """A folder's place in a library: the indexed folder, and the path below it with a slash."""

    folder_id: int
    path: bytes
    prefix: bytes


def add_records(
    library: Library, records: Sequence[PictureRecord], settled: set[int] | None = None
) -> Added:
    """Store pictures in one transaction; nothing is encoded. The caller holds the writer's lock.

    Of a picture that the library has under the same path, the record with the later time of change
    stays. At the same time the given one does, except for pictures in `settled`: ids of those that
    were stored or confirmed earlier in this run; those of these records are added to it. Raises
    `LibraryDamaged` for embeddings of another width.
    """
    if not records:
        return Added()
    settled = set() if settled is None else settled
    encoder_id = library.encoder_id
    fillers = {filler.casefold() for filler in library.settings.fillers}
    with library.writing() as batch:
        homes = place_folders(batch, library, {record.folder for record in records})
        mine = _newest(_at_home(each, homes[each.folder], fillers) for each in records)
        known = _known(library, batch, encoder_id, mine)
        new = {key: record for key, record in mine.items() if key not in known}
        changed = {
            mine_key: mine[mine_key]
            for mine_key, (key, record) in known.items()
            if _replaces(mine[mine_key], record, is_settled=key in settled)
        }
        ids = _put(library, batch, encoder_id, new | changed)
        settled.update(ids, (key for key, _ in known.values()))
    return Added(len(new), len(changed), len(records) - len(new) - len(changed))


def place_folders(batch: Batch, library: Library, folders: Iterable[bytes]) -> dict[bytes, Home]:
    """Find or make the indexed folder of each path; a new one absorbs those inside it."""
    paths = {folder: Path(os.fsdecode(folder)) for folder in folders}
    known = {folder.path: folder.id for folder in library.catalogue.folders()}
    for path in sorted(paths.values()):
        if known.keys().isdisjoint((path, *path.parents)):
            known[path] = batch.folders.put(path)
            for inner in [each for each in known if path in each.parents]:
                prefix = os.fsencode(inner.relative_to(path))
                batch.folders.absorb(known.pop(inner), known[path], prefix)
    return {folder: _home(path, known) for folder, path in paths.items()}


def _home(path: Path, known: Mapping[Path, int]) -> Home:
    owner = next(each for each in (path, *path.parents) if each in known)
    below = b"" if owner == path else os.fsencode(path.relative_to(owner)) + b"/"
    return Home(known[owner], os.fsencode(owner), below)


def _at_home(
    record: PictureRecord, home: Home, fillers: Collection[str]
) -> tuple[_Key, PictureRecord]:
    """A record as this library would have it, and its key there."""
    captions = [each for each in record.captions if each.text.casefold() not in fillers]
    record = replace(
        record,
        folder=home.path,
        relative=home.prefix + record.relative,
        captions=tuple(sorted(captions, key=attrgetter("embedded"))),
        facts=tuple(sorted(record.facts, key=lambda fact: _ORIGINS[fact.origin])),
    )
    if record.state == PRESENT and any(row is None for row in _vectors_of(record)):
        record = replace(record, mtime_ns=NEVER)  # the next run of indexing encodes what is missing
    return (home.folder_id, record.relative), record


def _vectors_of(record: PictureRecord) -> list[Row | None]:
    return [record.v_i, *(caption.v_t for caption in record.captions)]


def _newest(records: Iterable[tuple[_Key, PictureRecord]]) -> dict[_Key, PictureRecord]:
    """The records by key; of several of one picture the newest, and the first of equal ones."""
    found: dict[_Key, PictureRecord] = {}
    for key, record in records:
        if key not in found or record.rank > found[key].rank:
            found[key] = record
    return found


def _known(
    library: Library, batch: Batch, encoder_id: int, keys: Iterable[_Key]
) -> dict[_Key, tuple[int, PictureRecord]]:
    """Those pictures that the library has already, with their ids."""
    tables = Tables(batch.reading, library.path)
    query = "SELECT id, relative FROM pictures WHERE folder_id = ? AND relative IN (:keys)"
    ids: dict[int, _Key] = {}
    for folder_id, own in groupby(sorted(keys), key=itemgetter(0)):
        rows = tables.rows_in(query, [relative for _, relative in own], folder_id)
        ids |= {key: (folder_id, relative) for key, relative in rows}
    found = records_by_id(tables, library, encoder_id, list(ids))
    return {ids[key]: (key, record) for key, record in found.items()}


def _replaces(new: PictureRecord, known: PictureRecord, *, is_settled: bool) -> bool:
    """Whether a record takes the place of one that the library has."""
    if new.rank != known.rank:
        return new.rank > known.rank
    if is_settled:
        return False
    vectors = zip(_vectors_of(known), _vectors_of(new), strict=False)
    return new != known or any(has is None and row is not None for has, row in vectors)


def _put(
    library: Library, batch: Batch, encoder_id: int, records: Mapping[_Key, PictureRecord]
) -> list[int]:
    """Write pictures with all that belongs to them; returns their ids."""
    _put_embeddings(batch, encoder_id, records.values())
    _put_readings(batch, Tables(batch.reading, library.path), records.values())
    by_id: dict[int, PictureRecord] = {}
    for folder_id, keys in groupby(sorted(records), key=itemgetter(0)):
        own = [records[key] for key in keys]
        ids = batch.pictures.put_rows(folder_id, [record.columns for record in own])
        by_id |= dict(zip(ids, own, strict=True))
    batch.pictures.put_facts({key: _facts_of(record) for key, record in by_id.items()})
    for embedded in (False, True):
        captions = {key: _captions_of(record, embedded) for key, record in by_id.items()}
        batch.pictures.put_captions(captions, embedded=embedded)
    readable = [key for key, record in by_id.items() if record.reason is None]
    unreadable = [key for key, record in by_id.items() if record.reason is not None]
    tag_pictures(library, batch, readable, unreadable)
    return list(by_id)


def _facts_of(record: PictureRecord) -> dict[str, list[Fact]]:
    facts: dict[str, list[Fact]] = {}
    for each in record.facts:
        facts.setdefault(each.origin, []).append(Fact(each.field, each.value, each.source))
    return facts


def _captions_of(record: PictureRecord, embedded: bool) -> list[Caption]:
    return [
        Caption(each.text, each.source) for each in record.captions if each.embedded is embedded
    ]


def _put_embeddings(batch: Batch, encoder_id: int, records: Iterable[PictureRecord]) -> None:
    records = list(records)
    images = {r.content_hash: r.v_i for r in records if r.content_hash and r.v_i is not None}
    texts = {
        text_hash(each.text): each.v_t
        for record in records
        for each in record.captions
        if each.v_t is not None
    }
    if images:
        batch.embeddings.put(encoder_id, IMAGE, list(images), _stacked(images.values()))
    if texts:
        batch.embeddings.put(encoder_id, TEXT, list(texts), _stacked(texts.values()))


def _stacked(rows: Iterable[Row]) -> NDArray[np.float32]:
    return np.stack([row.astype(np.float32) for row in rows])


def _put_readings(batch: Batch, tables: Tables, records: Iterable[PictureRecord]) -> None:
    """Store what was read in pictures; a text that the library has already stays."""
    read = {r.content_hash: r.reading for r in records if r.content_hash and r.reading}
    query = "SELECT content_hash FROM readings WHERE reason IS NULL AND content_hash IN (:keys)"
    for (content,) in tables.rows_in(query, list(read)):
        del read[content]
    by_models: dict[str, list[PictureText]] = {}
    for content, each in read.items():
        text = PictureText(content, content, each.text, each.reason)
        by_models.setdefault(each.models, []).append(text)
    for models, texts in by_models.items():
        batch.readings.put(texts, models)
