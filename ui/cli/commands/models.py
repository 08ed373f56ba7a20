"""`picfuse models`."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from indexer.encoders.mini.heads import BUILT_IN
from indexer.encoders.open_clip.ready import kept_ready
from indexer.encoders.open_clip.recommended import RECOMMENDED, RecommendedModel
from indexer.encoders.registry import BUILT_IN as SCHEMES
from indexer.encoders.registry import schemes
from indexer.encoders.runtime.speed import pictures_per_second
from indexer.errors import InputError
from indexer.kinds.extras import OPEN_CLIP_EXTRA, extra_module
from indexer.locations import cache_directory
from ui.cli.group import json_option, offline_option
from ui.cli.options.paths import UserPath, UserText
from ui.cli.output.text import print_json, terminal_safe


@click.command(epilog="Example: picfuse models --open-clip MobileCLIP")
@click.option("--open-clip", metavar="TEXT", help="List open_clip models with this in their name.")
@click.option(
    "--export",
    type=(UserText(), UserPath()),
    metavar="MODEL FOLDER",
    help="Write an open_clip model into a new FOLDER, as two ONNX graphs. 'onnx:FOLDER' is then "
    "the same model without PyTorch, on any machine.",
)
@offline_option
@json_option
def models(
    open_clip: str | None, export: tuple[str, Path] | None, offline: bool, as_json: bool
) -> None:
    """List the available models, and whether they are ready to use without a network."""
    if export is not None:
        _export(*export, offline, as_json)
        return
    found = _built_in() if open_clip is None else _open_clip(open_clip)
    if not found:
        raise InputError(f"no open_clip model has {open_clip!r} in its name; try a shorter text")
    if as_json:
        print_json(found)
        return
    table = Table("model", "ready", "description", box=None)
    for model in found:
        ready = "yes" if model["cached"] else "no"
        table.add_row(terminal_safe(model["name"]), ready, model["about"])
    Console(width=110, markup=False, emoji=False).print(table)  # names are data


def _export(model: str, folder: Path, offline: bool, as_json: bool) -> None:
    """Write a model as a pair of graphs, and say how to use it."""
    module = import_module("indexer.encoders.pair.export")  # brings ONNX Runtime
    made = module.export_pair(model, folder.absolute(), cache=cache_directory(), offline=offline)
    if as_json:
        print_json({"name": made.name, "dim": made.dim, "fingerprint": made.fingerprint})
    else:
        click.echo(f"picfuse index FOLDER --model {shlex.quote(terminal_safe(made.name))}")


def _built_in() -> list[dict[str, Any]]:
    own = [
        ("mini", BUILT_IN.is_file(), "built in, needs no download; English, with German, French "
         "and Czech"),
        ("mini:FILE", True, "mini with heads of 'picfuse train align'"),
        ("int8:mini", BUILT_IN.is_file(), "mini with --precision int8: faster on processors made "
         "for it, but finds slightly less"),
    ]  # fmt: skip
    further = [
        ("open_clip:ARCH/PRETRAINED", False, "any open_clip model, downloaded on first use; see "
         "--open-clip TEXT"),
        ("open_clip:ARCH:FILE", True, "an open_clip architecture with your own weights"),
        ("onnx:FOLDER", True, "two ONNX graphs, a tokenizer.json and a model.json, without PyTorch "
         "(docs/install.md); see --export"),
        *((name, True, "provided by an installed package")
          for name in sorted(set(schemes()) - set(SCHEMES))),
    ]  # fmt: skip
    one_word = [_recommended(model) for model in RECOMMENDED]
    listed = [*own, *one_word, *further]
    return [{"name": name, "cached": ready, "about": about} for name, ready, about in listed]


def _recommended(model: RecommendedModel) -> tuple[str, bool, str]:
    ready = kept_ready(model.name, cache_directory()) is not None
    size = "" if ready else f", {model.gigabytes:.1f} GB to download"
    rate = f"about {pictures_per_second(model.work):.2g} pictures/s here"
    figures = f"COCO R@1 {model.recall} as published; {rate}; {model.licence}"
    return model.word, ready, f"{model.about} ({figures}{size}); {model.name}"


def _open_clip(text: str) -> list[dict[str, Any]]:
    module = "indexer.encoders.open_clip.encoder"
    encoder = extra_module(module, OPEN_CLIP_EXTRA, "a list of open_clip's models")
    names = [f"open_clip:{arch}/{tag}" for arch, tag in encoder.list_models()]
    return [
        {"name": name, "cached": encoder.cached(name), "about": ""}
        for name in names
        if text.lower() in name.lower()
    ]
