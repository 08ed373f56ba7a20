"""Models on the command line: what one costs, that there are stronger ones, and exporting one."""

import json

import pytest
from command_line import index_colours, refusal, run

from indexer import Library
from indexer.encoders.open_clip.recommended import RECOMMENDED
from indexer.encoders.runtime import speed
from indexer.errors import ModelError
from ui.cli.output import models

GIGAFLOPS = speed.gigaflops


@pytest.fixture(autouse=True)
def _of_this_speed(monkeypatch):
    """A machine of 69 gigaflops: six pictures a second of the first model."""
    monkeypatch.setattr(speed, "gigaflops", lambda: 69 / speed.REACHED)


def test_speed_of_this_machine_is_measured():
    assert speed.pictures_per_second(11.5) == pytest.approx(6)
    assert GIGAFLOPS() > 0


def test_cost_names_size_rate_and_time():
    said = models.cost_message(RECOMMENDED[0], 10_000)
    assert "ViT-B-32-SigLIP2-256/webli: 1.5 GB to download, once" in said
    assert "about 6 pictures a second, so 10,000 pictures take about 28 minutes" in said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.1, "2 seconds"),
        (40, "40 seconds"),
        (100, "2 minutes"),
        (9000, "2 hours"),
        (1e6, "12 days"),
    ],
)
def test_duration_is_as_precise_as_an_estimate(seconds, said):
    assert models.duration(seconds) == said


def test_cost_is_said_before_a_download_and_for_as_many_pictures_as_there_are(
    pictures, paint, tmp_path, monkeypatch
):
    def no_network(*_, **__):
        raise ModelError("there is no network")

    paint("red.png")
    paint("blue.png")
    library = tmp_path / "library"
    index_colours(pictures, library)
    monkeypatch.setattr("indexer.pipeline.reencoding.load_encoder", no_network)
    result = run("index", pictures, "--library", library, "--model", "clip")
    assert result.exit_code == 3
    assert "so 2 pictures take about 2 seconds" in result.stderr.splitlines()[0]
    silent = run("index", pictures, "--library", library, "--model", "clip", "--offline")
    assert "GB to download" not in silent.stderr


@pytest.fixture
def at_a_terminal(monkeypatch):
    """A person at a terminal with a network."""
    monkeypatch.setattr(models, "has_network", lambda: True)
    monkeypatch.setattr(models, "is_at_a_terminal", lambda: True)
    monkeypatch.setattr(models, "DEFAULT_ENCODER", "colour")


def test_stronger_model_is_named_once(pictures, paint, tmp_path, at_a_terminal):
    paint("red.png")
    library = tmp_path / "library"
    said = [index_colours(pictures, library, *more).stderr for more in (("--offline",), (), ())]
    assert [models.stronger_message() in each for each in said] == [False, True, False]
    assert "picfuse index --model clip" in said[1]
    with Library.open(library, read_only=True) as opened:
        assert opened.told_of_models


def test_stronger_model_is_not_named_to_scripts_or_without_a_network(
    pictures, paint, tmp_path, at_a_terminal, monkeypatch
):
    paint("red.png")
    library = tmp_path / "library"
    assert "stronger" not in index_colours(pictures, library, "--json").stderr
    monkeypatch.setattr(models, "has_network", lambda: False)
    assert "stronger" not in index_colours(pictures, library).stderr


def test_offline_mode_of_the_hub_counts_as_no_network(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not models.has_network()


def test_list_names_pairs_of_graphs_and_speeds():
    by_name = {each["name"]: each["about"] for each in json.loads(run("models", "--json").stdout)}
    assert "model.json" in by_name["onnx:FOLDER"]
    assert "about 6 pictures/s here" in by_name["clip"]


def test_only_open_clip_is_exported(tmp_path):
    said = refusal("models", "--export", "mini", tmp_path / "pair", status=2)
    assert "only those can be exported" in said
