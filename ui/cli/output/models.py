"""Lines on standard error about models: what one costs, and that there are stronger ones."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from indexer import Library
from indexer.encoders.open_clip.ready import kept_ready
from indexer.encoders.open_clip.recommended import RECOMMENDED, RecommendedModel
from indexer.encoders.precision import plain_name
from indexer.encoders.runtime.speed import pictures_per_second
from indexer.kinds.extras import OPEN_CLIP_EXTRA
from indexer.library.directory import is_vacant
from indexer.locations import cache_directory
from indexer.settings import DEFAULT_ENCODER
from ui.sentences import counted

MANY = 10_000  # pictures whose time is said where their number is not known


def say_cost(model: str | None, library: Path) -> None:
    """Print what a recommended model costs before it is downloaded; nothing for other models."""
    found = next((one for one in RECOMMENDED if one.name == model), None)
    if found is None or not _has_open_clip():
        return
    if kept_ready(found.name, cache_directory()) is not None:
        return
    click.echo(f"picfuse: {cost_message(found, _pictures(library) or MANY)}", err=True)


def cost_message(model: RecommendedModel, pictures: int) -> str:
    """A message about the size of a download, and the time that pictures will take."""
    rate = pictures_per_second(model.work)
    return (
        f"{model.word} is {model.name.removeprefix('open_clip:')}: {model.gigabytes:.1f} GB to "
        f"download, once; this machine encodes about {_number(rate)} pictures a second, so "
        f"{counted(pictures)} take about {duration(pictures / rate)}"
    )


def duration(seconds: float) -> str:
    """A duration as text, to the precision of an estimate: "40 seconds", "3 hours"."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}s"
    return f"{max(seconds, 2):.0f} seconds"


def _number(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 3 else f"{rate:.1f}"


def _pictures(library: Path) -> int:
    """The number of pictures of a library; 0 for a new one."""
    if is_vacant(library):
        return 0
    with Library.open(library, read_only=True) as opened:
        return opened.catalogue.number_present()


def say_stronger(library: Path) -> None:
    """Print once for a library of the built-in model that there are stronger ones.

    Only for a person at a terminal whose machine has a network.
    """
    if not (is_at_a_terminal() and has_network()):
        return
    with Library.open(library) as opened:
        built_in = plain_name(opened.settings.encoder) == DEFAULT_ENCODER
        if built_in and opened.catalogue.number_present() and not opened.told_of_models:
            opened.put_told_of_models()
            click.echo(f"picfuse: {stronger_message()}", err=True)


def is_at_a_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()


def stronger_message() -> str:
    """A message that names the first of the recommended models."""
    first = RECOMMENDED[0]
    needs = f"{first.gigabytes:.1f} GB to download"
    if not _has_open_clip():
        needs += f", after pip install 'picfuse[{OPEN_CLIP_EXTRA}]'"
    return (
        f"a stronger model is one command away: picfuse index --model {first.word} ({needs}; "
        "'picfuse models' lists more)"
    )


def _has_open_clip() -> bool:
    return find_spec("open_clip") is not None


def has_network() -> bool:
    """Whether this machine has a route to the internet, by its own tables: nothing is sent."""
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() not in ("", "0", "false", "no"):
        return False
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as unconnected:
                unconnected.connect((address, 9))  # for datagrams, this only looks up the route
                return True
        except OSError:
            continue
    return False
