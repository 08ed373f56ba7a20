"""Run picfuse as a user does: in this process, or as a command of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from ui.cli import main

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
GOLDEN = Path(__file__).parent / "golden"
_SAMPLE: list[Path] = []


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
    """The one line on standard error with which a command refuses."""
    result = run(*arguments, **options)
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("picfuse: ")
    return result.stderr.strip()


def command(*arguments: object) -> list[str]:
    """The words that start picfuse in a process of its own; as its script, from any folder."""
    return [sys.executable, "-P", "-m", "ui", *(os.fspath(argument) for argument in arguments)]


def process(*arguments: object, environment: dict[str, str], **options):
    """Run picfuse in a process of its own, with no terminal and nothing on standard input."""
    options = {"stdin": subprocess.DEVNULL, "text": True, "timeout": 120, **options}
    return subprocess.run(command(*arguments), capture_output=True, env=environment, **options)


def index_colours(folder: Path, library: Path, *more: object) -> Result:
    """Index pictures with the encoder that one can compute in one's head."""
    return run("index", folder, "--library", library, "--model", "colour", "--workers", 1, *more)


def sample_library(tmp_path_factory) -> Path:
    """A library of the sample photographs, made with the built-in model once a process."""
    if not _SAMPLE:
        path = tmp_path_factory.mktemp("sample") / "library"
        assert run("index", SAMPLE, "--library", path).exit_code == 0
        _SAMPLE.append(path)
    return _SAMPLE[0]
