"""Curves of recall@k; the only module that imports matplotlib, which is slow to import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from indexer.errors import InputError
from indexer.metrics.bootstrap import curve
from indexer.metrics.recall import RetrievalRanks
from ui.cli.output.text import terminal_safe

SUFFIXES = (".png", ".svg", ".pdf")
DEEPEST = 50
TICKS = (1, 2, 3, 5, 10, 20, 50)
# Okabe and Ito's colours, distinct with any kind of colour blindness, darkest first; markers and
# dashes distinguish curves without colour.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SETTINGS: Any = {  # matplotlib types each key
    "text.parse_math": False,  # a "$" in a file name is no formula
    "svg.hashsalt": "picfuse",  # equal figures give equal files
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def check(path: Path) -> None:
    """Raise `InputError` if a plot cannot be written, before the long work."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: unknown format for a plot; end its name in .png, .svg or .pdf")
    target = path if path.exists() else path.absolute().parent
    if not path.absolute().parent.is_dir() or not os.access(target, os.W_OK):
        raise InputError(f"{path}: cannot be written; name another file with --plot")


def draw(path: Path, curves: Mapping[str, RetrievalRanks], *, bands: bool) -> None:
    """Write the curves of recall@k, with their 95 % intervals if `bands`."""
    with rc_context(SETTINGS):
        figure = Figure(figsize=(8, 5.5), layout="constrained")
        axes = figure.add_subplot()
        deepest = max(2, min(DEEPEST, *(int(found.ranks.max()) for found in curves.values())))
        styles = zip(cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False)
        for (name, found), style in zip(curves.items(), styles, strict=False):
            _draw_curve(axes, name, found, deepest, style, bands=bands)
        _label(axes, deepest, bands=bands)
        try:
            figure.savefig(path, dpi=150, metadata=_METADATA[path.suffix.lower()])
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise InputError(f"{path}: cannot be written ({why})") from error


_METADATA: Mapping[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}


def _draw_curve(
    axes: Axes,
    name: str,
    found: RetrievalRanks,
    deepest: int,
    style: tuple[str, str, str],
    *,
    bands: bool,
) -> None:
    colour, dash, marker = style
    ks = range(1, deepest + 1)
    recall, low, high = curve(found, deepest)
    marked = [k - 1 for k in TICKS if k <= deepest]
    axes.plot(
        ks, recall, dash, color=colour, marker=marker, markevery=marked, label=terminal_safe(name)
    )
    if bands:
        axes.fill_between(ks, low, high, color=colour, alpha=0.15, linewidth=0)


def _label(axes: Axes, deepest: int, *, bands: bool) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.95, deepest * 1.05)
    ticks = [k for k in TICKS if k <= deepest]
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.grid(alpha=0.3)
    axes.set_xlabel("k: the right answer is among the first k")
    axes.set_ylabel("recall@k, per cent of queries")
    axes.legend(loc="lower right", title="bands: 95 % intervals" if bands else None)
