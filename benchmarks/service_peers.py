"""Queries a second of picfuse's service and of clip-retrieval's back end.

Both serve the same random rows with the same open_clip model of random weights, and answer the same
sentences with ten hits. clip-retrieval encodes in PyTorch and scans with FAISS; all else is left as
it is installed. It is installed from PyPI into an environment of its own, which is kept for the
next time. Services take turns; the result is the median of the ratios within each round. rclip has
no service (3.3.0), so there is nothing to compare.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import click
import numpy as np
from contest.contestants import HERE, Picfuse
from contest.environments import CLIP_RETRIEVAL, python_of
from contest.pictures import random_rows
from contest.processes import run
from contest.report import Figure, ratios, table
from fixtures.many_pictures import SENTENCES
from fixtures.tiny_pictures import make_pictures
from peers import weights_in
from platformdirs import user_cache_path
from service import serving

HITS = 10
CLIENTS = (1, 8)
PATIENCE = 180  # seconds until a service has started
FIGURE = Figure(CLIP_RETRIEVAL.name, 2, least=True)


class Service(Protocol):
    """A service that finds pictures, and the request for a sentence."""

    port: int

    def request(self, sentence: str) -> tuple[str, dict[str, Any]]:
        """The address and the body."""


@dataclass
class PicfuseService:
    """`picfuse serve`."""

    port: int

    def request(self, sentence: str) -> tuple[str, dict[str, Any]]:
        """All hits by vectors alone, since the other does not search by words."""
        options = {"k": HITS, "all": True, "literal": True, "mode": "vector"}
        return "/search", {"query": sentence, **options}


@dataclass
class ClipRetrieval:
    """`clip-retrieval back`."""

    port: int

    def request(self, sentence: str) -> tuple[str, dict[str, Any]]:
        """Hits without its filters."""
        wanted = {"modality": "image", "num_images": HITS, "indice_name": "many"}
        return "/knn-service", {"text": sentence, **wanted}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(HITS), default=100_000, show_default=True)
@click.option("--queries", type=click.IntRange(8), default=160, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--room",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the environment and weights are kept (7 GB). Default: in your cache directory.",
)
def main(pictures: int, queries: int, rounds: int, room: Path | None) -> None:
    """Measure queries a second of both services, with one client and with eight."""
    folder = (room or user_cache_path("picfuse") / "peers").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    python, weights = python_of(CLIP_RETRIEVAL, folder), weights_in(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix="run-") as name:
        here = Path(name)
        np.save(here / "rows.npy", random_rows(pictures))
        with _picfuse(here, weights, pictures) as own, _peer(here, python, weights) as other:
            services: dict[str, Service] = {"picfuse": own, CLIP_RETRIEVAL.name: other}
            for service in services.values():
                _rate(service, 1, HITS)  # opens what opens late
            for clients in CLIENTS:
                found: dict[str, list[Any]] = {known: [] for known in services}
                for _, (known, service) in itertools.product(range(rounds), services.items()):
                    found[known].append(_rate(service, clients, queries))
                table(f"{clients} clients, {pictures} pictures: queries a second", found, digits=1)
                ratios(found, FIGURE)


@contextmanager
def _picfuse(here: Path, weights: Path, pictures: int) -> Iterator[PicfuseService]:
    """The service of this checkout, over a new library of the rows."""
    contestant, library = Picfuse(weights), here / "picfuse"
    make_pictures(here / "pictures", pictures)
    run(contestant.fill(here / "pictures", library, here / "rows.npy"))
    with serving(library) as (address, _):
        yield PicfuseService(urlsplit(address).port or 0)


@contextmanager
def _peer(here: Path, python: Path, weights: Path) -> Iterator[ClipRetrieval]:
    """The other service, over an index of the rows."""
    program, index, port = HERE / "clip_retrieval.py", here / "index", _free_port()
    subprocess.run([python, "-P", program, "fill", index, here / "rows.npy"], check=True)
    words = [python, "-P", program, "serve", index, weights / "model.safetensors", port]
    with _started(words, port):
        yield ClipRetrieval(port)


@contextmanager
def _started(words: list[object], port: int) -> Iterator[None]:
    """A process that listens on a port. Raises `ClickException` if it does not."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [str(word) for word in words], stdout=said, stderr=subprocess.STDOUT
        )
        try:
            end = time.monotonic() + PATIENCE
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    raise click.ClickException(f"{words[0]} did not start:\n{said.read()[-2000:]}")
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _rate(service: Service, clients: int, queries: int) -> float:
    """Queries a second that a service answers to some clients. Raises `ClickException`."""

    def ask(number: int) -> None:
        sentences = itertools.islice(itertools.cycle(SENTENCES), 37 * number, None)
        with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as client:
            for sentence in itertools.islice(sentences, queries // clients):
                address, body = service.request(sentence)
                headers = {"Content-Type": "application/json"}
                client.request("POST", address, json.dumps(body), headers)
                response = client.getresponse()
                content = response.read().decode()
                if response.status != 200 or len(re.findall(r"\d{6}\.png", content)) < HITS:
                    raise click.ClickException(f"{response.status}: {content[:500]}")

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))
    return queries // clients * clients / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
