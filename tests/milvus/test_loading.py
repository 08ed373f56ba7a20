"""Filling a collection: what is sent, what is refused, what is told."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from command_line import answered, refusal, run
from milvus_collections import publish
from milvus_collections import run as run_steps

from indexer import Library
from indexer.errors import InputError, LibraryError
from indexer.library.address import address_of
from indexer.milvus import about as abouts
from indexer.milvus.connection import Connection
from indexer.milvus.loading import load
from indexer.milvus.sources import load_of_library, load_of_store
from indexer.shards.reading import records_of_library
from indexer.shards.store import Store, StoreEncoder
from search import Searcher
from search.collection.opening import open_library


@pytest.fixture
def library_copy(published, tmp_path):
    return shutil.copytree(published.library, tmp_path / "copy")


def change(library, statement):
    with closing(sqlite3.connect(library / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute(statement)


@pytest.fixture
def address(tmp_path):
    return f"milvus://{tmp_path}/own.db/own"


def test_second_run_sends_only_what_has_changed(library_copy, address):
    assert publish(library_copy, address).added == 40
    with Library.open(library_copy) as library, library.writing() as batch:
        gone, changed = library.catalogue.present_ids(limit=2)
        batch.pictures.forget([gone])
    change(library_copy, f"UPDATE pictures SET camera = 'Nikon Z9' WHERE id = {changed}")
    report = publish(library_copy, address)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 1, 38)
    with open_library(address) as collection:
        assert collection.catalogue.number_present() == 39
        assert Searcher(collection).matching_ids(where="camera: z9").tolist() == [changed]


def test_load_that_was_cut_off_goes_on(published, address):
    connection = Connection(address_of(address))
    with Library.open(published.library, read_only=True) as library:
        next(load(connection, load_of_library(library)))  # one batch, then killed
    connection.close()
    with pytest.raises(LibraryError, match="half loaded"):
        open_library(address)
    report = publish(published.library, address)
    assert (report.added, report.unchanged) == (0, 40)
    with open_library(address) as collection:
        assert Searcher(collection).search("red", k=3).hits


def test_store_of_shards_answers_as_its_library(published, address, tmp_path):
    with Library.open(published.library, read_only=True) as library:
        local = Searcher(library).search("blue boat", k=20)
        encoder = library.encoder
        store = Store.create(
            str(tmp_path / "store"), StoreEncoder(encoder.name, encoder.fingerprint, encoder.dim)
        )
        for number, records in enumerate(records_of_library(library)):
            store.write_shard(f"shard-{number}", records)
        store.finish()
    loaded = run("cluster", "load", tmp_path / "store", address, "--json")
    assert loaded.exit_code == 0, loaded.output
    assert answered("cluster", "load", tmp_path / "store", address, "--check")["agrees"]
    with open_library(address) as collection:
        found = Searcher(collection).search("blue boat", k=20)
    assert {hit.path for hit in found.hits[:10]} == {hit.path for hit in local.hits[:10]}
    assert [hit.score for hit in found.hits] == pytest.approx(
        [hit.score for hit in local.hits], abs=1e-3
    )


def test_damaged_shard_is_told_before_anything_is_loaded(published, address, tmp_path):
    with Library.open(published.library, read_only=True) as library:
        encoder = library.encoder
        store = Store.create(
            str(tmp_path / "store"), StoreEncoder(encoder.name, encoder.fingerprint, encoder.dim)
        )
        store.write_shard("one", next(records_of_library(library)))
        store.finish()
    shard = tmp_path / "store" / "shards" / "one.parquet"
    shard.write_bytes(shard.read_bytes()[:-50])
    said = refusal("cluster", "load", tmp_path / "store", address, status=3)
    assert "the shard one is damaged or cut short" in said
    assert not Connection(address_of(address)).has("own")
    with pytest.raises(LibraryError):
        run_steps(load(Connection(address_of(address)), load_of_store(store)))


def test_another_library_is_refused(library_copy, published, address):
    publish(published.library, address)
    assert publish(library_copy, address).unchanged == 40  # the same one, elsewhere
    change(library_copy, "UPDATE pictures SET content_hash = randomblob(16)")
    moved = library_copy.rename(library_copy.with_name("other"))
    with pytest.raises((InputError, LibraryError)):
        publish(moved, address)


def test_other_model_is_refused(published, address, colour_library):
    publish(published.library, address)
    colour_library.close()
    connection = Connection(address_of(address))
    about = abouts.about_of(connection)
    settings = {
        **about.settings,
        "library": about.settings["library"].replace(about.library.fingerprint, "0" * 32),
    }
    abouts.put(connection, replace(about, settings=settings))
    connection.close()
    said = refusal("publish", address, "--library", published.library, status=2)
    assert "made with 'colour'" in said
    assert "--model" in said


@pytest.mark.parametrize("command", [["search", "red"], ["similar", "red-00.png"], ["status"]])
def test_server_that_does_not_answer_is_told(command):
    said = refusal(*command, "--library", "milvus://127.0.0.1:9/none", status=3)
    assert "no Milvus answers at http://127.0.0.1:9" in said


def test_file_that_milvus_lite_cannot_open_is_told_in_one_line(tmp_path, caplog):
    file = tmp_path / "torn.db"
    file.write_bytes(b"no database")
    said = refusal("search", "red", "--library", f"milvus://{file}/own", status=3)
    assert f"milvus-lite cannot open {file}" in said
    assert not caplog.records  # milvus-lite's own traceback


def test_collection_that_is_not_there_is_told(published):
    other = published.collection.rsplit("/", 1)[0] + "/other"
    assert "no such collection" in refusal("search", "red", "--library", other, status=3)


def test_collection_of_another_program_is_told(published):
    connection = Connection(address_of(published.collection))
    connection.client.create_collection("foreign", dimension=4)
    connection.close()
    other = published.collection.rsplit("/", 1)[0] + "/foreign"
    assert "not a collection of picfuse" in refusal("search", "red", "--library", other, status=3)


def test_command_line_searches_a_collection(published):
    library = ("--library", published.collection)
    assert run("search", "red", "-k", 3, *library).exit_code == 0
    found = answered("search", "red", "-k", 3, *library)
    with Library.open(published.library, read_only=True) as local:
        hits = Searcher(local).search("red", k=3, fold=True).hits
    assert [hit["id"] for hit in found["hits"]] == [hit.picture_id for hit in hits]
    assert answered("status", *library)["pictures"] == 40
    assert run("search", "red", "--where", "rating > 5", *library).exit_code == 1
    said = refusal("search", "red", "--where", "caption: bo*", *library, status=2)
    assert "Milvus knows no '*'" in said


@pytest.mark.parametrize(
    "command",
    [["index"], ["doctor"], ["duplicates"], ["watch"], ["map"], ["audit"], ["export"], ["ui"]],
)
def test_command_that_needs_a_local_library_says_so(published, command, tmp_path):
    if command == ["index"]:
        command = ["index", str(tmp_path)]
    said = refusal(*command, "--library", published.collection, status=2)
    assert "can only be searched" in said
