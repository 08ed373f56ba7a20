"""`picfuse doctor`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from indexer import Library, Progress
from indexer.catalogue.database import FILE
from indexer.doctor import Finding, examination, repair
from indexer.doctor.rescue import rescue
from indexer.errors import LibraryNotFound
from ui.cli.group import json_option, library_options
from ui.cli.output.progress import bar
from ui.cli.output.text import path_fields, print_json, terminal_safe

_RESCUED = ("pictures", "captions", "embeddings")


@click.command(epilog="Example: picfuse doctor --repair")
@click.option("--repair", "mends", is_flag=True, help="Repair whatever can be repaired.")
@click.option(
    "--rescue",
    "rescues",
    is_flag=True,
    help="First copy whatever can be read from a damaged catalogue into a new one. The damaged "
    "file is kept.",
)
@library_options
@json_option
@click.pass_context
def doctor(
    ctx: click.Context, mends: bool, rescues: bool, library: Path, offline: bool, as_json: bool
) -> None:
    """Check the library for problems and repair them.

    Reads the whole catalogue, the vector index, every thumbnail and a few pictures. Nothing is
    changed without --repair or --rescue, and pictures never are. Exit status 1 if a serious problem
    remains.
    """
    if rescues and mends:  # repair would delete what the next indexing still needs
        raise click.UsageError(
            "--rescue and --repair cannot be combined; run 'picfuse index' in between"
        )
    if rescues:
        _rescue(library, as_json)
    with Library.open(library, read_only=not mends, offline=offline) as opened:
        findings = _examined(opened)
        repaired: list[Finding] = []
        if mends and any(finding.repairable for finding in findings):
            repair(opened, findings)
            left = _examined(opened)
            repaired = [finding for finding in findings if finding not in left]
            findings = left
    serious = any(finding.serious for finding in findings)
    if as_json:
        print_json(
            {
                "library": path_fields(library.absolute())["path"],
                "sound": not serious,
                "findings": [finding_fields(finding) for finding in findings],
                "repaired": [finding_fields(finding) for finding in repaired],
            }
        )
    else:
        _print(findings, repaired, mends)
    ctx.exit(1 if serious else 0)


def _rescue(library: Path, as_json: bool) -> None:
    if not os.path.isfile(library / FILE):  # noqa: PTH113 - also if the folder may not be read
        raise LibraryNotFound(f"{library}: no library here; name one with --library")
    found = rescue(library)
    if not as_json:
        rows = ", ".join(f"{found.rows[table]} {table}" for table in _RESCUED)
        click.echo(f"rescued {rows}; the damaged catalogue is kept as {found.damaged.name}")
        click.echo("run 'picfuse index' to bring back what was lost")


def _examined(library: Library) -> list[Finding]:
    findings = []
    with bar("checking") as show:
        for name, step in examination(library):
            if isinstance(step, Progress):
                show(step, name)
            else:
                findings.append(step)
    return findings


def _print(findings: Sequence[Finding], repaired: Sequence[Finding], mends: bool) -> None:
    for finding in repaired:
        click.echo(f"repaired  {_line(finding)}")
    for finding in findings:
        click.echo(f"{'serious' if finding.serious else 'note':9} {_line(finding)}")
        kind = "repair" if finding.repairable else "remedy"
        click.echo(f"{'':10}{kind}: {terminal_safe(finding.remedy)}")
        for example in finding.examples:
            click.echo(click.style(f"{'':12}{terminal_safe(example)}", dim=True))
    serious = sum(finding.serious for finding in findings)
    if not serious:
        click.echo("the library is sound")
    elif not mends and any(finding.repairable for finding in findings):
        click.echo("run 'picfuse doctor --repair' to repair what can be repaired")


def _line(finding: Finding) -> str:
    return terminal_safe(f"{finding.check} ({finding.count:,}): {finding.meaning}")


def finding_fields(finding: Finding) -> dict[str, Any]:
    """The JSON fields of a finding."""
    return {
        "check": finding.check,
        "serious": finding.serious,
        "count": finding.count,
        "meaning": finding.meaning,
        "remedy": finding.remedy,
        "repairable": finding.repairable,
        "examples": list(finding.examples),
    }
