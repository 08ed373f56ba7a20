"""Time of the app's routes: lists of a large library, and views of photographs of 12 megapixels.

It runs in this process, without a network: only the app's own work is timed.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click
from fixtures.many_pictures import many_pictures
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from indexer import Library, index_folder
from ui.web.libraries import KeptLibrary
from ui.web.routes import picture_routes

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
LARGE = (4000, 3000)  # pixels of a photograph
PHOTOGRAPHS = 8


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True)
def main(pictures: int, repeat: int) -> None:
    """Measure the routes of the app."""
    _lists(_client(many_pictures(pictures)), repeat)
    with tempfile.TemporaryDirectory() as room:
        _views(_client(_photographs(Path(room))), repeat)


def _client(library: Path) -> TestClient:
    return TestClient(Starlette(routes=picture_routes(KeptLibrary(library))))


def _photographs(room: Path) -> Path:
    """A library of large photographs, made of those of the sample."""
    folder = room / "photographs"
    folder.mkdir()
    for path in sorted(SAMPLE.glob("*.jpg"))[:PHOTOGRAPHS]:
        with Image.open(path) as image:
            image.convert("RGB").resize(LARGE).save(folder / path.name, quality=90)
    with Library.create(room / "library", offline=True) as library:
        index_folder(library, folder)
    return room / "library"


def _lists(client: TestClient, repeat: int) -> None:
    """Print the times of lists; each condition is asked anew, so that none is kept."""
    conditions = (f"columns?where=size>{number}" for number in count())
    _say("a condition, first", repeat, client, conditions)
    _say("all by taken, first", 1, client, iter(["columns"]))
    _say("all by name, first", 1, client, iter(["columns?order=name"]))
    _say("all by taken, again", repeat, client, iter(["columns"] * repeat))
    _say("facets, first", 1, client, iter(["facets"]))
    _say("suggestions", repeat, client, iter(["suggest?q=a"] * repeat))


def _views(client: TestClient, repeat: int) -> None:
    """Print the times of pictures."""
    listed = client.get("/pf/columns").json()
    known = [
        f"{key}/{content}" for key, content in zip(listed["ids"], listed["hashes"], strict=True)
    ]
    for name in ("thumb/{}", "view/{}?side=1600", "view/{}?side=2560", "original/{}"):
        _say(name, len(known), client, map(name.format, known))
    _say("details", repeat, client, iter([f"details/{listed['ids'][0]}"] * repeat))
    zipped = len(client.post("/pf/zip", json={"ids": listed["ids"]}).content) / 1e6
    start = time.perf_counter()
    client.post("/pf/zip", json={"ids": listed["ids"]})
    click.echo(f"zip: {zipped / (time.perf_counter() - start):.0f} MB/s")


def _say(name: str, times: int, client: TestClient, addresses: Iterator[str]) -> None:
    """Print the median time of answers, and the size of the last one."""
    seconds, size = [], 0
    for _ in range(times):
        start = time.perf_counter()
        response = client.get(f"/pf/{next(addresses)}")
        seconds.append(time.perf_counter() - start)
        response.raise_for_status()
        size = len(response.content)
    click.echo(f"{name}: {1000 * statistics.median(seconds):.0f} ms, {size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
