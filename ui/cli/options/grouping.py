"""Several options of a command as one decorator."""

from __future__ import annotations

from collections.abc import Callable

from ui.cli.group import F


def grouped(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Combine several options; the last one is listed first."""

    def add(command: F) -> F:
        for option in options:
            command = option(command)
        return command

    return add
