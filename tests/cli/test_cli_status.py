"""`picfuse status` and `picfuse models`: what a library holds, and what can encode."""

import json
import os
from pathlib import Path

import pytest
from command_line import GOLDEN, answered, index_colours, run
from odd_pictures import truncated_jpeg

from indexer.vectors import compressed
from indexer.vectors import compression as compressing

KEYS = [
    "library",
    "encoder",
    "fusion",
    "pictures",
    "captions",
    "missing",
    "failed",
    "passed_over",
    "index",
]


@pytest.fixture
def home(colour_pictures, tmp_path) -> Path:
    """A library of five pictures with two captions, and a picture that cannot be read."""
    truncated_jpeg(colour_pictures / "half.jpg")
    index_colours(colour_pictures, tmp_path / "library")
    return tmp_path / "library"


def test_json_has_the_keys_and_types_of_the_contract(home, colour_pictures):
    facts = answered("status", "--library", home)
    assert list(facts) == [*KEYS, "weight", "moving", "folders"]
    assert facts == {
        "library": str(home),
        "encoder": "colour",
        "fusion": "concat",
        "pictures": 5,
        "captions": 2,
        "missing": 0,
        "failed": 1,
        "passed_over": {},
        "index": "exact scan",
        "weight": 0.5,
        "moving": None,
        "folders": [str(colour_pictures)],
    }


def test_status_for_people(home, tmp_path):
    result = run("status", "--failed", "--library", home)
    assert result.exit_code == 0
    assert result.stderr == ""
    printed = result.stdout.replace(str(tmp_path), "HERE")
    assert printed == (GOLDEN / "test_status_for_people.txt").read_text()


def test_missing_pictures_are_counted(home, colour_pictures):
    (colour_pictures / "red.png").unlink()
    run("index", "--library", home)
    facts = answered("status", "--library", home)
    assert (facts["pictures"], facts["missing"]) == (4, 1)


def test_failures_are_listed_with_their_reasons(home, colour_pictures):
    (failure,) = answered("status", "--failed", "--library", home)["failures"]
    assert failure["path"] == str(colour_pictures / "half.jpg")
    assert "truncated" in failure["reason"]


def test_folder_whose_name_is_not_utf8_is_valid_json(pictures, paint, tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    paint(f"{odd}/red.png")
    index_colours(f"{pictures}/{odd}", tmp_path / "library")
    result = run("status", "--json", "--library", tmp_path / "library")
    (folder,) = json.loads(result.stdout)["folders"]
    assert folder.encode() == os.fsencode(pictures) + "/caf\ufffd".encode()


def test_status_shows_no_control_characters(pictures, paint, tmp_path):
    paint("evil\x1b]0;owned\x07/red.png")
    index_colours(pictures / "evil\x1b]0;owned\x07", tmp_path / "library")
    for options in ([], ["--failed"]):
        printed = run("status", "--library", tmp_path / "library", *options, color=True).output
        assert "\x1b" not in printed
        assert "\x07" not in printed
    assert "evil\\x1b]0;owned\\x07" in printed


def test_status_changes_nothing(home):
    before = {path.name: path.read_bytes() for path in home.glob("*.*") if "-" not in path.name}
    run("status", "--library", home)
    assert before == {p.name: p.read_bytes() for p in home.glob("*.*") if "-" not in p.name}


def test_models_lists_what_can_encode():
    result = run("models", "--json")
    models = json.loads(result.stdout)
    assert [model["name"] for model in models[:2]] == ["mini", "mini:FILE"]
    assert all(list(model) == ["name", "cached", "about"] for model in models)
    assert models[0]["cached"] is True


def test_models_for_people_names_the_kinds():
    printed = run("models").stdout
    for name in ("mini", "mini:FILE", "open_clip:ARCH/PRETRAINED", "open_clip:ARCH:FILE"):
        assert name in printed


def test_status_says_which_index_answers_and_what_it_finds(home, colour_pictures, monkeypatch):
    monkeypatch.setattr(compressed, "COMPRESS_FROM", 1)
    run("index", "--library", home)
    facts = answered("status", "--library", home)
    assert facts["index"] == "compressed, recall@10 1.000"
    assert facts["recall"] == [
        {"weight": weight, "picture": 1.0, "caption": 1.0} for weight in (0, 0.5, 1)
    ]
    said = run("status", "--library", home).stdout.splitlines()
    assert "index     compressed, recall@10 1.000" in said
    assert "recall    at weight 0.5: picture 1.000, caption 1.000" in said


def test_status_says_that_a_compressed_index_is_not_used(home, monkeypatch):
    monkeypatch.setattr(compressed, "COMPRESS_FROM", 1)
    monkeypatch.setattr(compressing._Maker, "_recall", lambda *_: 0.5)
    run("index", "--library", home)
    facts = answered("status", "--library", home)
    assert facts["index"] == "exact scan (recall@10 of the compressed index is only 0.500)"
