"""Options that all commands of training take."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from indexer.errors import InputError


def check_output(output: Path) -> None:
    """Raise `InputError` where nothing can be written, before hours have gone into it."""
    with suppress(OSError):
        output.parent.mkdir(parents=True, exist_ok=True)
    target = output if output.exists() else output.parent
    if not output.parent.is_dir() or not os.access(target, os.W_OK):
        raise InputError(f"{output}: cannot be written; name another file with --output")


def validation_of(given: str) -> Path | float:
    """What `--validation` names: a list of names, or a share. Raises `InputError`."""
    try:
        share = float(given)
    except ValueError:
        return Path(given)
    if not 0 < share < 1:
        raise InputError(f"--validation {given}: a share lies between 0 and 1")
    return share
