"""`picfuse status`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.captions.caption import Guess
from indexer.catalogue.lookup.captions import RepeatedCaption
from indexer.catalogue.values import FAILED, MISSING, PRESENT
from indexer.library.away import away_message
from indexer.library.searchable import Searchable
from indexer.pipeline.beside import told_guesses
from indexer.pipeline.fillers import repeated_captions
from indexer.pipeline.reencoding import unfinished_move
from search.collection.collection import Collection
from search.collection.opening import local, open_library
from ui.cli.group import json_option, library_options
from ui.cli.output.away import away_fields
from ui.cli.output.collections import collection_fields
from ui.cli.output.reports import guess_fields
from ui.cli.output.text import path_fields, print_json, terminal_safe
from ui.file_kinds import LEFT_OUT, in_order, numbered
from ui.sentences import guess_message, repeated_message


@click.command(epilog="Example: picfuse status --failed")
@click.option("--failed", is_flag=True, help="List the pictures that could not be read, and why.")
@click.option(
    "--skipped", is_flag=True, help="List the files and folders that were not indexed, and why."
)
@library_options
@json_option
def status(failed: bool, skipped: bool, library: Path, offline: bool, as_json: bool) -> None:
    """Show what the library contains, and how much of its folders was not indexed."""
    with open_library(library, offline=offline) as opened:
        facts = library_fields(opened)
        failures = opened.catalogue.failures() if failed else []
        passed = opened.passed_over.everything() if skipped else []
    if as_json:
        if failed:
            facts["failures"] = [{**path_fields(path), "reason": why} for path, why in failures]
        if skipped:
            facts["skipped"] = [
                {**path_fields(path), "kind": kind, "reason": why} for path, kind, why in passed
            ]
        print_json(facts)
        return
    for name, value in facts.items():
        lines = _LINES[name](value) if name in _LINES else value
        for line in lines if isinstance(lines, list) else [lines]:
            if line is not None:
                click.echo(f"{_LABELS.get(name, name):9} {terminal_safe(str(line))}")
    for path, why in failures:
        click.echo(f"{terminal_safe(str(path))}: {terminal_safe(why)}")
    for path, kind, why in passed:
        click.echo(f"{terminal_safe(str(path))}: {terminal_safe(_skipped(kind, why))}")


def _skipped(kind: str, reason: str) -> str:
    """The kind of what was not indexed, and what helps."""
    if kind in LEFT_OUT:
        return f"{kind} (to index it: picfuse index FOLDER --include PATTERN)"
    if not reason:
        return kind
    return reason if reason.startswith(kind) else f"{kind}: {reason}"


def _passed_line(kinds: dict[str, int]) -> str:
    """Numbers by kind, the most frequent first."""
    counted = ", ".join(numbered(kind, number) for kind, number in kinds.items())
    return f"{sum(kinds.values()):,}" + (f" ({counted})" if counted else "")


def _metadata(library: Library) -> dict[str, Any]:
    """The number of pictures that say each kind of thing; empty if none says anything."""
    counts = {name: count for name, count in library.facts.counts().items() if count}
    return {"metadata": counts} if counts else {}


def _text(library: Library) -> dict[str, Any]:
    """Numbers of pictures by the text in them; empty if none was ever to be read."""
    counts, kept = library.readings.counts(), library.settings.reads_text
    if not (kept or counts.read):
        return {}
    return {"text": {"read": counts.read, "found": counts.shown, "failed": counts.failed}}


def _text_line(counts: dict[str, int]) -> str:
    failed = f", {counts['failed']} could not be read" if counts["failed"] else ""
    return f"read in {counts['read']} pictures, found in {counts['found']}{failed}"


def _metadata_line(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _doubtful(library: Library) -> dict[str, Any]:
    """Guessed character sets of caption files, and probable fillers; without those, nothing."""
    guesses = guess_fields(told_guesses(library.catalogue.folders()))
    repeated = [each._asdict() for each in repeated_captions(library)]
    fields = {"guesses": guesses, "repeated": repeated, "fillers": [*library.settings.fillers]}
    return {name: value for name, value in fields.items() if value}


def _guess_lines(guesses: list[dict[str, Any]]) -> list[str]:
    return [
        guess_message(Guess(each["character_set"], each["files"], Path(each["path"])))
        for each in guesses
    ]


def _repeated_lines(repeated: list[dict[str, Any]]) -> list[str]:
    return [repeated_message(RepeatedCaption(**each)) for each in repeated]


def _index(library: Library) -> dict[str, Any]:
    """The index that answers queries, and the measured recall@10 of a compressed one."""
    compressed = library.compressed
    if not compressed.views:
        return {"index": "exact scan"}
    if (reached := compressed.reached) is None:
        return {"index": "exact scan (the compressed index is not finished; run 'picfuse index')"}
    recall = [{"weight": view.weight, **(view.recall or {})} for view in compressed.views]
    if not compressed.usable:
        why = f"recall@10 of the compressed index is only {reached:.3f}"
        return {"index": f"exact scan ({why})", "recall": recall}
    return {"index": f"compressed, recall@10 {reached:.3f}", "recall": recall}


def _confidence(library: Library) -> dict[str, Any]:
    """The calibration of the confidence of hits; empty if there is none."""
    found, own = library.calibration.lines, library.own_calibration
    if not found:
        return {}
    fitted = [] if own is None else sorted(own.lines)
    asked = own.asked if own is not None and fitted else 0
    facts = {"kinds": sorted(found), "own": fitted, "asked": asked}
    if own is not None and fitted and own.estimated_from:
        facts["estimated_from"] = own.estimated_from
    return {"confidence": facts}


def _confidence_line(facts: dict[str, Any]) -> str:
    """The source of the calibration of each kind of score."""
    shipped = sorted(set(facts["kinds"]) - set(facts["own"]))
    source = f"learned from {facts['asked']} of its own captions"
    if "estimated_from" in facts:
        source = f"estimated without captions, from {facts['estimated_from']} pictures"
    own = f"{', '.join(facts['own'])}: {source}"
    parts = [own] if facts["own"] else []
    parts += [f"{', '.join(shipped)}: as shipped with the model"] if shipped else []
    return "; ".join(parts)


def _tags(library: Library) -> dict[str, Any]:
    """The tag heads, with the number of pictures for each tag; empty if there are none."""
    encoder_id = library.encoder_id
    heads = library.tags.heads(encoder_id)
    counts = library.tags.counts(encoder_id)
    fields = [
        {"name": h.name, "fingerprint": h.fingerprint, "pictures": counts[h.name]} for h in heads
    ]
    return {"tags": fields} if fields else {}


def _tag_lines(heads: list[dict[str, Any]]) -> list[str]:
    return [
        f"{head['name']} ({head['fingerprint'][:8]}): "
        + ", ".join(f"{tag} {count}" for tag, count in head["pictures"].items())
        for head in heads
    ]


def _recall_lines(views: list[dict[str, float]]) -> list[str]:
    return [
        f"at weight {view['weight']}: "
        + ", ".join(f"{kind} {view[kind]:.3f}" for kind in view if kind != "weight")
        for view in views
    ]


def _away_lines(folders: list[dict[str, Any]]) -> list[str]:
    return [f"{away_message(folder['pictures'])}: {folder['path']}" for folder in folders]


_LABELS = {"sources": "from", "passed_over": "skipped", "guesses": "guessed"}
_LINES: dict[str, Callable[[Any], str | list[str]]] = {
    "away": _away_lines,
    "metadata": _metadata_line,
    "text": _text_line,
    "tags": _tag_lines,
    "recall": _recall_lines,
    "passed_over": _passed_line,
    "guesses": _guess_lines,
    "repeated": _repeated_lines,
    "fillers": lambda texts: [repr(text) for text in texts],
    "confidence": _confidence_line,
}


def library_fields(library: Searchable) -> dict[str, Any]:
    """The JSON fields of a library, or of a collection in Milvus."""
    if isinstance(library, Collection):
        return collection_fields(library)
    return _local_fields(local(library))


def _local_fields(library: Library) -> dict[str, Any]:
    counts, move = library.catalogue.counts(), unfinished_move(library)
    return {
        "library": path_fields(library.path)["path"],
        "encoder": library.settings.encoder,
        "fusion": library.settings.fusion,
        "pictures": counts.get(PRESENT, 0),
        "captions": counts["captions"],
        **_metadata(library),
        **_text(library),
        "missing": counts.get(MISSING, 0),
        "failed": counts.get(FAILED, 0),
        "passed_over": in_order(library.passed_over.kinds()),
        **_doubtful(library),
        **away_fields(library),
        **_index(library),
        **_confidence(library),
        "weight": library.weight,
        **_tags(library),
        "moving": None if move is None else f"to {move.encoder} ({move.done} of {move.total})",
        "folders": [path_fields(folder.path)["path"] for folder in library.catalogue.folders()],
    }
