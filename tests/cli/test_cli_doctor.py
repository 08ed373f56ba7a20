"""`picfuse doctor`, `forget` and `relocate`: what they say, and what scripts read."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import GOLDEN, answered, index_colours, refusal, run

from indexer.catalogue.database import FILE

FINDING = ["check", "serious", "count", "meaning", "remedy", "repairable", "examples"]


@pytest.fixture
def home(colour_pictures, tmp_path) -> Path:
    """A library of five pictures with two captions."""
    index_colours(colour_pictures, tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture
def hurt(home, colour_pictures) -> Path:
    """The same with an embedding, a vector file and a thumbnail lost, and a picture gone."""
    with closing(sqlite3.connect(home / FILE)) as connection:
        connection.execute("DELETE FROM embeddings WHERE id = 1")
        connection.commit()
    for path in (next(home.glob("vectors-*")), *sorted(home.rglob("*.jpg"))[:1]):
        path.write_bytes(b"nonsense")
    (colour_pictures / "red.png").unlink()
    return home


def test_sound_library_is_said_to_be_sound(home):
    result = run("doctor", "--library", home)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "the library is sound\n", "")
    assert answered("doctor", "--library", home) == {
        "library": str(home),
        "sound": True,
        "findings": [],
        "repaired": [],
    }


def test_doctor_for_people(hurt, tmp_path):
    result = run("doctor", "--library", hurt)
    assert result.exit_code == 1
    printed = result.stdout.replace(str(tmp_path), "HERE")
    (thumbnail,) = [path.name for path in sorted(hurt.rglob("*.jpg"))[:1]]
    printed = printed.replace(thumbnail, "THUMBNAIL")
    printed = printed.replace(next(hurt.glob("vectors-*")).name, "VECTORS")
    assert printed == (GOLDEN / "test_doctor_for_people.txt").read_text()


def test_findings_have_the_keys_that_are_documented(hurt):
    report = answered("doctor", "--library", hurt, status=1)
    assert report["sound"] is False
    assert [list(finding) for finding in report["findings"]] == [FINDING] * len(report["findings"])
    serious = {finding["check"] for finding in report["findings"] if finding["serious"]}
    assert serious == {"pictures", "vectors", "thumbnails"}


def test_repair_puts_right_what_it_can_and_says_what_is_left(hurt):
    report = answered("doctor", "--repair", "--library", hurt)
    assert report["sound"] is True
    assert {finding["check"] for finding in report["repaired"]} >= {"pictures", "vectors"}
    assert {finding["check"] for finding in report["findings"]} == {"waiting", "files"}
    assert run("index", "--library", hurt, "--workers", 1).exit_code == 0
    assert answered("doctor", "--library", hurt)["sound"] is True
    assert len(answered("search", "blue", "--library", hurt, "-k", 9)["hits"]) == 4


def test_catalogue_that_cannot_be_read_is_rescued(home):
    with closing(sqlite3.connect(home / FILE)) as connection:
        root = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'captions'"
        ).fetchone()[0]
    with (home / FILE).open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    assert run("doctor", "--library", home).exit_code == 1
    result = run("doctor", "--rescue", "--library", home)
    assert "rescued 5 pictures, 0 captions, 7 embeddings" in result.stdout
    assert "run 'picfuse index' to bring back what was lost" in result.stdout
    run("index", "--library", home, "--workers", 1)
    facts = answered("status", "--library", home)
    assert (facts["pictures"], facts["captions"]) == (5, 2)
    assert (home / "catalogue.damaged.sqlite").is_file()


def test_rescue_and_repair_are_two_steps(home):
    result = run("doctor", "--rescue", "--repair", "--library", home)
    assert result.exit_code == 2
    assert "run 'picfuse index' in between" in result.stderr


def test_rescue_without_a_library_is_status_3(tmp_path):
    said = refusal("doctor", "--rescue", "--library", tmp_path / "none", status=3)
    assert "no library here" in said


def test_tilde_in_the_environment_is_the_home_directory(home, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PICFUSE_LIBRARY", "~/library")
    assert answered("doctor")["library"] == str(home)
    assert "rescued 5 pictures" in run("doctor", "--rescue").stdout
    assert answered("search", "red", "-k", 1)["hits"][0]["caption"] is None
    assert list(elsewhere.iterdir()) == []


def test_forgotten_folder_is_gone_and_its_pictures_are_left(home, colour_pictures):
    result = run("forget", colour_pictures, "--library", home)
    assert result.exit_code == 0
    assert "forgotten, with 5 pictures; no file is deleted" in result.stdout
    facts = answered("status", "--library", home)
    assert (facts["pictures"], facts["folders"]) == (0, [])
    assert len(list(colour_pictures.glob("*.png"))) == 5


def test_forgetting_for_scripts(home, colour_pictures):
    report = answered("forget", colour_pictures, "--library", home)
    assert report == {"path": str(colour_pictures), "forgotten": 5}


def test_forgetting_what_is_not_known_is_wrong_usage(home, tmp_path):
    said = refusal("forget", tmp_path / "other", "--library", home, status=2)
    assert "not a folder of this library" in said


def test_relocated_folder_is_found_in_its_new_place(home, colour_pictures, tmp_path):
    shutil.move(colour_pictures, tmp_path / "new")
    report = answered("relocate", colour_pictures, tmp_path / "new", "--library", home)
    assert report == {
        "relocated": [{"old": str(colour_pictures), "new": str(tmp_path / "new"), "pictures": 5}]
    }
    (hit,) = answered("search", "red", "--library", home, "-k", 1)["hits"]
    assert hit["path"] == str(tmp_path / "new" / "red.png")
    result = run("relocate", tmp_path / "new", tmp_path / "new", "--library", home)
    assert "(5 pictures)" in result.stdout


def test_relocating_what_was_missing_says_how_it_is_found_again(home, colour_pictures, tmp_path):
    shutil.move(colour_pictures, tmp_path / "new")
    colour_pictures.mkdir()
    answered("index", "--library", home, status=1)
    colour_pictures.rmdir()
    result = run("relocate", colour_pictures, tmp_path / "new", "--library", home)
    assert "5 pictures are missing; 'picfuse index' looks for them again" in result.stderr
    answered("index", "--library", home)
    result = run("relocate", tmp_path / "new", tmp_path / "new", "--library", home)
    assert "missing" not in result.stderr


def test_relocating_to_nowhere_is_wrong_usage(home, colour_pictures, tmp_path):
    said = refusal("relocate", colour_pictures, tmp_path / "no", "--library", home, status=2)
    assert "no such folder" in said
