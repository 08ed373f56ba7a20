"""A server of Milvus answers as the library that its collection was filled from."""

import uuid

import pytest
from milvus_collections import publish
from milvus_server import milvus_server
from test_agreement import assert_same

from indexer import Library
from indexer.encoders import registry
from indexer.library.address import address_of
from indexer.milvus.connection import Connection
from search import Searcher
from search.collection.opening import open_library

ASKED = (
    ("red", {}),
    ("blue boat", {"weight": 0.3}),
    ("green -yellow", {"k": 15}),
    ("a white dog", {"where": "keyword: kenya or rating >= 3"}),
    ("Anna blue", {"k": 20}),
    ("boat", {"mode": "words", "k": 30}),
)


@pytest.mark.parametrize("kind", ["hnsw", "ivf_rabitq"])
def test_server_answers_as_the_library(published, monkeypatch, kind):
    monkeypatch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
    with milvus_server() as server:
        address = f"{server}/picfuse_test_{uuid.uuid4().hex}"
        assert publish(published.library, address, index=kind).added == 40
        try:
            with (
                Library.open(published.library, read_only=True) as library,
                open_library(address) as collection,
            ):
                local, remote = Searcher(library), Searcher(collection)
                for query, options in ASKED:
                    assert_same(local.search(query, **options), remote.search(query, **options))
        finally:
            connection = Connection(address_of(address))
            for name in (connection.address.name, f"{connection.address.name}_about"):
                connection.client.drop_collection(name)
            connection.close()
