"""The report of `picfuse cluster encode`."""

from __future__ import annotations

from typing import Any

import click

from indexer.cluster.report import EncodeReport
from ui.cli.output.reports import print_failures, print_problems
from ui.cli.output.text import print_json
from ui.file_kinds import in_order, numbered


def print_encoding(report: EncodeReport, as_json: bool) -> None:
    """Print the report of a run that has ended; its problems in any case, for people."""
    print_problems(report.problems, report.tables)
    if report.interrupted:
        said = "interrupted; finished shards are kept; run the same command again to continue"
        click.echo(f"picfuse: {said}", err=True)
    if as_json:
        print_json(report_fields(report))
        return
    print_failures(report.failures, report.failed, "the store has all of them")
    click.echo(
        f"{report.encoded} encoded, {report.failed} failed in {report.elapsed_ms / 1000:.1f} s; "
        f"{report.written} shards written, {report.kept} kept, {report.dropped} dropped"
    )
    for kind, count in in_order(report.passed_over).items():
        click.echo(f"not encoded: {numbered(kind, count)}")


def report_fields(report: EncodeReport) -> dict[str, Any]:
    """The JSON fields of a report."""
    return {
        "encoded": report.encoded,
        "failed": report.failed,
        "shards": {
            "written": report.written,
            "kept": report.kept,
            "dropped": report.dropped,
        },
        "failures": [each._asdict() for each in report.failures],
        "problems": [each._asdict() for each in report.problems],
        "tables": [each._asdict() for each in report.tables],
        "passed_over": in_order(report.passed_over),
        "interrupted": report.interrupted,
        "elapsed_ms": report.elapsed_ms,
    }
