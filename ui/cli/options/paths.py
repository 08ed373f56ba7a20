"""Types of parameters that name a file or folder: each of them expands "~".

A shell expands it only at the start of a word: not in `--output=~/x.csv`, in `mini:~/heads`, or in
an environment variable.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class UserPath(click.Path):
    """A path. With `clears`, the empty text is None, which ends what was given before."""

    def __init__(self, *, clears: bool = False, **options: Any) -> None:
        super().__init__(path_type=Path, **options)
        self.clears = clears

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path with "~" expanded; an unknown "~name" is a name."""
        if self.clears and value == "":
            return None
        return super().convert(os.path.expanduser(value), param, ctx)  # noqa: PTH111


class UserText(click.ParamType[str]):
    """Text that may name a file, such as `mini:FILE` or a URL; a path in it may begin with "~"."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text with "~" expanded, at its start or behind the last colon."""
        head, colon, file = str(value).rpartition(":")
        return head + colon + os.path.expanduser(file)  # noqa: PTH111 - "~nobody"
