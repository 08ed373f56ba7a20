"""The command line."""

from __future__ import annotations

import gc
import sys

import click

from ui.cli.group import Commands
from ui.cli.process import run_command

MODULES = {
    "index": "index",
    "search": "searching",
    "similar": "searching",
    "explain": "explain",
    "album": "album",
    "duplicates": "duplicates",
    "audit": "audit",
    "export": "export",
    "map": "map",
    "status": "status",
    "doctor": "doctor",
    "forget": "folders",
    "relocate": "folders",
    "merge": "merge",
    "watch": "watch",
    "evaluate": "evaluate",
    "train": "train",
    "publish": "publish",
    "cluster": "cluster",
    "models": "models",
    "ui": "browser",
    "serve": "serve",
    "mcp": "mcp",
    "demo": "demo",
}

main = Commands(
    MODULES,
    name="picfuse",
    help="Search your pictures by words, by another picture, or by both, all offline.\n\n"
    "Start with 'picfuse index ~/Pictures', then try 'picfuse search a dog in the snow'.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
main = click.version_option(package_name="picfuse", message="%(prog)s %(version)s")(main)


def run() -> None:
    """Run the command as a process of its own.

    Imports create many objects, so the garbage collector runs often. Raising its threshold, and
    skipping the collection at exit, saves a sixth of a cold query.
    """
    gc.set_threshold(10_000)
    try:
        run_command(lambda: main(prog_name="picfuse"))
    finally:
        if "torch" not in sys.modules:  # torch complains about objects that are left
            gc.freeze()
