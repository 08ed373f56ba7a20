"""Captions, names, reasons and queries are data: no control sequence of them reaches a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import tty
import unicodedata
from contextlib import closing

import pytest
from command_line import command, index_colours, refusal, run

from indexer.catalogue.values import FAILED

OWN_COLOURS = re.compile("\x1b\\[(?:32|2|0)m")  # green, dim and back; the hostile ones are others
SEQUENCES = {
    "csi": "\x1b[31m\x1b[2J",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://example.com\x1b\\here",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "c1": "\x9b31m\x9d0;owned\x9c",
    "bidi": "gnp.\u202egpj\u202c\u2066x\u2069",
    "overwrite": "safe\rowned\x08\x7f",
    "lines": "a\npicfuse: owned\u2028b\x85c\x0bd\x0ce",
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade",
    "tags": "a\U000e0041\U000e0042",
}
HOSTILE = "".join(SEQUENCES.values())
NAME = HOSTILE.replace("/", "") + os.fsdecode(b"\xff\x9b31m")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such names, no pty")


@pytest.fixture
def hostile(tmp_path):
    """A folder in which every name and caption is hostile, and some files are broken."""
    folder = tmp_path / f"pictures {SEQUENCES['csi']}{SEQUENCES['bidi']}"
    folder.mkdir()
    return folder


@pytest.fixture
def filled(hostile, paint):
    """The same with a picture, one that cannot be read, a link to nowhere and a lost caption."""
    made = paint("red.png")
    short = NAME.encode("utf-8", "surrogateescape")[:200].decode("utf-8", "surrogateescape")
    made.rename(hostile / f"{short}.png")
    (hostile / f"{short}.txt").write_text(f"red {HOSTILE}", newline="")
    (hostile / f"broken{short}.png").write_bytes(b"no picture")
    (hostile / f"link{short}.png").symlink_to("nowhere")
    (hostile / "captions.csv").write_text(f"file,caption\n{SEQUENCES['csi']}.png,nobody\n")
    return hostile


@pytest.fixture
def home(tmp_path):
    """Path of the library, which is hostile too."""
    return tmp_path / f"library {SEQUENCES['csi']}{SEQUENCES['title']}"


@pytest.fixture
def indexed(filled, home):
    """The library of the hostile folder, with hostile reasons and captions in the catalogue."""
    assert index_colours(filled, home).exit_code == 1
    with closing(sqlite3.connect(home / "catalogue.sqlite")) as database, database:
        failed = database.execute(
            "UPDATE pictures SET reason = ? WHERE state = ?", (f"reason {HOSTILE}", FAILED)
        )
        captions = database.execute(
            "UPDATE captions SET text = ? WHERE position = 0", (f"red {HOSTILE}",)
        )
        assert failed.rowcount == captions.rowcount == 1
    return home


def harmful(output: str) -> list[str]:
    """Sequences of an output that act on a terminal, beyond line ends and picfuse's own colours."""
    rest = OWN_COLOURS.sub("", output).replace("\n", "")
    return [c for c in rest if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def said(*arguments, status=0, **options):
    """All that a command prints where colours are wanted, which must be harmless."""
    result = run(*arguments, color=True, **options)  # else click itself would strip some
    assert result.exit_code == status, result.output
    assert harmful(result.stdout + result.stderr) == []
    return result.stdout + result.stderr


def on_a_terminal(*arguments, environment):
    """Exit status, standard output as a terminal got it, and standard error."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)  # else it would turn line ends into others
    with subprocess.Popen(
        command(*arguments), stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment
    ) as running:
        os.close(theirs)
        output = b""
        while part := _read(ours):
            output += part
        errors = running.stderr.read()
    os.close(ours)
    return running.returncode, output.decode(), errors.decode()


def _read(terminal):
    try:
        return os.read(terminal, 2**16)
    except OSError:  # Linux says so when the last writer has gone
        return b""


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_what_is_harmful_is_known_as_such(sequence):
    assert harmful(SEQUENCES[sequence])
    assert not harmful("\x1b[32m 0.5\x1b[0m  a\u0308 \U0001f600 \u05d0\n")


def test_search_shows_hostile_names_and_captions_as_escapes(indexed):
    output = said("search", "red", "--library", indexed)
    assert r"red \x1b[31m\x1b[2J\x1b]0;owned\x07" in output
    assert r"\u202egpj" in output
    assert output.count("\n") == 2  # the path, and the caption below it


def test_similar_shows_hostile_names_and_captions_as_escapes(indexed, paint):
    output = said("similar", paint("red.png"), "--library", indexed, status=1)
    assert "nothing matched" in output  # the same picture is left out of its own hits
    output = said("similar", paint("blue.png"), "--library", indexed)
    assert r"\x1b]8;;http://example.com" in output


def test_status_shows_hostile_paths_and_reasons_as_escapes(indexed):
    output = said("status", "--failed", "--library", indexed)
    assert r"reason \x1b[31m" in output
    assert r"library \x1b[31m\x1b[2J\x1b]0;owned\x07" in output
    assert output.count("\n") == 12


def test_status_shows_hostile_names_of_skipped_files_as_escapes(paint, pictures, tmp_path):
    paint("red.png")
    (pictures / f"a.b{SEQUENCES['csi']}").write_bytes(b"nothing known")
    output = said("index", pictures, "--library", tmp_path / "own", "--model", "colour")
    assert r"b\x1b[31m" in output
    assert r"b\x1b[31m" in said("status", "--skipped", "--library", tmp_path / "own")


def test_index_reports_hostile_names_as_escapes(filled, home):
    output = said("index", filled, "--library", home, "--model", "colour", "--workers", 1, status=1)
    assert re.search(r"^failed: .*broken\\x1b\[31m", output, re.MULTILINE)
    assert re.search(r"^picfuse: .*link\\x1b\[31m.*broken link", output, re.MULTILINE)
    assert re.search(r"^picfuse: .*captions\.csv: 1 of 1 captions", output, re.MULTILINE)
    assert "picfuse: owned" not in output.splitlines()


def test_evaluate_reports_hostile_names_as_escapes(filled):
    output = said("evaluate", filled, "--model", "colour", status=2)
    assert re.search(r"^failed: .*broken\\x1b\[31m", output, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["search", "red", "--json"],
        ["search", "red", "--jsonl"],
        ["status", "--failed", "--json"],
    ],
)
def test_json_has_no_control_character_in_it(indexed, arguments):
    output = said(*arguments, "--library", indexed)
    assert output.isascii()


def test_json_gives_hostile_text_whole(indexed):
    (line,) = run("search", "red", "--jsonl", "--library", indexed).stdout.splitlines()
    assert json.loads(line)["caption"] == f"red {HOSTILE}"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["search", "./{}.png"], 2),
        (["search", "http://localhost:1/{}.png", "--offline"], 2),
        (["search", "red", "--{}"], 2),
        (["search", "red", "--weight", "{}"], 2),
        (["similar", "{}.png"], 2),
        (["similar", "red.png", "more{}"], 2),
        (["status", "more{}", "{}"], 2),
        (["status", "--library", "nowhere{}"], 3),
        (["index", "nowhere{}"], 2),
        (["index", ".", "--captions", "nowhere{}"], 2),
        (["index", ".", "--model", "no{}"], 2),
        (["index", ".", "--fusion", "no{}"], 2),
        (["evaluate", "nowhere{}"], 2),
        (["evaluate", ".", "--fusion", "{}"], 2),
        (["evaluate", ".", "--split", "nowhere{}"], 2),
        (["train", "align", "nowhere{}"], 2),
        (["train", "no{}"], 2),
        (["models", "--{}"], 2),
        (["ui", "--port", "{}"], 2),
        (["no{}"], 2),
        (["--{}"], 2),
    ],
)
def test_what_was_typed_is_quoted_with_escapes(words, status, library, monkeypatch):
    monkeypatch.setenv("PICFUSE_LIBRARY", str(library.path))
    monkeypatch.chdir(library.path)
    output = said(*(word.format(HOSTILE) for word in words), status=status)
    assert r"\x1b[31m" in output


def test_name_that_is_not_utf8_is_quoted_as_an_escape(library):
    said("search", os.fsdecode(b"./\xff\x9b.png"), "--library", library.path, status=2)
    said("status", os.fsdecode(b"\xff\x9b"), status=2)


def test_bare_group_still_shows_its_help():
    for words in ([], ["train"]):
        assert "Commands:" in said(*words, status=2)


def test_hostile_encoder_of_a_library_is_quoted_with_escapes(library):
    library.close()
    with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as database, database:
        (text,) = database.execute("SELECT value FROM settings WHERE key = 'library'").fetchone()
        settings = json.loads(text) | {"encoder": HOSTILE}
        database.execute(
            "UPDATE settings SET value = ? WHERE key = 'library'", (json.dumps(settings),)
        )
    message = refusal("search", "red", "--library", library.path, status=2, color=True)
    assert r"\x1b[31m" in message
    assert harmful(message) == []


def test_models_shows_hostile_names_of_packages_plainly(monkeypatch):
    names = {f"[red]mine[/red]:smile:{SEQUENCES['csi']}": "", "[/]": ""}
    monkeypatch.setattr("ui.cli.commands.models.schemes", lambda: names)
    output = said("models")
    assert r"[red]mine[/red]:smile:\x1b[31m\x1b[2J" in output
    assert "[/]" in output


def test_terminal_gets_no_control_sequence_but_those_of_picfuse(
    indexed, filled, subprocess_environment
):
    for words, status in (
        (["search", "red"], 0),
        (["similar", indexed / "no\x1b[31m.png"], 2),
        (["status", "--failed"], 0),
        (["index", "--workers", "1"], 1),
        (["status", "more\x1b[31m\u202e"], 2),
    ):
        found, output, errors = on_a_terminal(
            *words, "--library", indexed, environment=subprocess_environment | {"TERM": "xterm"}
        )
        assert found == status, errors
        assert harmful(output) == harmful(errors) == []
        assert ("\x1b[32m" in output) == (words[0] == "search")  # it was known as a terminal
        assert (r"\x1b[31m" in output) == (status == 0)
