"""Every error is one clear line on standard error and the right exit status."""

import os
import socket
from pathlib import Path

import pytest
from command_line import ROOT, answered, index_colours, process, refusal, run
from safetensors.numpy import save_file

from indexer import Library
from ui.cli import MODULES

OPEN_CLIP = "open_clip:ViT-B-32/laion2b_s34b_b79k"


@pytest.fixture
def home(tmp_path) -> Path:
    """Path for a library; nothing is there."""
    return tmp_path / "library"


@pytest.fixture
def not_a_library(tmp_path, request) -> Path:
    """A path at which something else lies."""
    path = tmp_path / "other"
    if request.param == "file":
        path.write_text("a letter")
    else:
        path.mkdir()
        (path / "letter.txt").write_text("a letter")
    return path


@pytest.fixture
def garbage(tmp_path) -> Path:
    """A library whose catalogue is none."""
    path = tmp_path / "garbage"
    path.mkdir()
    (path / "catalogue.sqlite").write_bytes(os.urandom(8192))
    return path


ON_A_LIBRARY = [("search", "red"), ("similar", "x.jpg"), ("status",), ("index",)]


@pytest.mark.parametrize("words", ON_A_LIBRARY[:3], ids=lambda words: words[0])
def test_missing_library_is_status_3_and_says_how_to_make_one(home, words):
    said = refusal(*words, "--library", home, status=3)
    assert said == (
        f"picfuse: {home}: no library here; create one with 'picfuse index FOLDER --library {home}'"
    )
    assert not home.exists()


@pytest.mark.parametrize("not_a_library", ["file", "directory"], indirect=True)
@pytest.mark.parametrize("words", ON_A_LIBRARY, ids=lambda words: words[0])
def test_library_that_is_something_else_is_status_3(not_a_library, words):
    said = refusal(*words, "--library", not_a_library, status=3)
    assert said == f"picfuse: {not_a_library}: not a picfuse library; name another with --library"


@pytest.mark.parametrize("not_a_library", ["file", "directory"], indirect=True)
def test_nothing_is_indexed_into_something_else(not_a_library, colour_pictures):
    before = sorted(not_a_library.rglob("*"))
    said = refusal("index", colour_pictures, "--library", not_a_library, status=3)
    assert str(not_a_library) in said
    assert sorted(not_a_library.rglob("*")) == before


@pytest.mark.parametrize("words", ON_A_LIBRARY, ids=lambda words: words[0])
def test_damaged_catalogue_is_status_3_and_says_what_helps(garbage, words):
    before = (garbage / "catalogue.sqlite").read_bytes()
    said = refusal(*words, "--library", garbage, status=3)
    assert f"{garbage}: the catalogue is damaged" in said
    assert "restore catalogue.sqlite from a backup" in said
    assert (garbage / "catalogue.sqlite").read_bytes() == before


def test_damaged_catalogue_is_status_3_with_json_too(garbage):
    assert "damaged" in refusal("search", "red", "--json", "--library", garbage, status=3)


def test_damaged_vector_index_is_no_error(colour_pictures, home):
    index_colours(colour_pictures, home)
    (vectors,) = home.glob("vectors-*.rows")
    vectors.write_bytes(b"garbage")
    assert len(answered("search", "red", "--library", home)["hits"]) == 5


def test_library_of_another_encoder_version_is_status_3(colour_pictures, home, monkeypatch):
    index_colours(colour_pictures, home)
    monkeypatch.setattr("colour_encoder.VERSION", ["2"])
    said = refusal("search", "red", "--library", home, status=3)
    assert "made with another version of 'colour'" in said


def test_locked_library_is_status_3(colour_pictures, home, monkeypatch):
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.1)
    index_colours(colour_pictures, home)
    (colour_pictures / "red.png").unlink()
    with Library.open(home) as library, library.writing() as batch:
        batch.settings.set("held", "yes")
        said = refusal("index", "--library", home, status=3)
    assert "another process is writing to this library" in said
    assert run("index", "--library", home).stdout.startswith("0 added, 0 changed, 4 unchanged, 1")


def test_folder_that_is_not_there_is_wrong_usage(home, tmp_path):
    said = refusal("index", tmp_path / "nowhere", "--library", home, status=2)
    assert "nowhere: no such folder" in said
    assert not home.exists()


def test_file_in_place_of_a_folder_is_wrong_usage(home, paint):
    said = refusal("index", paint("red.png"), "--library", home, status=2)
    assert "red.png: a file, not a folder" in said
    assert not home.exists()


def test_folder_whose_name_is_too_long_is_wrong_usage(home, colour_pictures):
    long = "x" * 300
    said = refusal("index", long, "--library", home, status=2)
    assert f"{long}: cannot be read (File name too long); name a folder" in said
    assert "cannot be read" in refusal("watch", long, "--library", home, status=2)
    assert not home.exists()
    index_colours(colour_pictures, home)
    said = refusal("relocate", colour_pictures, long, "--library", home, status=2)
    assert "cannot be read" in said


def test_caption_file_whose_name_is_too_long_is_an_ordinary_refusal(home, colour_pictures):
    index_colours(colour_pictures, home)
    long = "x" * 300
    words = ("index", colour_pictures, "--library", home, "--captions", long)
    assert f"{long}: no such caption file" in refusal(*words, status=2)


@pytest.mark.parametrize(
    "words", [*ON_A_LIBRARY, ("doctor",), ("doctor", "--rescue")], ids=" ".join
)
def test_library_whose_name_is_too_long_is_status_3(tmp_path, words):
    refusal(*words, "--library", tmp_path / ("x" * 300), status=3)


def test_new_library_needs_a_folder(home):
    said = refusal("index", "--library", home, status=2)
    assert said.startswith("picfuse: no folder to index: name one")
    assert not home.exists()


def test_unknown_model_is_wrong_usage_and_lists_those_there_are(colour_pictures, home):
    said = refusal("index", colour_pictures, "--library", home, "--model", "maxi", status=2)
    for name in ("'maxi'", "mini", "mini:FILE", "open_clip:ARCHITECTURE/PRETRAINED"):
        assert name in said
    assert not home.exists()


def test_unknown_fusion_is_wrong_usage(colour_pictures, home):
    said = refusal("index", colour_pictures, "--library", home, "--fusion", "cold", status=2)
    assert "no fusion 'cold'; there are concat, mean" in said
    assert not home.exists()


def test_model_that_is_not_cached_is_refused_offline(colour_pictures, home, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    words = ("index", colour_pictures, "--library", home, "--model", OPEN_CLIP, "--offline")
    said = refusal(*words, status=3)
    assert OPEN_CLIP in said
    assert "is not cached" in said
    assert "'mini'" in said
    assert not home.exists()


@pytest.mark.parametrize("content", ["missing", "text", "other tensors", "truncated"])
def test_file_that_holds_no_heads_is_status_3(content, colour_pictures, home, tmp_path):
    heads = tmp_path / "heads.safetensors"
    if content == "text":
        heads.write_text("no heads")
    if content == "other tensors":
        save_file({}, heads)
    if content == "truncated":
        built_in = ROOT / "indexer" / "encoders" / "mini" / "weights" / "mini.safetensors"
        heads.write_bytes(built_in.read_bytes()[:100_000])
    said = refusal(
        "index", colour_pictures, "--library", home, "--model", f"mini:{heads}", status=3
    )
    assert str(heads) in said
    assert "picfuse train align" in said
    assert not home.exists()


def test_message_with_control_characters_is_made_harmless(home):
    result = run("search", "./\x1b[31mred\n.jpg", "--library", home, color=True)
    assert "\x1b" not in result.stderr
    index = run("index", "evil\x1b]0;owned\x07", "--library", home, color=True)
    assert index.exit_code == 2
    assert index.stderr == (
        "picfuse: evil\\x1b]0;owned\\x07: no such folder; name a folder of pictures\n"
    )


def test_unknown_command_is_wrong_usage():
    result = run("serach", "red")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such command 'serach'" in result.stderr


@pytest.mark.parametrize("name", [name for name in MODULES if name != "search"])
def test_unknown_option_is_wrong_usage(name):
    result = run(name, "--jsonn")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--jsonn" in result.stderr


def test_version_and_help_are_results():
    for option in ("--version", "--help", "-h"):
        result = run(option)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(("picfuse ", "Usage: picfuse "))


def test_error_of_a_process_is_one_line_without_a_traceback(home, garbage, subprocess_environment):
    here = {"environment": subprocess_environment}
    for status, words in {3: ("status", "--library", garbage), 2: ("index", home)}.items():
        result = process(*words, **here)
        assert result.returncode == status
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("picfuse: ")


def test_port_that_is_taken_is_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        said = refusal("ui", "--no-browser", "--port", taken.getsockname()[1], status=2)
    assert "is in use; choose another with --port" in said


def test_unknown_open_clip_model_is_said_to_be_unknown():
    assert "no open_clip model has 'zzz'" in refusal("models", "--open-clip", "zzz", status=2)
