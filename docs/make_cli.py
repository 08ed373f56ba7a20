"""Print docs/cli.md: the help of every command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))
from ui.cli import main

WIDTH = 100
INTRODUCTION = """\
# The command line

Printed from each command's `--help` by `make docs`.

Results go to standard output, progress and messages to standard error. Exit status: 0 found,
1 nothing matched (or some files failed to index), 2 wrong usage, 3 the library or a model is
missing or damaged, 70 an unexpected error, 74 and 141 standard output is full or closed, 130
interrupted.
"""


def commands(context: click.Context | None = None) -> Iterator[tuple[str, click.Context]]:
    """Every command below one (by default picfuse itself), with the words that call it."""
    context = context or _context(main, "picfuse", None)
    yield context.command_path, context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from commands(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": WIDTH}
    return click.Context(command, info_name=name, parent=parent, **settings)


def page() -> str:
    """The text of docs/cli.md."""
    parts = [f"## `{name}`\n\n```\n{_help(context)}\n```\n" for name, context in commands()]
    return "\n".join([INTRODUCTION, *parts])


def _help(context: click.Context) -> str:
    text = context.command.get_help(context)
    return "\n".join(line.rstrip() for line in text.splitlines())


if __name__ == "__main__":
    sys.stdout.write(page())
