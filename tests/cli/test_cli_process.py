"""The end of the process: full and closed outputs, unexpected errors, memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import command, index_colours

from ui.cli.process import CLOSED, UNEXPECTED, UNWRITABLE

FULL = Path("/dev/full")


@pytest.fixture
def home(colour_pictures, tmp_path):
    library = tmp_path / "library"
    assert index_colours(colour_pictures, library).exit_code == 0
    return library


def ended(words, environment, **streams):
    """A finished process whose output goes to the given streams."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(words, env=environment, text=True, timeout=60, **streams)


def failing(code: str, environment):
    """A command that does what the code says, in a process of its own."""
    script = f"from ui.cli.process import run_command\ndef command():\n    {code}\n"
    return ended([sys.executable, "-c", f"{script}run_command(command)"], environment)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    "words", [("search", "red"), ("search", "red", "-0"), ("export",), ("--help",)], ids=" ".join
)
def test_full_output_ends_quietly(words, home, subprocess_environment):
    environment = subprocess_environment | {"PICFUSE_LIBRARY": str(home)}
    with FULL.open("w") as full:
        end = ended(command(*words), environment, stdout=full)
    assert (end.returncode, end.stderr) == (UNWRITABLE, "")


@pytest.mark.parametrize("words", [("status", "--json"), ("export",)], ids=" ".join)
def test_closed_pipe_ends_quietly(words, home, subprocess_environment):
    environment = subprocess_environment | {"PICFUSE_LIBRARY": str(home)}
    reader, writer = os.pipe()
    os.close(reader)
    end = ended(command(*words), environment, stdout=writer)
    os.close(writer)
    assert (end.returncode, end.stderr) == (CLOSED, "")


def test_closed_standard_output_is_unwritable_and_no_file_takes_its_place(subprocess_environment):
    script = "open('/dev/null'); import click; click.echo('lost')"
    words = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-c"]
    code = f"from ui.cli.process import run_command\nrun_command(lambda: exec({script!r}))"
    end = ended([*words, code], subprocess_environment)
    assert (end.returncode, end.stderr) == (UNWRITABLE, "")


def test_unexpected_error_is_one_line_and_a_traceback_in_the_log(subprocess_environment, tmp_path):
    environment = subprocess_environment | {"XDG_STATE_HOME": str(tmp_path / "state")}
    for _ in range(2):
        end = failing("raise ValueError('no\\nway')", environment)
        assert end.returncode == UNEXPECTED
        assert end.stderr.startswith("picfuse: unexpected error (ValueError: no way)")
        assert end.stderr.count("\n") == 1
    (log,) = (tmp_path / "state").rglob("*.log")
    assert str(log) in end.stderr
    assert log.read_text().count("Traceback") == 2


def test_log_that_cannot_be_written_leaves_the_traceback_on_standard_error(
    subprocess_environment, tmp_path
):
    (tmp_path / "state").write_text("a file, not a folder")
    end = failing("1 / 0", subprocess_environment | {"XDG_STATE_HOME": str(tmp_path / "state")})
    assert end.returncode == UNEXPECTED
    assert "Traceback" in end.stderr
    assert "ZeroDivisionError" in end.stderr.splitlines()[-1]


@pytest.mark.parametrize("error", ["MemoryError()", "RuntimeError('std::bad_alloc')"])
def test_lack_of_memory_is_named(error, subprocess_environment, tmp_path):
    end = failing(f"raise {error}", subprocess_environment | {"XDG_STATE_HOME": str(tmp_path)})
    assert end.returncode == UNEXPECTED
    assert end.stderr.startswith("picfuse: out of memory; ")


def test_status_of_a_command_is_kept(subprocess_environment):
    assert failing("raise SystemExit(3)", subprocess_environment).returncode == 3
    assert failing("return None", subprocess_environment).returncode == 0
