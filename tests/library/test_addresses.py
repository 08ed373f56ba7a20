"""Addresses of collections in Milvus."""

from pathlib import Path

import pytest

from indexer.errors import InputError
from indexer.library.address import address_of, is_address


@pytest.mark.parametrize("as_path", [str, Path])
def test_server_and_collection_are_read(as_path):
    address = address_of(as_path("milvus://nas.local:19530/family"))
    assert (address.uri, address.name) == ("http://nas.local:19530", "family")
    assert address.text == "milvus://nas.local:19530/family"
    assert address.file is None


@pytest.mark.parametrize("as_path", [str, Path])
def test_file_of_milvus_lite_is_read(as_path):
    address = address_of(as_path("milvus:///data/vectors.db/family"))
    assert address.file == str(Path("/data/vectors.db").absolute())
    assert address.name == "family"


def test_password_is_not_shown():
    address = address_of("milvus+tls://me:secret@host:443/family")
    assert (address.uri, address.token) == ("https://host:443", "me:secret")
    assert "secret" not in address.text


@pytest.mark.parametrize(
    "text",
    ["milvus://host/family", "milvus://host:1", "milvus://host:1/a-b", "milvus://", "http://a:1/b"],
)
def test_other_texts_are_refused_with_the_forms(text):
    with pytest.raises(InputError, match=r"write milvus://HOST|letters"):
        address_of(text)


def test_password_of_a_wrong_address_is_not_shown():
    with pytest.raises(InputError) as caught:
        address_of("milvus://me:secret@host/family")
    assert "secret" not in str(caught.value)


def test_directories_are_no_addresses():
    assert not is_address("/home/me/milvus")
    assert not is_address(Path("~/pictures"))
