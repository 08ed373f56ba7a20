"""The terms of a query on the command line: '-word' beside options, and `--literal`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from ui.cli.group import F

_MARK = "\0"  # before a '-word', which click would take for an option; no argument can hold it


class SearchCommand(click.Command):
    """A command whose terms may begin with '-', as in 'dog -snow'."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Raises `click.NoSuchOption` for what looks like an option."""
        rest = super().parse_args(ctx, list(self._marked(ctx, args)))
        ctx.params = {name: _unmarked(value) for name, value in ctx.params.items()}
        return rest

    def _marked(self, ctx: click.Context, args: Sequence[str]) -> Iterator[str]:
        """The arguments, with a mark before each '-word' that is a term."""
        options = {name: option for option in self.get_params(ctx) for name in option.opts}
        end = args.index("--") if "--" in args else len(args)
        before = ""
        for word in args[:end]:
            option = options.get(before)
            is_value = isinstance(option, click.Option) and not option.is_flag
            is_term = not is_value and word.startswith("-") and _is_term(ctx, word, options)
            yield f"{_MARK}{word}" if is_term else word
            before = "" if is_value else word
        yield from args[end:]


def _is_term(ctx: click.Context, word: str, options: dict[str, click.Parameter]) -> bool:
    """Whether a word that begins with '-' is a term. Raises `click.NoSuchOption`."""
    name = word.partition("=")[0]
    if name in options or len(word) < 2:
        return False
    if word.startswith("--"):
        raise click.NoSuchOption(word, ctx=ctx)
    short = options.get(word[:2])
    if isinstance(short, click.Option) and not short.is_flag and not word[2].isalpha():
        return False  # "-k5"
    if f"-{name}" in options or (len(word) == 2 and word[1].isalpha()):
        meant = f"write '-{name}'; " if f"-{name}" in options else ""
        instead = f"{meant}to subtract a word, put a space after the sign: '- {word[1:]}'"
        raise click.NoSuchOption(word, f"No such option '{word}'; {instead}", ctx=ctx)
    return True


def _unmarked(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_unmarked(one) for one in value)
    return value.removeprefix(_MARK) if isinstance(value, str) else value


def literal_option(command: F) -> F:
    """`--literal`."""
    return click.option(
        "--literal",
        is_flag=True,
        help="Take the terms as one text, as it is: signs, weights, 'without' and names of files "
        "are words.",
    )(command)
