"""Kill indexing and let its calls fail many times, and check the library after each.

These are the long loops of `tests/house/test_faults.py`, with its helpers. The exit status is 1 if
anything was lost or wrong.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from failing_calls import Plan, build, run_cases
from faults import know_encoder  # type: ignore[attr-defined]  # of the tests, not this file
from kills import Kill, Killing

PLANS = [
    Plan("once", "ENOSPC"),
    Plan("once", "EIO"),
    Plan("from", "ENOSPC"),
    Plan("short", "ENOSPC"),
]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Test what a library survives."""
    know_encoder()


@main.command()
@click.option("--pictures", type=click.IntRange(10), default=2000, show_default=True)
@click.option("--kills", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--room", type=click.Path(path_type=Path), help="Where to work; kept afterwards.")
@click.pass_context
def kills(ctx: click.Context, pictures: int, kills: int, seed: int, room: Path | None) -> None:
    """Kill `picfuse index` at random moments; finally compare with an undisturbed library."""
    start = time.monotonic()
    with _room(room) as place:
        killing = Killing(place, pictures, seed)
        done = list(_kill_repeatedly(killing, kills))
        at_the_end = killing.finish() + killing.left_over()
    for flaw in at_the_end:
        click.echo(f"at the end: {flaw}")
    flawed = sum(bool(kill.flaws) for kill in done)
    click.echo(
        f"{len(done)} kills over {pictures} pictures in {time.monotonic() - start:.0f} s; "
        f"hit {_counts_text(kill.where for kill in done)}; "
        f"up to {max(kill.committed for kill in done)} embeddings committed; "
        f"{flawed} kills with something wrong, {len(at_the_end)} differences at the end"
    )
    ctx.exit(1 if flawed or at_the_end else 0)


def _kill_repeatedly(killing: Killing, count: int) -> Iterator[Kill]:
    """Yield `count` kills; a run that ends before it is killed does not count."""
    ways = (killing.kill_while_made, killing.kill_while_saved, killing.kill_anywhere)
    number = 0
    while number < count:
        kill = killing.random.choices(ways, weights=(1, 1, 3))[0]()
        if kill is not None:
            number += 1
            wrong = "; ".join(kill.flaws) or "clean"
            click.echo(f"{number:4}  {kill.where}, {kill.committed} embeddings: {wrong}", err=True)
            yield kill


@main.command()
@click.option("--mode", type=click.Choice(["once", "from", "short"]), help="Default: all.")
@click.option("--step", type=click.IntRange(1), default=1, show_default=True)
@click.option("--room", type=click.Path(path_type=Path), help="Where to work; kept afterwards.")
@click.pass_context
def calls(ctx: click.Context, mode: str | None, step: int, room: Path | None) -> None:
    """Let each call to the file system fail in turn: once, from then on, or half-way."""
    start = time.monotonic()
    plans = [Plan(p.mode, p.error, 1, step) for p in PLANS if mode in (None, p.mode)]
    with _room(room) as place:
        preloaded = build(place)
        if preloaded is None:
            raise click.ClickException("this needs Linux and a C compiler")
        counted, *cases = _print_flaws(run_cases(preloaded, place / "calls", plans))
    for plan in plans:
        click.echo(_summary(plan, [c for c in cases if (c["mode"], c["error"]) == _key(plan)]))
    click.echo(f"{counted['calls']} calls a run; all in {time.monotonic() - start:.0f} s")
    ctx.exit(1 if any(case["flaws"] for case in cases) else 0)


def _print_flaws(cases: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Print flaws immediately; yields the same cases."""
    for case in cases:
        for flaw in case.get("flaws", ()):
            where = f"{case['number']} ({case['mode']}, {case['error']}) {case['hit']}"
            click.echo(f"call {where}: {flaw}", err=True)
        yield case


def _key(plan: Plan) -> tuple[str, str]:
    return plan.mode, plan.error


def _summary(plan: Plan, cases: list[dict[str, Any]]) -> str:
    names = _counts_text(case["hit"].split(" ")[0] for case in cases if case["hit"])
    raised = sum(bool(case["raised"]) for case in cases)
    flawed = sum(bool(case["flaws"]) for case in cases)
    return (
        f"{plan.mode} {plan.error}: {len(cases)} cases ({names or 'none struck'}); "
        f"{raised} ended with an error of picfuse, {flawed} with something wrong"
    )


def _counts_text(names: Iterator[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(names).most_common())


@contextmanager
def _room(room: Path | None) -> Iterator[Path]:
    if room is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    else:
        room.mkdir(parents=True)
        yield room


if __name__ == "__main__":
    main()
