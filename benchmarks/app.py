"""Time until the browser app shows pictures, over many of them, and how it scrolls.

A headless Chromium opens the app, types questions, marks a hit, leafs through the large view, and
scrolls through the timeline. The pictures do not exist; they share the thumbnails of the sample, so
near-identical ones are not grouped.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click
from fixtures.many_pictures import QUESTIONS, many_pictures
from PIL import Image
from playwright.sync_api import CDPSession, Page, sync_playwright

from indexer.catalogue.database import FILE
from indexer.pictures.thumbnails import save_thumbnail, thumbnail_path

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ASPECTS = ((4000, 3000), (3000, 4000), (4000, 2250), (3000, 3000))
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
SHOWN = """(least) => {
  const box = document.querySelector(".pf-gallery")?.getBoundingClientRect();
  const images = [...document.querySelectorAll(".pf-tile img")]
    .filter((image) => image.getBoundingClientRect().top < innerHeight);
  return box && images.length >= least && images.every((image) => image.naturalWidth > 0);
}"""
ANSWERED = """([before]) => {
  const title = document.querySelector(".pf-total")?.textContent ?? "";
  const first = document.querySelector(".pf-tile[data-place='0']")?.dataset.id;
  const images = [...document.querySelectorAll(".pf-tile img")];
  return title.includes("best match") && first !== before && images.length > 3
    && images.slice(0, 8).every((image) => image.naturalWidth > 0);
}"""
FIRST = "() => document.querySelector(\".pf-tile[data-place='0']\")?.dataset.id"
SCROLL = """async ([seconds]) => {
  const frame = document.querySelector("[data-testid=stMain]");
  const gaps = [], end = performance.now() + seconds * 1000;
  let last = performance.now();
  while (performance.now() < end) {
    frame.scrollBy(0, 60);
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - last);
    last = now;
  }
  return gaps.slice(2);
}"""
LATE = 25  # ms after which a frame was dropped, at 60 in a second


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=10, show_default=True)
@click.option("--screenshot", type=click.Path(path_type=Path), help="Save the last page.")
def main(pictures: int, repeat: int, screenshot: Path | None) -> None:
    """Measure the browser app: first pictures, answers, marks, the large view, scrolling."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        click.echo(f"skipped: there is no browser here ({', '.join(BROWSERS)})")
        return
    library = _dated(many_pictures(pictures))
    begun = time.perf_counter()
    with _server(library) as address, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = started.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(SHIFTS)
        page.goto(f"{address}/?fold=no")
        page.wait_for_function(SHOWN, arg=12, timeout=120_000)
        click.echo(f"start to first pictures: {time.perf_counter() - begun:.2f} s")
        _say("reload", [_reloaded(page) for _ in range(repeat)])
        _scrolled(page, page.context.new_cdp_session(page))
        times = [_answered(page, number) for number in range(repeat + 1)]
        click.echo(f"first answer: {times[0]:.2f} s (the encoder starts)")
        _say("answer, Enter to pictures", times[1:])
        nodes = page.evaluate("document.querySelectorAll('.pf-gallery *').length")
        click.echo(f"nodes of the gallery: {nodes}")
        click.echo(f"layout shift until here: {page.evaluate('window.shift'):.3f}")
        _say("mark", [_marked(page, place) for place in (3, 4, 5)])
        _say("next picture in the large view", _leafed(page, repeat))
        if screenshot is not None:
            page.screenshot(path=screenshot)
        started.close()


def _dated(many: Path) -> Path:
    """Copy of a library whose pictures have dates, sizes and thumbnails; made if it is missing."""
    ready = many.with_name(f"app-{many.name}")
    if ready.exists():
        return ready
    making = many.with_name(f"making-app-{os.getpid()}")
    shutil.copytree(many, making)
    try:
        with closing(sqlite3.connect(making / FILE)) as catalogue:
            _date(catalogue)
            contents = [row[0] for row in catalogue.execute("SELECT content_hash FROM pictures")]
        _share_thumbnails(making / "thumbnails", contents)
        making.rename(ready)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return ready


def _date(catalogue: sqlite3.Connection) -> None:
    """Spread pictures over ten years, and give them the sizes of photographs."""
    catalogue.execute(
        "UPDATE pictures SET taken = strftime('%Y-%m-%dT%H:%M:%S', 1300000000 + "
        "id * (315360000 / (SELECT max(id) FROM pictures)), 'unixepoch')"
    )
    for number, (width, height) in enumerate(ASPECTS):
        catalogue.execute(
            "UPDATE pictures SET width = ?, height = ? WHERE id % ? = ?",
            (width, height, len(ASPECTS), number),
        )
    catalogue.commit()


def _share_thumbnails(folder: Path, contents: list[bytes]) -> None:
    """Give each picture the thumbnail of a photograph of the sample, as a link to one file."""
    photographs = sorted(SAMPLE.glob("*.jpg"))
    shared = []
    for photograph, content in zip(photographs, contents, strict=False):
        with Image.open(photograph) as image:
            shared.append(save_thumbnail(image.convert("RGB"), folder, content))
    for number, content in enumerate(contents[len(photographs) :]):
        path = thumbnail_path(folder, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.link(shared[number % len(shared)], path)


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


def _reloaded(page: Page) -> float:
    """Seconds from a reload until the pictures in the window are shown."""
    start = time.perf_counter()
    page.reload(wait_until="commit")
    page.wait_for_function(SHOWN, arg=12, timeout=60_000)
    return time.perf_counter() - start


def _scrolled(page: Page, session: CDPSession) -> None:
    """Tell how many frames scrolling drops, and the memory of the page after long ways."""
    gaps = page.evaluate(SCROLL, [5])
    late = sum(gap > LATE for gap in gaps) / len(gaps)
    click.echo(f"scrolling: {len(gaps) / 5:.0f} frames a second, {late:.0%} of them late")
    for share in (0.3, 0.9, 0.5, 1, 0):
        page.evaluate(
            "(share) => { const m = document.querySelector('[data-testid=stMain]');"
            " m.scrollTo(0, share * m.scrollHeight); }",
            share,
        )
        page.wait_for_timeout(200)
        page.wait_for_function(SHOWN, arg=4, timeout=60_000)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    click.echo(f"memory of the page's script: {used / 1e6:.0f} MB")


def _answered(page: Page, number: int) -> float:
    """Seconds from Enter until the first pictures of the next question's answer are shown."""
    box, before = page.get_by_label("Search", exact=True), page.evaluate(FIRST)
    box.fill(QUESTIONS[number % len(QUESTIONS)])
    start = time.perf_counter()
    box.press("Enter")
    page.wait_for_function(ANSWERED, arg=[before], timeout=60_000)
    return time.perf_counter() - start


def _marked(page: Page, place: int) -> float:
    """Seconds from a mark until the answer that follows it is shown."""
    tile = page.locator(f".pf-tile[data-place='{place}']")
    picture = tile.get_attribute("data-id")
    tile.hover()
    start = time.perf_counter()
    tile.get_by_role("button", name="More like this").click()
    page.locator(f".pf-tile[data-id='{picture}'] [aria-pressed=true]").wait_for()
    return time.perf_counter() - start


def _leafed(page: Page, count: int) -> list[float]:
    """Seconds until each of the next pictures is there, at least as its thumbnail."""
    page.locator(".pf-tile[data-place='0'] a").click()
    page.locator("dialog.pf-viewer img").first.wait_for()
    times = []
    for number in range(2, count + 2):
        start = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "(number) => document.querySelector('.pf-title').textContent.startsWith(`${number} of`)"
            " && document.querySelector('.pf-frame img')?.naturalWidth > 0",
            arg=number,
        )
        times.append(time.perf_counter() - start)
    return times


def _say(what: str, times: list[float]) -> None:
    middle = statistics.median(times)
    click.echo(f"{what}: median {middle:.2f} s (min {min(times):.2f}, max {max(times):.2f})")


if __name__ == "__main__":
    main()
