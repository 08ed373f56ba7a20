"""Sources of a collection: a local library, or a store of shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.values import CALIBRATION, KEPT_FUSION, PRESENT, SETTINGS
from indexer.embedding import unit_rows
from indexer.fusion import open_fusion
from indexer.library.library import Library
from indexer.milvus.about import Source
from indexer.milvus.loading import LIBRARY, Load
from indexer.milvus.picture import COLUMNS, StoredPicture
from indexer.settings import DEFAULT_FUSION, LibrarySettings
from indexer.shards.reading import records_by_id
from indexer.shards.record import PictureRecord
from indexer.shards.store import Store
from indexer.vectors.keys import Ids, evenly, picture_ids
from indexer.vectors.scoring import LEVEL_SAMPLE, SPREAD_SAMPLE

_TOGETHER, _PROBED = 500, 50  # pictures
_ID_BITS = 53  # JSON's numbers are exact up to them


def load_of_library(library: Library) -> Load:
    """All present pictures of a library that are embedded, under the library's own ids."""
    index = library.vectors()
    keys = index.all_keys
    level, spread = evenly(keys, LEVEL_SAMPLE), evenly(keys[keys >= 0], SPREAD_SAMPLE)
    catalogue = library.catalogue
    names = (SETTINGS, CALIBRATION, f"{KEPT_FUSION}{library.settings.fusion_key}")
    stored = {name: catalogue.setting(name) for name in names}
    ids: list[int] = np.sort(index.picture_ids).tolist()
    return Load(
        Source(LIBRARY, str(library.path), str(library.thumbnails)),
        {name: value for name, value in stored.items() if value is not None},
        library.fusion,
        len(ids),
        _of_library(library, ids),
        (_present(level), spread),
        _probe(library, ids),
    )


def _probe(library: Library, ids: Sequence[int]) -> dict[int, str]:
    """The contents of some pictures."""
    some = evenly(np.array(ids, np.int64), _PROBED).tolist()
    return {
        key: (content or b"").hex()
        for key, (content, _) in library.catalogue.hashes_of(some).items()
    }


def _of_library(library: Library, ids: Sequence[int]) -> Iterator[list[StoredPicture]]:
    for part in chunks(ids, _TOGETHER):
        records = records_by_id(library.catalogue, library, library.encoder_id, part)
        yield [stored_picture(key, record) for key, record in records.items() if _is_there(record)]


def load_of_store(store: Store) -> Load:
    """All pictures of a finished store that were embedded.

    An id is the beginning of the hash of the picture's path, so that it is the same every time.
    Raises `LibraryError`s for damaged shards before anything is loaded.
    """
    shards, encoder = store.shards(), store.encoder
    fusion = open_fusion(DEFAULT_FUSION)
    settings = LibrarySettings(encoder.name, encoder.fingerprint, encoder.dim)
    settings = settings.with_fusion(fusion.name, fusion.fingerprint)

    def batches() -> Iterator[list[StoredPicture]]:
        for shard in shards:
            for records in store.records(shard):
                there = [record for record in records if _is_there(record)]
                for part in chunks(there, _TOGETHER):
                    yield [stored_picture(id_of(record), record) for record in part]

    return Load(
        Source(store.place, store.place),
        {SETTINGS: settings.to_json()},
        fusion,
        sum(shard.pictures - shard.failed for shard in shards),
        batches(),
    )


def id_of(record: PictureRecord) -> int:
    """The id of a picture of a store."""
    hashed = hashlib.blake2b(record.folder + b"/" + record.relative, digest_size=8).digest()
    return int.from_bytes(hashed, "big") >> (64 - _ID_BITS)


def stored_picture(key: int, record: PictureRecord) -> StoredPicture:
    """A record as a collection keeps it; the embedding of its captions is their mean."""
    assert record.v_i is not None
    rows = {caption.text: caption.v_t for caption in record.captions}
    texts = [row.astype(np.float32) for row in rows.values() if row is not None]
    v_i = unit_rows(record.v_i.astype(np.float32)[None])[0]
    reading = record.reading
    return StoredPicture(
        key,
        record.folder,
        record.relative,
        {name: getattr(record, name) for name in COLUMNS},
        tuple((each.text, each.source, each.embedded) for each in record.captions),
        tuple((n, f.field, f.value, f.source, f.origin) for n, f in enumerate(record.facts)),
        None if reading is None or not reading.text else (reading.text, reading.models),
        v_i,
        unit_rows(np.sum(texts, axis=0)[None])[0] if texts else np.zeros_like(v_i),
        bool(texts),
    )


def _is_there(record: PictureRecord) -> bool:
    return record.state == PRESENT and record.v_i is not None


def _present(keys: Ids) -> Ids:
    return picture_ids(keys[keys > -(2**62)])
