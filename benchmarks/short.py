"""`make bench`: the short form of every benchmark, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

HERE = Path(__file__).parent
SHORT = {  # arguments of each; the figures in the docs come from the long forms
    "encoder": ["--repeat", "2"],
    "index_rate": ["--pictures", "200", "--repeat", "1"],
    "reindex": ["--pictures", "20000", "--repeat", "2"],
    "cold_query": ["--pictures", "100000", "--repeat", "3"],
    "warm_query": ["--pictures", "100000", "--repeat", "10"],
    "app": ["--pictures", "100000", "--repeat", "5"],
    "vectors": ["--rows", "20000"],
    "growth": ["--small", "2000", "--large", "20000"],
    "memory": ["--small", "1000", "--large", "5000", "--repeat", "1"],
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(list(SHORT)))
def main(names: tuple[str, ...]) -> None:
    """Run the named benchmarks, or all. Exit status 1 if one of them failed."""
    failed = []
    for name in names or SHORT:
        words = [f"{name}.py", *SHORT[name]]
        click.echo(f"\n$ python benchmarks/{' '.join(words)}")
        if subprocess.run([sys.executable, str(HERE / words[0]), *words[1:]]).returncode:
            failed.append(name)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
