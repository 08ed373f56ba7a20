"""Precision: int8 is near fp32, a library keeps what it was made with, auto only where it may."""

import json

import numpy as np
import pytest
from command_line import answered, refusal, run
from conftest import ROOT

from indexer import Library
from indexer.embedding import same_space
from indexer.encoders import load_encoder
from indexer.encoders.mini import encoder as mini
from indexer.encoders.mini import graphs as mini_graphs
from indexer.encoders.mini import quantising
from indexer.encoders.mini.encoder import TRANSFORM, int8_costs_little
from indexer.encoders.mini.graphs import Int8Graph
from indexer.encoders.mini.heads import BUILT_IN
from indexer.encoders.mini.towers import Towers
from indexer.encoders.precision import in_precision, plain_name, precision_of
from indexer.encoders.runtime.graphs import checksum, receipt_of
from indexer.encoders.runtime.layout import processor
from indexer.errors import InputError, ModelError
from indexer.files import file_hash
from indexer.fusion import open_fusion
from indexer.pictures.images import decode
from ui.cli.options.precision import model_for

SAMPLE = ROOT / "data" / "sample"


@pytest.fixture(scope="module")
def encoders():
    return load_encoder("mini", offline=True), load_encoder("int8:mini", offline=True)


@pytest.fixture(scope="module")
def pixels():
    """Photographs; half of them are no samples: their left and right halves."""
    names = ["giant-panda.jpg", "red-goldfish.webp", "espresso-cup.jpg", "helicopter.jpg"]
    whole = [TRANSFORM(decode(SAMPLE / name, min_side=320)) for name in names]
    return np.stack([*whole, *(np.repeat(image[:, :160], 2, axis=1) for image in whole)])


@pytest.fixture
def costs(monkeypatch):
    """Let int8 cost little or much, on a processor that is made for it or not."""

    def set_costs(little, fast=True):
        monkeypatch.setattr(mini, "int8_costs_little", lambda *_: little)
        monkeypatch.setattr(mini, "multiplies_int8_fast", lambda: fast)

    return set_costs


def test_int8_pictures_are_close_to_those_of_fp32(encoders, pixels):
    fp32, int8 = (encoder.encode_images(pixels) for encoder in encoders)
    cosines = (fp32 * int8).sum(axis=1)
    assert (cosines > 0.97).all()
    assert np.median(cosines) > 0.99
    assert cosines.max() < 0.99999  # it is another arithmetic
    np.testing.assert_allclose(np.linalg.norm(int8, axis=1), 1, atol=1e-5)
    assert ((fp32 @ int8.T).argmax(axis=1) == np.arange(len(pixels))).all()


def test_int8_texts_are_those_of_fp32(encoders):
    texts = ["a dog", "two red boats"]
    np.testing.assert_array_equal(*(encoder.encode_texts(texts) for encoder in encoders))


def test_int8_picture_does_not_depend_on_its_batch(encoders, pixels):
    together = encoders[1].encode_images(np.concatenate([pixels, pixels[:3]]))
    alone = np.concatenate([encoders[1].encode_images(one[None]) for one in pixels])
    assert ((together[: len(pixels)] * alone).sum(axis=1) > 0.9999).all()


def test_fingerprints_differ_but_the_space_is_shared(encoders):
    one, other = (encoder.fingerprint for encoder in encoders)
    assert one != other
    assert same_space(one, other)
    assert not same_space(one, "0" * 32)
    assert encoders[1].name == "int8:mini"


def test_what_was_trained_on_fp32_fits_int8(encoders):
    for strategy in ("gated", "product"):
        assert open_fusion(strategy, encoder=encoders[1]).name == strategy


def test_own_heads_have_an_int8_tower_of_their_own(encoders, tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(BUILT_IN.read_bytes()[:-2] + b"\0\0")
    own = load_encoder(f"int8:mini:{path}")
    assert own.name == f"int8:mini:{path}"
    assert own.towers.image.path != encoders[1].towers.image.path
    assert precision_of(own.name) == "int8"
    assert plain_name(own.name) == f"mini:{path}"


def test_quantising_twice_makes_the_same_graph(encoders, pixels, tmp_path):
    graph = encoders[0].towers.image.path
    encoders[0].towers.image.ensure()
    made = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path in made:
        quantising.quantise(graph, path, pixels[:2])
    assert file_hash(made[0]) == file_hash(made[1])
    assert made[0].stat().st_size < 0.5 * encoders[0].towers.image.weights.stat().st_size


def test_ranges_do_not_depend_on_the_last_digits():
    assert quantising._rounded(np.float32(5.4321)) == quantising._rounded(np.float32(5.4319))
    assert quantising._rounded(np.float32(0)) == 0
    assert float(quantising._rounded(np.float32(-0.012345))) == pytest.approx(-0.0123)


def test_missing_sample_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="sample photographs are missing"):
        quantising.sample_pixels(tmp_path)


def test_int8_that_this_processor_computes_wrongly_is_refused(tmp_path, costs):
    graph = Towers(tmp_path, int8=True).image
    graph.path.parent.mkdir(parents=True)
    graph.path.write_bytes(b"graph")
    receipt = {"xxh3": checksum(graph.path), "agreement": 0.91, "processor": processor()}
    graph.path.with_suffix(".json").write_text(json.dumps(receipt))
    with pytest.raises(ModelError, match=r"cosine to fp32: 0\.91.*--precision fp32"):
        graph.ensure()
    graph.path.with_suffix(".json").write_text(json.dumps(receipt | {"agreement": 0.99}))
    graph.ensure()


def test_int8_is_made_and_compared_again_on_another_processor(tmp_path, monkeypatch):
    graph, made = Towers(tmp_path, int8=True).image, []
    graph.path.parent.mkdir(parents=True)
    graph.path.write_bytes(b"graph")
    receipt = {"xxh3": checksum(graph.path), "agreement": 0.99, "processor": "another one"}
    graph.path.with_suffix(".json").write_text(json.dumps(receipt))
    monkeypatch.setattr(Int8Graph, "make", lambda _, path: made.append(path))
    graph.ensure()
    assert made == [graph.path]


def test_int8_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(mini_graphs, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"'onnx'.*pip install 'picfuse\[int8\]'"):
        Towers(tmp_path, int8=True).image.ensure()


def test_agreement_of_the_cached_graph_is_what_it_should_be(encoders):
    encoders[1].towers.ensure()
    assert receipt_of(encoders[1].towers.image.path)["agreement"] > 0.99


@pytest.mark.parametrize("name", ["colour", "open_clip:ViT-B-32/openai", "", "int8:mini"])
def test_other_encoders_have_no_int8(name):
    with pytest.raises(InputError, match="runs in fp32 only"):
        load_encoder(f"int8:{name}")


# What auto is


@pytest.mark.parametrize(
    ("little", "fast", "expected"),
    [(True, True, "int8:mini"), (True, False, "mini"), (False, True, "mini")],
)
def test_auto_is_int8_only_where_it_costs_little_and_is_faster(costs, little, fast, expected):
    costs(little, fast)
    assert in_precision("mini", "auto") == expected
    assert in_precision("int8:mini", "auto") == expected
    assert in_precision("mini:heads.safetensors", "auto") == "mini:heads.safetensors"
    assert in_precision("colour", "auto") == "colour"


def test_auto_is_fp32_where_int8_cannot_be_made(costs, monkeypatch):
    costs(True)

    def failing(_self):
        raise ModelError("no room")

    monkeypatch.setattr(Int8Graph, "ensure", failing)
    assert in_precision("mini", "auto") == "mini"


def test_costs_hold_for_the_heads_that_they_were_measured_with(tmp_path):
    path = tmp_path / "int8.json"

    def costs_little(loss, heads=None):
        heads = heads or file_hash(BUILT_IN)
        facts = {"heads": heads, "fp32": {"r@1": 30.0}, "int8": {"r@1": 30.0 - loss}}
        path.write_text(json.dumps(facts))
        return int8_costs_little(path, BUILT_IN)

    assert not int8_costs_little(path, BUILT_IN)
    assert costs_little(0.5)
    assert costs_little(-0.1)
    assert not costs_little(0.51)
    assert not costs_little(0.1, heads="0" * 64)
    path.write_text("[]")
    assert not int8_costs_little(path, BUILT_IN)


# The command line


@pytest.fixture
def home(tmp_path):
    return tmp_path / "library"


@pytest.fixture
def one_picture(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "panda.jpg").write_bytes((SAMPLE / "giant-panda.jpg").read_bytes())
    return folder


def test_library_keeps_its_precision_until_another_is_named(home, one_picture):
    def encoder_after(*words):
        assert run("index", one_picture, "--library", home, *words).exit_code == 0
        with Library.open(home, read_only=True) as opened:
            assert len(opened.vectors().rows) == 1
        return answered("status", "--library", home)["encoder"]

    assert encoder_after("--precision", "int8") == "int8:mini"
    assert encoder_after() == "int8:mini"
    assert encoder_after("--model", "mini") == "int8:mini"
    assert encoder_after("--precision", "fp32") == "mini"
    assert encoder_after() == "mini"
    assert answered("search", "a panda", "--library", home)["hits"][0]["rank"] == 1


def test_int8_library_is_asked_by_pictures_and_by_words(home, one_picture):
    assert run("index", one_picture, "--library", home, "--precision", "int8").exit_code == 0
    with Library.open(home, read_only=True) as opened:
        (stored,) = opened.embedded(opened.catalogue.present_ids()).v_i
        query = TRANSFORM(decode(one_picture / "panda.jpg", min_side=320))
        assert opened.encoder.encode_images(query[None])[0] @ stored > 0.999
    assert answered("search", "a panda", "--library", home)["hits"]


def test_new_library_gets_what_suits_it(home, costs):
    costs(True)
    assert model_for(home, None, None) == "int8:mini"
    assert model_for(home, None, "fp32") == "mini"
    assert model_for(home, "int8:mini", None) == "int8:mini"
    assert model_for(home, "int8:mini", "fp32") == "mini"
    assert model_for(home, "colour", None) == "colour"
    costs(False)
    assert model_for(home, None, None) == "mini"
    assert model_for(home, None, "int8") == "int8:mini"


def test_model_and_precision_of_a_library_change_only_when_asked(home, costs):
    Library.create(home, encoder="colour").close()
    costs(True)
    assert model_for(home, None, None) is None
    assert model_for(home, None, "auto") == "colour"
    assert model_for(home, "colour", None) == "colour"
    assert model_for(home, "mini", None) == "int8:mini"
    assert model_for(home, "mini", "fp32") == "mini"


@pytest.mark.parametrize("command", ["index", "evaluate"])
@pytest.mark.parametrize("value", ["fp16", "INT4", ""])
def test_unknown_precision_is_refused(command, value, home, one_picture):
    refused = run(command, one_picture, "--precision", value)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"'{value}' is not one of 'auto', 'fp32', 'int8'" in refused.stderr
    assert not home.exists()


def test_int8_of_another_model_is_refused_before_a_library_is_made(home, one_picture):
    words = ("index", one_picture, "--library", home, "--model", "colour", "--precision", "int8")
    assert "'colour' runs in fp32 only" in refusal(*words, status=2)
    assert not home.exists()
