"""The service as a process of its own, asked by the clients of its page of documentation."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest
from command_line import ROOT, command, process

PAGE = (ROOT / "docs" / "service.md").read_text("utf-8")


def example(language: str) -> str:
    """The example of a language on the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


HEAVY = {"numpy", "sqlite3", "onnxruntime", "indexer.library.library", "search.searcher"}
RUNS = {"sh": ["bash", "-ec"], "python": [sys.executable, "-c"], "js": ["node", "-e"]}


def imported(*words, environment) -> set[str]:
    """Modules that a command imports."""
    python, *rest = command(*words)
    ran = subprocess.run(
        [python, "-X", "importtime", *rest],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}


@contextmanager
def serving(*words, environment):
    """A service of its own; its address, and the process."""
    started = subprocess.Popen(
        command("serve", "--port", "0", *words),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = started.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + started.stderr.read()
        yield found[0], started
    finally:
        started.kill()
        started.communicate()


def test_service_answers_the_clients_of_its_page_and_stops_when_told(
    colour_library, colour_pictures, tmp_path, short_folder, subprocess_environment
):
    environment = subprocess_environment | {"XDG_RUNTIME_DIR": str(short_folder)}
    shutil.copy(colour_pictures / "red.png", tmp_path / "dog.jpg")
    home = colour_library.path
    with serving("--library", home, environment=environment) as (address, started):
        for language, runner in RUNS.items():
            if shutil.which(runner[0]) is None or (language == "sh" and not shutil.which("curl")):
                continue
            script = example(language).replace("localhost:8600", address.removeprefix("http://"))
            if language == "js":
                script = f"(async () => {{{script}}})()"
            ran = subprocess.run(
                [*runner, script],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (ran.returncode, ran.stderr) == (0, ""), language
            assert ran.stdout.count(".png") >= 3, language
        (socket,) = (short_folder / "picfuse").iterdir()
        cold = process("search", "red", "--library", home, "--no-service", environment=environment)
        warm = process("search", "red", "--library", home, environment=environment)
        assert (warm.stdout, warm.stderr, warm.returncode) == (cold.stdout, cold.stderr, 0)
        assert not imported("search", "red", "--library", home, environment=environment) & HEAVY
        with urllib.request.urlopen(f"{address}/openapi.json", timeout=30) as response:
            assert json.load(response)["info"]["title"] == "picfuse"
        started.send_signal(signal.SIGTERM)
        _, said = started.communicate(timeout=60)
        assert (started.returncode, said) == (0, "")
        assert not socket.exists()


@pytest.mark.parametrize("language", RUNS)
def test_page_has_an_example(language):
    assert "8600" in example(language)
