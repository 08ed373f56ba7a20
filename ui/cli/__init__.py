"""The command line."""

from __future__ import annotations

import gc
import sys

import click

from ui.cli.group import Commands

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
    "watch": "watch",
    "evaluate": "evaluate",
    "train": "train",
    "models": "models",
    "ui": "browser",
    "demo": "demo",
}

main = Commands(
    MODULES,
    name="picfuse",
    help="Find your pictures by words, by another picture, or by both; offline.\n\n"
    "Begin with 'picfuse index ~/Pictures', then 'picfuse search a dog in the snow'.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
main = click.version_option(package_name="picfuse", message="%(prog)s %(version)s")(main)


def run() -> None:
    """Run the command as a process of its own.

    Python looks for garbage after each 700 new objects, of which imports make many, and among all
    objects as it ends: to do so seldom, and not at the end, saves a sixth of a cold query.
    """
    gc.set_threshold(10_000)
    try:
        main(prog_name="picfuse")
    finally:
        if "torch" not in sys.modules:  # parts of it complain of what is left
            gc.freeze()
