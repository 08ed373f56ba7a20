"""Time until the browser app shows an answer, over many pictures.

A headless Chromium types a question, presses Enter, and waits until the thumbnails of all hits are
shown. The reference is the same query in this process, without server and browser.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from fixtures.many_pictures import QUESTIONS, many_pictures
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from indexer import Library
from indexer.pictures.thumbnails import save_thumbnail
from search import Searcher

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = """([asked, before]) => {
  const images = [...document.querySelectorAll('.st-key-hits img')];
  const running = document.querySelector('[data-testid="stStatusWidget"]');
  const names = images.map((image) => image.src).join();
  return images.length >= 12 && names !== before && !running
    && images.every((image) => image.complete && image.naturalWidth > 0);
}"""
NAMES = "() => [...document.querySelectorAll('.st-key-hits img')].map((i) => i.src).join()"
K = 12  # hits that the page shows at first


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=10, show_default=True)
@click.option("--screenshot", type=click.Path(path_type=Path), help="Save the last page.")
def main(pictures: int, repeat: int, screenshot: Path | None) -> None:
    """Measure the browser app's answer, from Enter to the last thumbnail."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        click.echo(f"skipped: there is no browser here ({', '.join(BROWSERS)})")
        return
    library = many_pictures(pictures)
    alone = _asked_here(library)
    with _server(library) as address, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = started.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        page.goto(address)
        page.wait_for_function(SHOWN, arg=["", ""], timeout=120_000)
        click.echo(f"first page, thumbnails shown: {time.perf_counter() - start:.2f} s")
        times = [_answered(page, number) for number in range(repeat + 1)]
        if screenshot is not None:
            page.screenshot(path=screenshot)
        started.close()
    click.echo(f"first question: {times[0]:.2f} s (the encoder starts)")
    _report(times[1:], alone)


def _asked_here(library: Path) -> float:
    """The median seconds of the same queries in this process; makes thumbnails of their hits.

    It also makes those of the first page. The photographs are those of the sample, in turn.
    """
    photographs, times = sorted(SAMPLE.glob("*.jpg")), []
    with Library.open(library, offline=True) as opened:
        searcher = Searcher(opened)
        first = opened.catalogue.pictures(opened.catalogue.present_ids(limit=K)).values()
        hashes = [picture.content_hash for picture in first]
        for question in QUESTIONS * 2:
            start = time.perf_counter()
            answer = searcher.search(question, k=K)
            times.append(time.perf_counter() - start)
            hashes += [bytes.fromhex(hit.thumbnail.stem) for hit in answer.hits]
        for number, content_hash in enumerate(hashes):
            with Image.open(photographs[number % len(photographs)]) as image:
                save_thumbnail(image.convert("RGB"), opened.thumbnails, content_hash)
    return statistics.median(times[len(QUESTIONS) :])


@contextmanager
def _server(library: Path) -> Iterator[str]:
    """Start the app; yields its address."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = int(probe.getsockname()[1])
    words = [sys.executable, "-P", "-m", "ui", "ui", "--no-browser", "--port", str(port)]
    words += ["--library", str(library), "--offline"]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    start = time.perf_counter()
    environment, quiet = os.environ | {"PYTHONPATH": paths}, subprocess.DEVNULL
    server = subprocess.Popen(words, env=environment, stdout=quiet, stderr=quiet)
    try:
        _wait_for(f"http://localhost:{port}/_stcore/health", server)
        click.echo(f"server ready: {time.perf_counter() - start:.2f} s")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise click.ClickException(f"the app ended with {server.returncode}")
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise click.ClickException("the app does not answer")


def _answered(page: Page, number: int) -> float:
    """Seconds from Enter until all thumbnails of the next question's answer are shown."""
    question = QUESTIONS[number % len(QUESTIONS)]
    box = page.get_by_role("searchbox").or_(page.get_by_role("textbox")).first
    before = page.evaluate(NAMES)
    box.fill(question)
    start = time.perf_counter()
    box.press("Enter")
    page.wait_for_function(SHOWN, arg=[question, before], timeout=60_000)
    return time.perf_counter() - start


def _report(times: Sequence[float], alone: float) -> None:
    click.echo(
        f"answers: median {statistics.median(times):.2f} s (min {min(times):.2f}, max "
        f"{max(times):.2f}), of which the search itself is {alone:.2f} s"
    )


if __name__ == "__main__":
    main()
