"""The click group: commands loaded when they are used, errors in one place, shared options."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any, TypeVar

import click

from indexer.errors import InputError, LibraryError, ModelError, PicfuseError, PlacedError
from indexer.locations import default_library
from ui.cli.output.text import harmless_usage, shown
from ui.exits import exit_status

F = TypeVar("F", bound=Callable[..., Any])
NOTHING_MATCHED, USAGE, DAMAGED = 1, 2, 3


def _status(error: PicfuseError) -> int:
    if isinstance(error, LibraryError | ModelError):
        return DAMAGED
    return USAGE if isinstance(error, InputError) else NOTHING_MATCHED


class Commands(click.Group):
    """A group whose commands are imported only when they are called or described."""

    def __init__(self, modules: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the contract."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in self._modules:
            return None
        command = getattr(import_module(f"ui.cli.commands.{self._modules[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their short help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of what was typed; errors that quote it quote it harmlessly."""
        with harmless_usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what picfuse raises becomes a line and an exit status."""
        _say_what_takes_long()
        try:
            with harmless_usage():
                return super().invoke(ctx)
        except PicfuseError as error:
            click.echo(f"picfuse: {shown(str(error))}", err=True)
            if isinstance(error, PlacedError):
                click.echo(indent(error.marked, "  "), err=True)
            ctx.exit(_status(error))
        except KeyboardInterrupt as error:
            click.echo("picfuse: interrupted", err=True)
            ctx.exit(exit_status(error))


SUMMARIES = {
    "index": "Add folders of pictures to the library, or bring them up to date.",
    "search": "Find pictures by words, by a picture, or by both.",
    "similar": "Find pictures like this one.",
    "explain": "Show where in a picture a query is found.",
    "album": "Save a search as an album that stays current, and list albums.",
    "duplicates": "List pictures that are the same or alike.",
    "audit": "List captions that fit their picture badly.",
    "export": "Write what the library knows, or put hits into a folder.",
    "map": "Lay the pictures out on a plane, like beside like.",
    "status": "Show what the library holds.",
    "doctor": "Find out what is wrong with the library, and put it right.",
    "forget": "Delete a folder from the library; its pictures are left.",
    "relocate": "Say where a folder of pictures was moved to.",
    "watch": "Keep the library up to date while pictures change.",
    "evaluate": "Measure recall@k on a folder of captioned pictures.",
    "train": "Train heads of the built-in model on your own pictures.",
    "models": "List what can encode, and what is cached.",
    "ui": "Open the browser app.",
    "demo": "Index the sample photographs and search them.",
}


def _say_what_takes_long() -> None:
    """Show what the layers below log, such as the one-time export of a tower."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("picfuse: %(message)s"))
    logger = logging.getLogger("indexer")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)


def library_options(command: F) -> F:
    """The options that every command on a library takes."""
    command = click.option(
        "--library",
        type=click.Path(path_type=Path),
        envvar="PICFUSE_LIBRARY",
        default=default_library,
        callback=lambda ctx, parameter, path: _whole(path),
        help="The library's directory. Default: one in your data directory.",
        show_envvar=True,
    )(command)
    return offline_option(command)


def _whole(path: Path) -> Path:
    """An absolute path; no shell replaces the "~" of an environment variable."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - knows an unknown "~name"


def offline_option(command: F) -> F:
    """`--offline`."""
    return click.option("--offline", is_flag=True, help="Forbid any use of the network.")(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
