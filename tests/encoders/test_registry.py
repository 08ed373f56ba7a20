"""Encoders by name."""

import pytest
from colour_encoder import ColourEncoder

from indexer.encoders import Encoder, load_encoder, registry
from indexer.errors import InputError, ModelError


class Point:
    """An entry point as an installed package declares it."""

    def __init__(self, name, value):
        self.name, self.value = name, value


@pytest.fixture
def installed(monkeypatch):
    """Let packages with these entry points be installed."""

    def install(**points):
        found = [Point(name, value) for name, value in points.items()]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found)

    return install


def test_scheme_and_rest_of_a_name_are_split_at_the_first_colon(installed, tmp_path):
    installed(other="colour_encoder:open_encoder")
    encoder = load_encoder("other:a:b/c", cache=tmp_path)
    assert isinstance(encoder, ColourEncoder)
    assert encoder.name == "other:a:b/c"
    assert encoder.fingerprint == ColourEncoder("", "a:b/c").fingerprint


def test_encoders_follow_the_protocol():
    assert isinstance(load_encoder("colour"), Encoder)


def test_other_packages_cannot_replace_a_built_in_encoder(installed):
    installed(mini="colour_encoder:open_encoder")
    assert registry.schemes()["mini"] == "indexer.encoders.mini.encoder:open_encoder"


@pytest.mark.parametrize("name", ["", "no such", "Mini", "clip:ViT-B-32", ":mini"])
def test_unknown_encoder_names_the_known_ones(name):
    with pytest.raises(InputError, match=f"no encoder '{name}'; use mini, mini:FILE"):
        load_encoder(name)


def test_model_that_cannot_be_had_is_a_model_error():
    with pytest.raises(ModelError, match="no such model"):
        load_encoder("colour:missing")


def test_encoder_whose_package_is_broken_is_a_model_error(installed):
    installed(broken="no_such_module:open_encoder", hollow="colour_encoder:no_such_function")
    for name in ("broken", "hollow"):
        with pytest.raises(ModelError, match=f"the encoder '{name}' cannot be loaded"):
            load_encoder(name)
