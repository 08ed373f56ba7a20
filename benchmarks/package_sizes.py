"""Installed sizes of picfuse and of the packages that it needs, one line each.

    python benchmarks/package_sizes.py
    python benchmarks/package_sizes.py --extra ocr

Reads what is installed in this environment; with an extra, also what that adds. Byte code does not
count, as after `pip install --no-compile`. Sizes are in MB of 1,000,000 bytes; the sum is also in
MiB of 1,048,576 bytes.
"""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
OWN = ("indexer", "search", "ui", "data/sample")  # in the wheel
LEAST = 1.0  # MB of a package that has a line of its own


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--extra", "extras", multiple=True, help="An extra to count as well. May be repeated."
)
def main(extras: tuple[str, ...]) -> None:
    """Print the sizes of picfuse and of all packages that it needs, the largest first."""
    needed = needed_by("picfuse", extras)
    sizes = {name: size_of(found) for name, found in needed.items() if found is not None}
    sizes["picfuse"] = max(sizes["picfuse"], _own_size())
    small = [name for name, size in sizes.items() if size < LEAST * 1e6]
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        if name not in small:
            click.echo(f"{size / 1e6:8.1f} MB  {name}")
    rest = sum(sizes[name] for name in small)
    click.echo(f"{rest / 1e6:8.1f} MB  {len(small)} more")
    total = sum(sizes.values())
    click.echo(f"{total / 1e6:8.1f} MB  in all ({total / 2**20:.1f} MiB)")
    if lacking := [name for name, found in needed.items() if found is None]:
        click.echo(f"not installed, and not counted: {', '.join(lacking)}")


def needed_by(name: str, extras: tuple[str, ...] = ()) -> dict[str, Distribution | None]:
    """All packages that a package needs on this machine, with it; None if not installed."""
    found: dict[str, Distribution | None] = {}
    waiting = [(name, frozenset(extras))]
    seen = set()
    while waiting:
        one, chosen = waiting.pop()
        key = canonicalize_name(one)
        if (key, chosen) in seen:
            continue
        seen.add((key, chosen))
        try:
            package = found[key] = distribution(key)
        except PackageNotFoundError:
            found[key] = None
            continue
        for text in package.requires or ():
            wanted = Requirement(text)
            environments = [{"extra": extra} for extra in chosen or {""}]
            if wanted.marker is None or any(wanted.marker.evaluate(e) for e in environments):
                waiting.append((wanted.name, frozenset(wanted.extras)))
    return found


def size_of(found: Distribution) -> int:
    """The bytes of a package's files, without byte code."""
    paths = [Path(str(file.locate())) for file in found.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _own_size() -> int:
    """The bytes of picfuse in a checkout, as a wheel would install it; 0 elsewhere."""
    files = (path for folder in OWN for path in (ROOT / folder).rglob("*"))
    return sum(
        path.stat().st_size for path in files if path.is_file() and "__pycache__" not in path.parts
    )


if __name__ == "__main__":
    main()
