"""`picfuse index`: what it adds, says and prints, and how it goes on after an interrupt."""

import base64
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from command_line import answered, index_colours, interrupted, process, refusal, run
from odd_pictures import jpeg, png_claiming, truncated_jpeg

from indexer import IndexOptions, Library, indexing
from indexer.locations import default_library
from indexer.pictures import scan as scanning
from indexer.pictures.limits import TIME_LIMIT
from indexer.pipeline import decoders

KEYS = ["added", "unchanged", "changed", "removed", "failed"]
MANY = 100  # more than the three batches that could be on their way
MORE = [
    "problems",
    "caption_files",
    "passed_over",
    "unused_captions",
    "guesses",
    "repeated",
    "unmatched",
    "unmatched_includes",
    "texts_read",
    "texts_found",
    "interrupted",
]
MOVING = ["pruned", "encoded"]


@pytest.fixture
def home(tmp_path) -> Path:
    """Path for the library of a test; nothing is there yet."""
    return tmp_path / "library"


@pytest.fixture
def colours(colour_pictures, home) -> Path:
    """A library of `colour_pictures`, made by the command; its path."""
    assert index_colours(colour_pictures, home).exit_code == 0
    return home


def hits(library, *words) -> list[str]:
    return [
        Path(hit["path"]).name for hit in answered("search", *words, "--library", library)["hits"]
    ]


def counts(report) -> list[int]:
    return [*(report[key] for key in KEYS[:4]), len(report["failed"])]


def test_json_has_the_keys_and_types_of_the_contract(colour_pictures, home):
    truncated_jpeg(colour_pictures / "half.jpg")
    result = index_colours(colour_pictures, home, "--json")
    report = json.loads(result.stdout)
    assert list(report) == [*KEYS[:4], *MOVING, *KEYS[4:], *MORE, "elapsed_ms"]
    assert counts(report) == [5, 0, 0, 0, 1]
    assert [type(report[key]) for key in KEYS] == [int, int, int, int, list]
    assert type(report["elapsed_ms"]) is float
    assert report["interrupted"] is False
    (failure,) = report["failed"]
    assert list(failure) == ["path", "reason"]
    assert failure["path"] == str(colour_pictures / "half.jpg")
    assert result.exit_code == 1


def test_summary_is_a_result_and_a_clean_run_says_nothing_else(colour_pictures, home):
    result = index_colours(colour_pictures, home)
    assert result.exit_code == 0
    assert result.stdout.startswith("5 added, 0 changed, 0 unchanged, 0 removed, 0 failed in ")
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_no_folder_brings_all_known_ones_up_to_date(colours, paint, colour_pictures):
    paint("purple.png")
    (colour_pictures / "red.png").unlink()
    (colour_pictures / "black.txt").write_text("a red cat")
    report = answered("index", "--library", colours)
    assert counts(report) == [1, 3, 1, 1, 0]
    assert hits(colours, "purple", "--weight", 1)[0] == "purple.png"


def test_second_folder_joins_the_library(colours, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    jpeg(other / "one.jpg")
    assert counts(answered("index", other, "--library", colours)) == [1, 0, 0, 0, 0]
    assert answered("status", "--library", colours)["pictures"] == 6


def test_failed_picture_is_named_on_standard_error_and_costs_only_itself(colour_pictures, home):
    truncated_jpeg(colour_pictures / "half.jpg")
    (colour_pictures / "empty.png").touch()
    (colour_pictures / "letter.jpg").write_text("Dear Anna, ...")
    png_claiming(colour_pictures / "huge.png", 50_000, 50_000)
    result = index_colours(colour_pictures, home)
    assert result.exit_code == 1
    assert result.stdout.startswith("5 added, 0 changed, 0 unchanged, 0 removed, 4 failed in ")
    reasons = dict(
        line.removeprefix("failed: ").split(": ", 1) for line in result.stderr.splitlines()
    )
    assert "truncated" in reasons[str(colour_pictures / "half.jpg")]
    assert "empty file" in reasons[str(colour_pictures / "empty.png")]
    assert "not a picture" in reasons[str(colour_pictures / "letter.jpg")]
    assert "50000 x 50000 pixels is over the limit" in reasons[str(colour_pictures / "huge.png")]
    assert len(hits(home, "red")) == 5


def test_many_failures_are_counted_and_listed_elsewhere(pictures, home):
    for number in range(25):
        (pictures / f"{number:02}.jpg").write_text(f"no picture {number}")
    result = index_colours(pictures, home)
    lines = result.stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "failed: 5 more; 'picfuse status --failed' lists all"
    assert len(run("status", "--failed", "--library", home).stdout.splitlines()) >= 25


def test_folder_that_may_not_be_read_is_said_and_loses_nothing_else(
    colours, paint, colour_pictures, monkeypatch
):
    paint("closed/purple.png")
    assert answered("index", "--library", colours)["added"] == 1
    scandir = os.scandir

    def refusing(path):
        if os.fsencode(path).endswith(b"/closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    paint("white.png")
    monkeypatch.setattr(scanning.os, "scandir", refusing)
    result = run("index", "--library", colours)
    assert f"picfuse: {colour_pictures / 'closed'}: permission denied" in result.stderr
    assert result.stdout.startswith("1 added, 0 changed, ")
    assert ", 0 removed, " in result.stdout
    assert hits(colours, "purple", "--weight", 1)[0] == "purple.png"


def test_name_with_a_newline_is_indexed_and_shown_on_one_line(pictures, paint, home):
    paint("red\nwall.png", "red")
    (pictures / "bad\nname\x1b[31m.jpg").write_text("text")
    result = index_colours(pictures, home)
    assert result.stdout.startswith("1 added, ")
    assert result.stderr.count("\n") == 1
    assert "bad\\nname\\x1b[31m.jpg" in result.stderr
    assert hits(home, "red") == ["red\nwall.png"]


def test_failed_name_that_is_not_utf8_has_its_bytes_in_base64(pictures, paint, home):
    paint("red.png")
    Path(os.fsdecode(os.fsencode(pictures) + b"/caf\xe9.jpg")).write_text("text")
    result = index_colours(pictures, home, "--json")
    name = os.fsencode(pictures) + b"/caf\xe9.jpg"
    (failure,) = json.loads(result.stdout)["failed"]
    assert list(failure) == ["path", "path_base64", "reason"]
    assert failure["path"].endswith("caf\ufffd.jpg")
    assert base64.b64decode(failure["path_base64"]) == name


def test_captions_that_lie_elsewhere_are_used(pictures, paint, home, tmp_path):
    paint("black.png")
    paint("white.png")
    table = tmp_path / "captions.csv"
    table.write_text("file,caption\nblack.png,a green door\ngone.png,nothing\n")
    result = index_colours(pictures, home, "--captions", table)
    assert result.exit_code == 0
    assert result.stderr == f"picfuse: {table}: 1 of 2 captions match no picture here\n"
    found = answered("search", "green", "--weight", 0, "--library", home)["hits"]
    assert [hit["caption"] for hit in found] == ["a green door"]


def test_caption_file_in_latin_1_is_read(pictures, paint, home):
    paint("red.png")
    (pictures / "red.txt").write_bytes("ein grünes Café".encode("latin-1"))
    assert index_colours(pictures, home).exit_code == 0
    assert answered("search", "red", "--library", home)["hits"][0]["caption"] == "ein grünes Café"


def test_caption_file_with_a_nul_loses_no_picture(pictures, paint, home):
    paint("red.png", caption="a red wall")
    paint("green.png")
    (pictures / "green.txt").write_bytes(b"a \0 green wall")
    result = index_colours(pictures, home)
    assert result.stdout.startswith("2 added, ")
    assert "\0" not in result.output
    assert hits(home, "green")[0] == "green.png"
    printed = run("search", "green", "--library", home).output
    assert "\0" not in printed


def test_missing_caption_file_is_wrong_usage_and_makes_no_library(colour_pictures, home):
    said = refusal(
        "index", colour_pictures, "--library", home, "--captions", "nowhere.csv", status=2
    )
    assert "nowhere.csv: no such caption file" in said
    assert not home.exists()


def test_caption_file_of_no_format_is_wrong_usage(colours, colour_pictures, tmp_path):
    (tmp_path / "poem.csv").write_text("Roses are red\n")
    said = refusal(
        "index",
        colour_pictures,
        "--library",
        colours,
        "--captions",
        tmp_path / "poem.csv",
        status=2,
    )
    assert "poem.csv cannot be used" in said
    assert len(hits(colours, "red")) == 5


def test_excluded_names_are_left_out_and_stay_out(colour_pictures, home):
    index_colours(colour_pictures, home, "--exclude", "b*.png")
    assert set(hits(home, "red")) == {"red.png", "green.png", "yellow.png"}
    assert counts(answered("index", "--library", home)) == [0, 3, 0, 0, 0]


def test_largest_picture_can_be_chosen(pictures, home):
    jpeg(pictures / "small.jpg", 40, 30)
    jpeg(pictures / "large.jpg", 400, 300)
    result = index_colours(pictures, home, "--max-pixels", 5000)
    assert result.exit_code == 1
    assert "large.jpg: 400 x 300 pixels is over the limit of 5,000" in result.stderr


def test_fusion_changes_without_encoding(colours, monkeypatch):
    monkeypatch.setattr(decoders, "DecodingPool", None)
    assert run("index", "--library", colours, "--fusion", "mean").exit_code == 0
    assert answered("status", "--library", colours)["fusion"] == "mean"
    assert hits(colours, "red")[0] == "red.png"


def test_library_is_named_by_the_environment(colour_pictures, home, tmp_path):
    environment = {"PICFUSE_LIBRARY": str(home)}
    words = ["index", colour_pictures, "--model", "colour", "--workers", 1]
    assert run(*words, env=environment).exit_code == 0
    assert answered("status", env=environment)["library"] == str(home)
    other = tmp_path / "other"
    assert run(*words, "--library", other, env=environment).exit_code == 0
    assert answered("status", "--library", other, env=environment)["library"] == str(other)


def test_library_lies_in_the_data_directory_by_default(colour_pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert run("index", colour_pictures, "--model", "colour", "--workers", 1).exit_code == 0
    assert default_library().is_relative_to(tmp_path / "data")
    assert answered("status")["library"] == str(default_library())


def test_same_model_may_be_named_again(colours):
    assert run("index", "--library", colours, "--model", "colour").exit_code == 0


def test_another_model_takes_the_place_of_the_first(colours):
    result = run("index", "--library", colours, "--model", "colour:2", "--workers", 1)
    assert result.exit_code == 0
    assert result.stdout.startswith("5 encoded for the new model\n0 added, 0 changed, 5 unch")
    assert answered("status", "--library", colours)["encoder"] == "colour:2"
    assert len(hits(colours, "red")) == 5
    assert answered("index", "--library", colours, "--model", "colour")["encoded"] == 0


def test_model_that_does_not_exist_changes_nothing(colours):
    said = refusal("index", "--library", colours, "--model", "nonsense", status=2)
    assert "no encoder 'nonsense'" in said
    assert len(hits(colours, "red")) == 5


def test_missing_pictures_are_pruned_when_asked_for(colours, colour_pictures):
    (colour_pictures / "red.png").unlink()
    report = answered("index", "--library", colours, "--prune")
    assert (report["removed"], report["pruned"]) == (1, 1)
    assert answered("status", "--library", colours)["missing"] == 0
    (colour_pictures / "blue.png").unlink()
    result = run("index", "--library", colours, "--prune")
    assert "1 missing pictures deleted from the library" in result.stdout


def test_move_that_was_interrupted_is_shown_by_status(colours):
    with Library.open(colours) as library:
        options = IndexOptions(workers=1, model="colour:2")
        steps = indexing(library, options=options)
        next(steps)
        steps.close()
    assert answered("status", "--library", colours)["moving"] == "to colour:2 (0 of 5)"
    result = run("status", "--library", colours)
    assert "moving    to colour:2 (0 of 5)" in result.stdout


@pytest.fixture
def many(pictures, paint) -> Path:
    """A folder of pictures for several batches."""
    for number in range(MANY):
        paint(f"{number}.png", (number, 0, 0))
    return pictures


def test_interrupted_run_keeps_what_it_has_and_the_next_one_goes_on(
    many, home, subprocess_environment
):
    words = ["index", many, "--library", home, "--model", "colour", "--workers", "1"]
    sent = signal.SIGINT  # to the whole group, as a terminal does
    status, out, err = interrupted(sent, *words, library=home, environment=subprocess_environment)
    assert status == 130
    assert err == "picfuse: interrupted; run the same command again to continue\n"
    kept = int(out.split(" added")[0])
    assert 0 < kept < MANY
    assert out.count("\n") == 1

    found = process(
        "search",
        "red",
        "--library",
        home,
        "-k",
        "400",
        "-0",
        "--no-fold",
        environment=subprocess_environment,
    )
    assert found.stdout.count("\0") == kept

    again = process(*words, environment=subprocess_environment)
    assert again.returncode == 0
    assert again.stdout.startswith(f"{MANY - kept} added, 0 changed, {kept} unchanged, ")


def test_modules_of_the_present_folder_are_never_run(colour_pictures, home, subprocess_environment):
    for name in ("indexer", "search", "ui", "numpy", "PIL", "multiprocessing"):
        (colour_pictures / f"{name}.py").write_text("print('it ran')")
    for words in (["index", ".", "--model", "colour"], ["search", "red", "-k", "1"]):
        done = process(
            *words, "--library", home, environment=subprocess_environment, cwd=colour_pictures
        )
        assert done.returncode == 0, done.stderr
        assert "it ran" not in done.stdout + done.stderr


def test_failed_pictures_are_read_again_where_a_limit_is_named():
    assert not IndexOptions().limits_given
    assert IndexOptions(time_limit=TIME_LIMIT).limits_given
    assert IndexOptions(max_pixels=1).limits_given
    assert IndexOptions(memory_limit=1).limits_given


@pytest.mark.parametrize("option", ["--time-limit", "--memory-limit"])
@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_limit_that_is_no_positive_number_is_wrong_usage(option, limit, tmp_path):
    result = run("index", tmp_path, option, limit, "--library", tmp_path / "library")
    assert result.exit_code == 2
    assert not (tmp_path / "library").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce the limit")
def test_picture_over_the_memory_limit_is_read_under_a_higher_one(colours, colour_pictures):
    png_claiming(colour_pictures / "large.png", 15_000, 15_000, rows=15_000)
    words = ("index", "--workers", 1, "--library", colours)
    (failure,) = answered(*words, "--memory-limit", 0.75, status=1)["failed"]
    assert failure["reason"] == (
        "decoding takes more than 0.75 GiB of memory (to allow more: --memory-limit)"
    )
    assert counts(answered(*words, status=1)) == [0, 5, 0, 0, 1]
    assert counts(answered(*words, "--memory-limit", 4)) == [0, 5, 1, 0, 0]


def test_named_captions_are_taken_back(paint, pictures, tmp_path):
    paint("red.png")
    table = tmp_path / "elsewhere.csv"
    table.write_text("file,caption\nred.png,a purple wall\n")
    asked = ("index", pictures, "--library", tmp_path / "library")
    answered(*asked, "--model", "colour", "--captions", table)
    status = ("status", "--library", tmp_path / "library")
    assert answered(*status)["captions"] == 1
    answered(*asked, "--captions", "")
    assert answered(*status)["captions"] == 0
