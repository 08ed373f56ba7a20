"""The documentation is run: every option is described, and every example of the README works."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module

import click
import pytest
from command_line import ROOT, SAMPLE, process, run

from ui.cli import MODULES, main

sys.path.insert(0, str(ROOT / "docs"))
from make_cli import commands, page

README = (ROOT / "README.md").read_text(encoding="utf-8")
CLI = ROOT / "docs" / "cli.md"


def blocks(*languages, text=README) -> list[str]:
    """A page's fenced blocks in one of some languages ("" where none is named)."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


def examples() -> list[str]:
    """The lines of the README's shell blocks that call picfuse."""
    lines = [line for b in blocks("", "sh", "bash", "console") for line in b.splitlines()]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?picfuse ", line)]


def test_cli_page_is_current():
    assert CLI.read_text(encoding="utf-8") == page(), "run 'make docs'"


def test_cli_page_is_what_the_script_prints():
    script = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_cli.py")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT / "tests",
    )
    assert (script.returncode, script.stderr) == (0, "")
    assert script.stdout == page()


def test_every_command_is_documented():
    headings = re.findall(r"^## `(.+)`$", CLI.read_text(encoding="utf-8"), re.MULTILINE)
    for name in MODULES:
        assert any(heading.split()[:2] == ["picfuse", name] for heading in headings), name


def test_every_command_is_summarised_in_the_help_of_picfuse():
    summaries = click.testing.CliRunner().invoke(main, ["--help"]).output.split("Commands:")[1]
    assert [line.split()[0] for line in summaries.splitlines() if line.strip()] == list(MODULES)


def test_every_command_and_option_says_what_it_does():
    for name, context in commands():
        assert context.command.help, name
        assert f"## `{name}`" in CLI.read_text(encoding="utf-8")
        for option in context.command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{name} {option.opts[0]}"


def test_readme_has_a_python_tour_and_shell_examples():
    assert len(blocks("python")) >= 1
    assert len(examples()) >= 5


@pytest.mark.parametrize("line", examples())
def test_readme_command_is_understood(line):
    """Its options and words are taken; the command itself is not run."""
    words = shlex.split(line, comments=True)[1:]
    if "…" in words:
        pytest.skip("stands for several commands")
    context = click.Context(main, info_name="picfuse")
    command = main
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"no command {name!r}"
        command = found
    command.make_context(command.name, words, parent=context).close()


PAGES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for path in sorted({*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), ROOT / "NOTICE"})
    if path.is_file()
}
FILE_NAME = re.compile(
    r"(?<![\w./-])(?:indexer|search|ui|benchmarks|docs|tests)(?:/[\w.-]+)*/[\w-]+\.\w+"
)


def test_files_that_pages_name_are_there():
    for title, text in PAGES.items():
        named = set(FILE_NAME.findall(text))
        assert not [name for name in named if not (ROOT / name).exists()], title


def test_names_of_python_on_pages_can_be_imported():
    for title, text in PAGES.items():
        for name in set(re.findall(r"`((?:indexer|search)(?:\.\w+)+)`", text)):
            module, _, attribute = name.rpartition(".")
            try:
                import_module(name)
            except ModuleNotFoundError:
                assert hasattr(import_module(module), attribute), f"{title}: {name}"


PYTHON = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
TOURS = [*blocks("python"), *blocks("python", text=PYTHON)]
NOT_ON_TOUR = ("[a-hj]*.jpg", "[n-rt-z]*.jpg")  # the others are as good, and indexed sooner


def test_readme_and_the_page_of_python_have_tours():
    assert len(blocks("python")) == 1
    assert len(TOURS) == 3


@pytest.mark.parametrize("number", range(len(TOURS)))
def test_python_tour_runs(number, tmp_path, subprocess_environment):
    shutil.copytree(SAMPLE, tmp_path / "photos", ignore=shutil.ignore_patterns(*NOT_ON_TOUR))
    tour = subprocess.run(
        [sys.executable, "-c", TOURS[number]],
        cwd=tmp_path,
        env=subprocess_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert tour.returncode == 0, tour.stderr
    assert tour.stdout


def test_demo_answers_three_queries_and_names_the_browser_app(tmp_path, subprocess_environment):
    library, data = tmp_path / "demo library", tmp_path / "data"
    environment = subprocess_environment | {"XDG_DATA_HOME": str(data)}
    demo = process("demo", "--library", library, environment=environment)
    assert demo.returncode == 0, demo.stderr
    assert "61 added, 0 unchanged, 0 failed" in demo.stdout
    assert demo.stdout.endswith(f"\n  picfuse ui --library {shlex.quote(str(library))}\n")
    body = demo.stdout.split("The same in the browser:")[0]
    _, *parts = body.split("\n$ ")
    asked, answers = zip(*(part.split("\n", 1) for part in parts), strict=True)
    assert len(asked) == 3
    assert not data.exists()

    again = run("demo", "--library", library)
    assert "0 added, 61 unchanged, 0 failed" in again.stdout
    for line, answer in zip(asked, answers, strict=True):
        typed = run(*shlex.split(line)[1:], "--library", library)
        assert typed.stdout.strip() == answer.strip()
