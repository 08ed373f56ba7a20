"""Journeys through the browser app in a real browser, on the sample library and the built-in model.

One server and one browser serve the whole module; each test opens a page of its own.
"""

from __future__ import annotations

import base64
import csv
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from indexer import Library, index_folder

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample"
QUERIES = ROOT / "tests" / "golden" / "sample_queries.tsv"
SCREENSHOT = ROOT / "docs" / "images" / "app.png"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVIL = "<script>document.title='owned'</script><img src=x> **bold** :red[x] [a](http://e.com) $x$"
PASTE = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], "image.jpg", {type: "image/jpeg"}));
  const init = {clipboardData, bubbles: true, cancelable: true};
  while (document.body.dispatchEvent(new ClipboardEvent("paste", init)))  // until one is taken
    await new Promise((resolve) => setTimeout(resolve, 100));
}"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """The sample library, indexed with the built-in model."""
    path = tmp_path_factory.mktemp("browser") / "library"
    with Library.create(path) as made:
        assert not index_folder(made, SAMPLE).failed
    return path


@pytest.fixture(scope="module")
def address(library, tmp_path_factory):
    """Address of a running app."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "ui", "ui", "--no-browser", "--port", str(port)]
    command += ["--library", str(library), "--offline"]
    here = tmp_path_factory.mktemp("server")
    for name in ("ui", "search", "indexer", "numpy"):  # a user's own scripts
        (here / f"{name}.py").write_text("raise SystemExit('a module of the present folder ran')")
    log = here / "log"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=here, env=environment, stdout=output, stderr=output)
    try:
        found = f"http://localhost:{port}"
        wait_for(f"{found}/_stcore/health", server, log)
        yield found
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser, address):
    """A page on a desktop; it may talk to the app only."""
    with browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.set_default_timeout(20_000)
        foreign: list[str] = []
        opened.on("request", lambda request: foreign.append(request.url))
        yield opened
    local = (address, address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in foreign if not url.startswith(local)] == []


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


def wait_for(url, server, log):
    for _ in range(150):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def golden_queries():
    with QUERIES.open(encoding="utf-8", newline="") as lines:
        return {row["picture"]: row["query"] for row in csv.DictReader(lines, delimiter="\t")}


def captions_of(name) -> list[str]:
    with (SAMPLE / "captions.csv").open(encoding="utf-8", newline="") as lines:
        return [row["caption"] for row in csv.DictReader(lines) if row["file"] == name]


def first_hit(page: Page):
    return page.locator(".st-key-said-0")


def ask(page: Page, words: str) -> None:
    page.get_by_role("searchbox", name="Search").fill(words)
    page.keyboard.press("Enter")


def upload(page: Page, picture: Path) -> None:
    page.locator(".st-key-picture input[type=file]").set_input_files(picture)


@pytest.mark.parametrize("picture", ["espresso-cup.jpg", "igloo.jpg"])
def test_words_show_the_right_picture_first(page, picture):
    page.goto("/")
    ask(page, golden_queries()[picture])
    page.locator(".st-key-hit-0").get_by_text("0.").wait_for()
    page.get_by_role("button", name="Show picture").first.click()
    expect(page.get_by_role("dialog").get_by_text(str(SAMPLE / picture))).to_be_visible()


def test_query_is_kept_in_the_address(page):
    page.goto("/")
    ask(page, golden_queries()["steam-train.jpg"])
    page.wait_for_url("**/?q=old+locomotive*")
    page.reload()
    expect(first_hit(page)).to_have_text(captions_of("steam-train.jpg")[0])


def test_uploaded_picture_finds_pictures_like_it(page, tmp_path):
    page.goto("/?weight=1.0")
    shutil.copy(SAMPLE / "brown-horses.jpg", tmp_path / "mine.jpg")
    (tmp_path / "mine.jpg").open("ab").write(b"\0")  # other bytes: not the library's own copy
    upload(page, tmp_path / "mine.jpg")
    expect(first_hit(page)).to_have_text(captions_of("brown-horses.jpg")[0])
    expect(page.get_by_alt_text("The picture that is asked with")).to_be_visible()


def test_pasted_picture_finds_pictures_like_it(page):
    page.goto("/")
    page.locator(".st-key-hit-0").wait_for()
    content = (SAMPLE / "polar-bear-on-ice.jpg").read_bytes() + b"\0"
    page.evaluate(PASTE, base64.b64encode(content).decode())
    expect(first_hit(page)).to_have_text(captions_of("polar-bear-on-ice.jpg")[0])


def test_picture_and_words_together(page):
    page.goto("/")
    upload(page, SAMPLE / "brown-horses.jpg")
    expect(first_hit(page)).to_have_text(captions_of("cows-by-lake.jpg")[0])
    ask(page, golden_queries()["fire-engine.jpg"])
    expect(first_hit(page)).to_have_text(captions_of("fire-engine.jpg")[0])
    expect(page.locator(".st-key-said-1")).to_have_text(captions_of("cows-by-lake.jpg")[0])


def test_more_like_this_and_back(page):
    page.goto("/?q=cattle+in+the+countryside")
    expect(first_hit(page)).to_have_text(captions_of("cows-by-lake.jpg")[0])
    page.get_by_role("button", name="More like this").first.click()
    expect(page.get_by_text("Pictures like this one")).to_be_visible()
    expect(first_hit(page)).not_to_have_text(captions_of("cows-by-lake.jpg")[0])
    assert "like=" in page.url
    page.get_by_role("button", name="Back to the search").click()
    expect(first_hit(page)).to_have_text(captions_of("cows-by-lake.jpg")[0])
    assert "like=" not in page.url


def test_more_like_the_large_picture(page):
    page.goto("/?q=cattle+in+the+countryside")
    page.get_by_role("button", name="Show picture").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img").first).to_be_visible()
    dialog.get_by_role("button", name="More like this").click()
    expect(page.get_by_text("Pictures like this one")).to_be_visible()
    expect(dialog).to_be_hidden()


def test_search_survives_a_look_at_the_library(page):
    page.goto("/?q=old+locomotive")
    page.locator(".st-key-hit-0").wait_for()
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    page.get_by_role("link", name="Search").click()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("old locomotive")
    expect(first_hit(page)).to_have_text(captions_of("steam-train.jpg")[0])


def test_added_folder_can_be_searched_and_its_captions_are_plain_text(page, tmp_path):
    folder = tmp_path / "new *pictures*"
    folder.mkdir()
    for name in ("giant-panda.jpg", "wall-clock.jpg"):
        shutil.copy(SAMPLE / name, folder / f"new-{name}")
    (folder / "new-wall-clock.txt").write_text(f"zebra crossing {EVIL}")
    (folder / "broken.jpg").write_bytes(b"no picture")
    page.goto("/library")
    before = int(page.get_by_test_id("stMetricValue").first.inner_text())
    page.get_by_role("textbox", name="Folder on this computer").fill(str(folder))
    page.get_by_role("button", name="Add folder").click()
    summary = page.get_by_text("2 added, 0 unchanged, 0 changed, 0 removed, 1 failed")
    expect(summary).to_be_visible(timeout=30_000)
    expect(page.get_by_text(str(folder), exact=True)).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(str(before + 2))
    page.get_by_role("link", name="Search").click()
    ask(page, "zebra crossing")
    expect(first_hit(page)).to_have_text(f"zebra crossing {EVIL}")
    assert first_hit(page).locator("strong, a, img, script, .katex").count() == 0
    assert page.title() != "owned"


def test_phone_shows_two_aligned_columns_without_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/?q=cattle+in+the+countryside")
    page.locator(".st-key-hit-3 img").wait_for()
    boxes = [page.locator(f".st-key-hit-{place} img").bounding_box() for place in range(4)]
    assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"] == boxes[3]["y"]
    assert boxes[0]["x"] == boxes[2]["x"] < boxes[1]["x"] == boxes[3]["x"]
    assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_documented_screenshot_is_small_enough():
    assert SCREENSHOT.stat().st_size <= 400_000
