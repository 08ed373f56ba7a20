"""The click group, which loads commands on use and handles errors; and shared options."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from textwrap import indent
from typing import Any, TypeVar

import click

from indexer.errors import InputError, LibraryError, ModelError, PicfuseError, PlacedError
from indexer.library.address import is_address
from indexer.locations import default_library
from ui.cli.options.paths import UserPath
from ui.cli.output.text import harmless_usage, terminal_safe
from ui.cli.process import UNEXPECTED
from ui.exits import exit_status

F = TypeVar("F", bound=Callable[..., Any])
NOTHING_MATCHED, USAGE, DAMAGED = 1, 2, 3


def _status(error: PicfuseError) -> int:
    if isinstance(error, LibraryError | ModelError):
        return DAMAGED
    return USAGE if isinstance(error, InputError) else UNEXPECTED


class Commands(click.Group):
    """A group whose commands are imported only when they are called or described."""

    def __init__(self, modules: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the documented order."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        if cmd_name not in self._modules:
            return None
        command = getattr(import_module(f"ui.cli.commands.{self._modules[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their short help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the arguments; errors quote them with control characters escaped."""
        with harmless_usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of picfuse becomes a line and an exit status."""
        _say_what_takes_long()
        try:
            with harmless_usage():
                return super().invoke(ctx)
        except PicfuseError as error:
            click.echo(f"picfuse: {terminal_safe(str(error))}", err=True)
            if isinstance(error, PlacedError):
                click.echo(indent(error.marked, "  "), err=True)
            ctx.exit(_status(error))
        except KeyboardInterrupt as error:
            click.echo("picfuse: interrupted", err=True)
            ctx.exit(exit_status(error))


SUMMARIES = {
    "index": "Add folders of pictures to the library, or update them.",
    "search": "Find pictures by words, by a picture, or by both.",
    "similar": "Find pictures similar to a given one.",
    "explain": "Show where in a picture a query matches.",
    "album": "Save a search as an album that stays up to date, or list albums.",
    "duplicates": "List duplicate and similar pictures.",
    "audit": "List captions that do not fit their picture.",
    "export": "Write picture data to a file, or put hits into a folder.",
    "map": "Arrange the pictures on a map, similar ones close together.",
    "status": "Show what the library contains.",
    "doctor": "Check the library for problems and repair them.",
    "forget": "Remove a folder from the library; its files are not touched.",
    "relocate": "Tell the library where a folder was moved.",
    "merge": "Add other libraries to the library, without encoding.",
    "watch": "Keep the library up to date while pictures change.",
    "evaluate": "Measure search quality on a folder of captioned pictures.",
    "train": "Train the built-in model, a fusion or tags on your own pictures.",
    "publish": "Copy the library into a collection in Milvus.",
    "cluster": "Encode pictures on many machines, and load them into Milvus.",
    "models": "List the available models.",
    "ui": "Open the browser app.",
    "serve": "Answer searches over HTTP, for programs and for other machines.",
    "mcp": "Let assistants search the library (Model Context Protocol).",
    "demo": "Index the sample photographs and search them.",
}


def _say_what_takes_long() -> None:
    """Print log messages of `indexer`, such as the one-time export of a tower."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("picfuse: %(message)s"))
    logger = logging.getLogger("indexer")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)


def library_options(command: F) -> F:
    """`--library` and `--offline`, which every command on a library takes."""
    command = click.option(
        "--library",
        type=UserPath(),
        envvar="PICFUSE_LIBRARY",
        default=default_library,
        callback=lambda ctx, parameter, path: path if is_address(path) else path.absolute(),
        help="Directory of the library; to search, also milvus://HOST:PORT/COLLECTION. Default: "
        "one in your user data directory.",
        show_envvar=True,
    )(command)
    return offline_option(command)


def offline_option(command: F) -> F:
    """`--offline`."""
    return click.option("--offline", is_flag=True, help="Never use the network.")(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(
        command
    )
