"""Run picfuse as a user does: in this process, or as a command of its own."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from click.testing import CliRunner, Result
from colour_encoder import GATE
from filelock import FileLock

from ui.cli import main

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
GOLDEN = ROOT / "tests" / "golden"


def run(*arguments: object, **options) -> Result:
    """Run a command in this process; an exception that is nobody's fault but ours comes through."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, prog_name="picfuse", catch_exceptions=False, **options)


def answered(*arguments: object, status: int = 0, **options) -> dict:
    """The JSON object that a command prints, and nothing else on standard output."""
    result = run(*arguments, "--json", **options)
    assert result.exit_code == status, result.output
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def refusal(*arguments: object, status: int, **options) -> str:
    """The refusal of a command on standard error: a line, and perhaps the place in a text."""
    result = run(*arguments, **options)
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    said, *marked = result.stderr.splitlines()
    assert not marked or (len(marked) == 2 and marked[1].strip() == "^"), result.stderr
    assert said.startswith("picfuse: ")
    return said


def command(*arguments: object) -> list[str]:
    """The words that start picfuse in a process of its own; as its script, from any folder."""
    return [sys.executable, "-P", "-m", "ui", *(os.fspath(argument) for argument in arguments)]


def process(*arguments: object, environment: dict[str, str], **options):
    """Run picfuse in a process of its own, with no terminal and nothing on standard input."""
    options = {"stdin": subprocess.DEVNULL, "text": True, "timeout": 120, **options}
    return subprocess.run(command(*arguments), capture_output=True, env=environment, **options)


def interrupted(
    number: int, *words: object, library: Path, environment: dict[str, str]
) -> tuple[int, str, str]:
    """Status and output of an indexing with `colour` whose process group is sent a signal.

    It comes when the first batch is stored, and before the second one is encoded.
    """
    gate = library.with_name("gate")
    gate.touch()
    running = subprocess.Popen(
        command(*words),
        env=environment | {GATE: str(gate)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    await_stored(library)
    os.killpg(running.pid, number)
    gate.unlink()
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def await_stored(library: Path) -> None:
    """Wait until another process has stored pictures in a library."""
    until = time.monotonic() + 120
    while not stored(library):
        assert time.monotonic() < until, "nothing was stored in two minutes"
        time.sleep(0.02)


def stored(library: Path) -> int:
    """Number of pictures in a library while another process writes to it."""
    with suppress(sqlite3.Error):
        address = f"file:{library}/catalogue.sqlite?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as catalogue:
            return catalogue.execute("SELECT count(*) FROM pictures").fetchone()[0]
    return 0


def index_colours(folder: Path, library: Path, *more: object) -> Result:
    """Index pictures with the encoder that one can compute in one's head."""
    return run("index", folder, "--library", library, "--model", "colour", "--workers", 1, *more)


def sample_library(tmp_path_factory) -> Path:
    """A library of the sample photographs, made with the built-in model once for all processes.

    In fp32, which ranks alike on every machine: by default `index` takes int8 where it measures
    that to be faster, and int8 ranks differently.
    """
    room = tmp_path_factory.getbasetemp()
    room = room.parent if "PYTEST_XDIST_WORKER" in os.environ else room
    library = room / "sample library"
    with FileLock(room / "sample.lock"):
        if not library.exists():
            made = room / "sample library in the making"
            result = run("index", SAMPLE, "--library", made, "--precision", "fp32")
            assert result.exit_code == 0, result.output
            made.rename(library)
    return library
