"""Paths on the command line: "~" is the home directory wherever a file or folder is named."""

import os
import re
import sys

import click
import pytest
from command_line import ROOT, index_colours, run

from ui.cli.options.paths import UserPath, UserText

sys.path.insert(0, str(ROOT / "docs"))
from make_cli import commands

NAMES_A_FILE = re.compile(r"\b(file|folder|picture|FILE|FOLDER|PICTURE|encoder|PATTERN)\b")
NOT_NAMES = {"where", "zero", "tier"}  # conditions and flags whose help speaks of pictures


def texts_and_paths():
    """Every parameter of every command that is a path, or a text that may name one."""
    for name, context in commands():
        for parameter in context.command.params:
            said = f"{getattr(parameter, 'help', '')} {parameter.metavar} {parameter.name}"
            text = isinstance(parameter.type, click.types.StringParamType | UserText)
            if isinstance(parameter.type, click.Path) or (
                text and NAMES_A_FILE.search(said) and parameter.name not in NOT_NAMES
            ):
                yield pytest.param(context, parameter, id=f"{name} {parameter.opts[-1]}")


@pytest.fixture
def user(tmp_path, monkeypatch):
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.mark.parametrize(("context", "parameter"), list(texts_and_paths()))
def test_every_parameter_that_names_a_file_expands_the_home_directory(context, parameter, user):
    taken = parameter.type.convert("~/some thing.x", parameter, context)
    assert os.fspath(taken) == str(user / "some thing.x")
    unknown = parameter.type.convert("~nobody-of-this-name/x", parameter, context)
    assert os.fspath(unknown) == "~nobody-of-this-name/x"


def test_path_behind_a_scheme_expands_too_and_a_url_stays(user):
    assert UserText().convert("int8:mini:~/h.safetensors", None, None) == (
        f"int8:mini:{user}/h.safetensors"
    )
    for same in ("https://host:80/~me/a.jpg", "mini", "@-", "0.25", "open_clip:ViT-B-32/laion"):
        assert UserText().convert(same, None, None) == same


def test_empty_text_clears_only_where_that_means_something():
    assert UserPath(clears=True).convert("", None, None) is None
    assert UserPath().convert("", None, None) is not None


def test_glued_option_writes_into_the_home_directory(user, colour_pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    library = tmp_path / "library"
    assert index_colours(colour_pictures, library, "--captions=").exit_code == 0
    written = run("export", "--output=~/x.csv", "--embeddings=~/x.npy", "--library", library)
    assert written.exit_code == 0, written.output
    assert run("export", "--into=~/out", "--library", library).exit_code == 0
    assert {"x.csv", "x.npy", "out"} <= {path.name for path in user.iterdir()}
    assert not (tmp_path / "~").exists()
