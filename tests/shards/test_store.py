"""Records, shards and stores: everything comes back, and damage is named."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import (
    EncoderMismatch,
    InputError,
    LibraryDamaged,
    LibraryError,
    LibraryNotFound,
)
from indexer.shards import places
from indexer.shards.manifest import StoreEncoder
from indexer.shards.places import storage_errors
from indexer.shards.record import CaptionRecord, FactRecord, PictureRecord, ReadingRecord
from indexer.shards.schema import records_of, to_table
from indexer.shards.store import Store

DIM = 5
ENCODER = StoreEncoder("colour", "a" * 32, DIM, "squash")


def record(name="a.png", **values):
    row = np.eye(DIM, dtype=np.float16)[1]
    known = {"folder": b"/pictures", "relative": name.encode(), "size": 7, "mtime_ns": 5}
    return PictureRecord(**known | {"state": "present", "content_hash": b"h", "v_i": row} | values)


def vectors(records):
    return [
        None if row is None else row.tolist()
        for each in records
        for row in (each.v_i, *(caption.v_t for caption in each.captions))
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ROWS = st.none() | st.lists(st.floats(-1, 1, width=16), min_size=DIM, max_size=DIM).map(
    lambda row: np.array(row, np.float16)
)
RECORDS = st.builds(
    record,
    relative=st.binary(min_size=1).filter(lambda p: not set(p) & {0, ord("/"), ord(".")}),
    width=st.none() | st.integers(0, 2**31 - 1),
    latitude=st.none() | st.floats(-90, 90),
    captions=st.lists(st.builds(CaptionRecord, TEXT, TEXT, st.booleans(), ROWS)).map(tuple),
    facts=st.lists(st.builds(FactRecord, TEXT, TEXT, TEXT, TEXT)).map(tuple),
    reading=st.none() | st.builds(ReadingRecord, TEXT, TEXT, st.none() | TEXT),
    v_i=ROWS,
)


@settings(max_examples=25)
@given(st.lists(RECORDS, max_size=3))
def test_records_come_back_from_a_table_as_they_were(records):
    back = records_of(to_table(records, DIM))
    assert back == records
    assert vectors(back) == vectors(records)


def test_an_embedding_of_another_width_is_refused():
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        to_table([record(v_i=np.zeros(3, np.float16))], DIM)


@pytest.fixture
def store(tmp_path):
    return Store.create(str(tmp_path / "store"), ENCODER)


def test_store_gives_back_its_shards_and_counts_failures(store):
    lost = record("b.png", state="failed", reason="cut short", v_i=None)
    store.write_shard("one", [record(), lost])
    store.write_shard("two", [record("c.png")])
    store.finish()
    opened = Store.open(store.place)
    assert [each.name for each in opened.shards()] == ["one", "two"]
    assert (opened.manifest.pictures, opened.manifest.failed) == (3, 1)
    assert opened.encoder == ENCODER
    assert next(opened.records("one")) == [record(), lost]


def test_same_shard_again_replaces_it(store):
    store.write_shard("one", [record()])
    store.write_shard("one", [record(), record("b.png")])
    assert [each.pictures for each in store.shards()] == [2]


def test_a_store_takes_a_uri(tmp_path):
    store = Store.create(f"file://{tmp_path}/by%20uri", ENCODER)
    store.write_shard("one", [record()])
    store.finish()
    assert Store.open(str(tmp_path / "by uri")).manifest.pictures == 1


def test_a_store_that_is_not_finished_is_refused_and_goes_on(store):
    store.write_shard("one", [record()])
    with pytest.raises(LibraryError, match=r"only partly written \(shards so far: 1\)"):
        Store.open(store.place)
    again = Store.create(store.place, ENCODER)
    assert again.complete() == {"one"}
    again.write_shard("two", [record()])
    assert len(again.finish().shards) == 2


def test_going_on_with_a_finished_store_makes_it_unfinished(store):
    store.finish()
    Store.create(store.place, ENCODER)
    with pytest.raises(LibraryError, match="only partly written"):
        Store.open(store.place)


def test_no_store_another_encoder_and_a_later_format_are_named(store, tmp_path):
    with pytest.raises(LibraryNotFound, match="no store of embeddings here"):
        Store.open(str(tmp_path))
    with pytest.raises(EncoderMismatch, match=r"made with 'colour' \(aaaaaaaa\)"):
        Store.create(store.place, replace(ENCODER, fingerprint="b" * 32))
    manifest = tmp_path / "store" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(LibraryError, match="made by a newer picfuse"):
        Store.open(store.place)
    manifest.write_text("{")
    with pytest.raises(LibraryDamaged, match=r"manifest\.json cannot be read"):
        Store.open(store.place)


@pytest.mark.parametrize(
    "place", ["nonsense://x/y", "ftp://x/y", "s3://[x/y", "fsspec+nonsense://x/y"]
)
def test_a_place_that_is_none_is_named(place):
    with pytest.raises(InputError, match=re.escape(place)):
        Store.open(place)


def test_a_google_storage_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(places, "RETRIES", 1)
    with pytest.raises(LibraryError, match="cannot be used"):
        Store.open("gs://anonymous@b/store?endpoint_override=127.0.0.1:9&scheme=http")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("AWS Error ACCESS_DENIED during HeadObject operation", OSError),
        ("HTTP 403: Forbidden", OSError),
        ("Permission denied", PermissionError),
    ],
)
def test_a_bucket_without_permission_is_named(said, error):
    with (
        pytest.raises(LibraryError, match="s3://b/store: no permission; check the credentials"),
        storage_errors("s3://b/store"),
    ):
        raise error(said)


@settings(max_examples=40)
@given(st.data())
def test_a_damaged_shard_is_refused_or_reads_as_it_was(tmp_path_factory, data):
    store = Store.create(str(tmp_path_factory.mktemp("damage") / "s"), ENCODER)
    caption = CaptionRecord("a red wall", "txt", False, np.ones(DIM, np.float16))
    records = [record(f"{n}.png", captions=(caption,)) for n in range(20)]
    store.write_shard("one", records)
    store.finish()
    file = Path(store.place) / "shards" / "one.parquet"
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    with suppress(LibraryError):
        [shard] = Store.open(store.place).shards()
        read = [each for batch in store.records(shard) for each in batch]
        assert read == records
        assert vectors(read) == vectors(records)


def test_a_missing_shard_of_a_finished_store_is_named(store, tmp_path):
    store.write_shard("one", [record()])
    store.finish()
    (tmp_path / "store" / "shards" / "one.parquet").unlink()
    with pytest.raises(LibraryDamaged, match="the shard one is missing"):
        Store.open(store.place).shards()


def test_a_name_that_leaves_the_store_is_refused(store):
    with pytest.raises(InputError, match="not a name for a shard"):
        store.write_shard("../one", [record()])


@pytest.mark.parametrize(
    "values", [{"relative": b"../x"}, {"relative": b"/x"}, {"state": "odd"}, {"folder": b""}]
)
def test_values_that_no_picture_has_are_refused(values):
    with pytest.raises(LibraryDamaged, match="values that no picture has"):
        records_of(to_table([replace(record(), **values)], DIM))


def test_rows_with_infinity_are_refused():
    row = np.full(DIM, np.inf, np.float16)
    with pytest.raises(LibraryDamaged, match="infinity"):
        records_of(to_table([record(v_i=row)], DIM))
