"""The rate of `picfuse cluster encode` with one and two actors, against that of `picfuse index`.

All runs encode the same photographs on this machine, in turn. A run of Ray is timed from its first
finished picture to its last one: starting Ray takes some ten seconds whatever the number of
pictures, and is printed apart. Indexing is timed the same way.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click
from fixtures.data import DATA, VARIABLE, flickr8k_photographs

from indexer import Library, indexing
from indexer.cluster.report import EncodeOptions, EncodeReport
from indexer.cluster.run import encode_sources
from indexer.cluster.sources import sources_of
from indexer.encoders import Encoder, load_encoder
from indexer.progress import Progress

ENCODER = "mini"
FIGURE = 0.9


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(100), default=600, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=2, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help=f"Default: ${VARIABLE}.")
def main(pictures: int, repeat: int, data: Path | None) -> None:
    """Measure encoding with Ray against indexing."""
    files = flickr8k_photographs(data or DATA, pictures)
    if not files:
        return
    encoder = load_encoder(ENCODER)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        for file in files:
            (folder / file.name).symlink_to(file)
        for turn in range(repeat):
            place = Path(name) / str(turn)
            place.mkdir()
            rates.setdefault("picfuse index", []).append(_indexed(folder, place / "library"))
            for actors in (1, 2):
                rate, start = _encoded(folder, place / f"store{actors}", encoder, actors)
                rates.setdefault(f"{actors} actor{'s' * (actors > 1)}", []).append(rate)
                click.echo(f"turn {turn + 1}, {actors} actors: first pictures after {start:.0f} s")
    _report(rates, len(files))


def _indexed(folder: Path, path: Path) -> float:
    with Library.create(path, encoder=ENCODER) as library, indexing(library, folder) as run:
        return _rate(run)[0]


def _encoded(folder: Path, store: Path, encoder: Encoder, actors: int) -> tuple[float, float]:
    options, report = (
        EncodeOptions(model=ENCODER, actors=actors, shard_pictures=200),
        EncodeReport(),
    )
    steps = encode_sources(sources_of([str(folder)]), str(store), encoder, options, report)
    rate = _rate(steps)
    assert not report.failed, report.failures
    return rate


def _rate(steps: Iterable[Progress]) -> tuple[float, float]:
    """Pictures a second between the first ones and the last, and the seconds before the first."""
    begun = time.monotonic()
    seen = [(time.monotonic(), step.done) for step in steps if step.done and not step.what]
    (first, some), last = seen[0], next(each for each in seen if each[1] == seen[-1][1])
    return (last[1] - some) / (last[0] - first), first - begun


def _report(rates: dict[str, list[float]], count: int) -> None:
    click.echo(f"\n{count} photographs, encoder {ENCODER}, pictures a second (median of turns)")
    [index, *_] = [statistics.median(each) for each in rates.values()]
    for name, each in rates.items():
        median = statistics.median(each)
        click.echo(f"{name:14} {median:7.1f}   {median / index:.2f} of indexing")
    click.echo(f"to reach: {FIGURE}")


if __name__ == "__main__":
    main()
