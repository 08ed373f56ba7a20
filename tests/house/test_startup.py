"""Imports of the commands: `--help` and a text query are quick because they import little."""

import json
import subprocess
import sys

import pytest
from command_line import sample_library

HEAVY = {"torch", "transformers", "timm", "streamlit", "alembic", "open_clip"}
LEARNED_FUSIONS = {f"indexer.fusion.{name}" for name in ("gated", "learned", "product", "weights")}
REPORT = """
import atexit, json, sys
def report():
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
atexit.register(report)
from ui.cli import MODULES, main
"""
ONE = "main(sys.argv[1:], prog_name='picfuse')"
EVERY_HELP = "for name in MODULES: main([name, '--help'], standalone_mode=False)"


def imported(*words, environment, script=ONE) -> set[str]:
    """The packages that a command has imported when it ends."""
    modules = imported_modules(*words, environment=environment, script=script)
    return {name.partition(".")[0] for name in modules}


def imported_modules(*words, environment, script=ONE) -> set[str]:
    """All modules that a command has imported when it ends."""
    run = subprocess.run(
        [sys.executable, "-c", REPORT + script, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout
    return set(json.loads(run.stderr.splitlines()[-1]))


def test_help_imports_nothing_heavy(subprocess_environment):
    packages = imported("--help", environment=subprocess_environment)
    assert "click" in packages
    assert not packages & (HEAVY | {"numpy", "sqlalchemy", "faiss", "onnxruntime", "PIL"})


def test_help_of_every_command_needs_no_model(subprocess_environment):
    packages = imported(environment=subprocess_environment, script=EVERY_HELP)
    assert "faiss" not in packages
    assert not packages & HEAVY


def test_text_query_imports_no_torch(tmp_path_factory, subprocess_environment):
    library = sample_library(tmp_path_factory)
    packages = imported("search", "a cat", "--library", library, environment=subprocess_environment)
    assert "onnxruntime" in packages
    assert not packages & HEAVY


def test_text_query_imports_only_what_it_needs(tmp_path_factory, subprocess_environment):
    library = sample_library(tmp_path_factory)
    packages = imported("search", "a cat", "--library", library, environment=subprocess_environment)
    assert packages >= {"click", "numpy", "onnxruntime", "sqlite3", "tokenizers"}
    assert not packages & {"sqlalchemy", "PIL", "pillow_heif", "http", "ssl", "rich", "asyncio"}


def test_text_query_of_a_concat_library_imports_no_learned_fusion(
    tmp_path_factory, subprocess_environment
):
    library = sample_library(tmp_path_factory)
    words = ("search", "a cat", "--library", library)
    modules = imported_modules(*words, environment=subprocess_environment)
    assert "indexer.fusion.concat" in modules
    assert not modules & LEARNED_FUSIONS


def test_search_by_words_opens_no_encoder(tmp_path_factory, subprocess_environment):
    library = sample_library(tmp_path_factory)
    words = ("search", "igloo", "--mode", "words", "--library", library)
    packages = imported(*words, environment=subprocess_environment)
    unneeded = {"onnxruntime", "tokenizers", "safetensors", "sqlalchemy", "faiss", "PIL"}
    assert not packages & (HEAVY | unneeded)


def test_library_opened_for_writing_imports_sqlalchemy_with_its_first_write(
    colour_library, subprocess_environment
):
    script = """
import sys
from indexer import Library
with Library.open(sys.argv[1]) as library:
    print(library.catalogue.counts()["present"], "sqlalchemy" in sys.modules)
    with library.writing() as batch:
        batch.settings.set("colour", "mauve")
    print(library.catalogue.setting("colour"), "sqlalchemy" in sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(colour_library.path)],
        capture_output=True,
        text=True,
        env=subprocess_environment,
        timeout=120,
    )
    assert run.stdout.splitlines() == ["5 False", "mauve True"], run.stderr


def test_second_run_of_index_imports_no_torch(
    colour_library, colour_pictures, subprocess_environment
):
    words = ("index", colour_pictures, "--library", colour_library.path)
    assert not imported(*words, environment=subprocess_environment) & HEAVY


def test_index_imports_no_sqlalchemy_before_it_writes(subprocess_environment):
    packages = imported("index", "--help", environment=subprocess_environment)
    assert "numpy" in packages  # as the modules that index are imported
    assert "sqlalchemy" not in packages


@pytest.mark.parametrize("first", ["", "torch", "torch, triton._C.libtriton"])
def test_process_ends_without_a_word_of_its_own(subprocess_environment, first):
    if "triton" in first:  # it is part of some builds of PyTorch; it tells of what is left
        pytest.importorskip("triton._C.libtriton")
    script = f"import {first or 'sys'}\nfrom ui.cli import run\nrun()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--version"],
        capture_output=True,
        text=True,
        env=subprocess_environment,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("picfuse ")
