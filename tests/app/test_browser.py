"""Journeys through the browser app in a real browser, on the sample library and the built-in model.

One server and one browser serve the whole module; each test opens a page of its own.
"""

from __future__ import annotations

import base64
import csv
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from indexer import Library, index_folder
from search.albums import delete_album
from search.browsing.picked import add_pictures, album_ids
from ui.views.safe_text import browser_safe

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
QUERIES = ROOT / "tests" / "golden" / "sample_queries.tsv"
SCREENSHOT = ROOT / "docs" / "screenshot.jpg"
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
PATIENCE = 60_000  # ms: this machine may do other things as well
expect.set_options(timeout=PATIENCE)
EVIL = "<script>document.title='owned'</script><img src=x> **bold** :red[x] [a](http://e.com) $x$"
HOSTILE = (
    "<script>window.__pwned=1</script><img src=x onerror=window.__pwned=1>"
    "<img src=http://example.com/a.png> [x](javascript:window.__pwned=1) ![y](http://example.com/b)"
    " <http://example.com/c> :material/home: :red[x] :smile: $x^2$ `code` **bold** # head"
    " \x1b[31m\u202egpj \u2066 {{x}} ${x} '\" onload=window.__pwned=1 &lt;b&gt; \x9b"
)
CONFIGURATION = """
[server]
enableCORS = false
enableXsrfProtection = false
enableStaticServing = true
enableAgentApi = true
address = "0.0.0.0"
corsAllowedOrigins = ["http://example.com"]
[theme]
font = "other:https://example.com/font.css"
"""
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
def outside():
    """All that the server would find outside this machine: a proxy whose callers are counted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def address(library, outside, tmp_path_factory):
    """Address of a running app."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "ui", "ui", "--no-browser", "--port", str(port)]
    command += ["--library", str(library), "--offline"]
    here = tmp_path_factory.mktemp("server")
    for name in ("ui", "search", "indexer", "numpy"):  # a user's own scripts
        (here / f"{name}.py").write_text("raise SystemExit('a module of the present folder ran')")
    (here / ".streamlit").mkdir()  # nor is it asked how to run
    (here / ".streamlit" / "config.toml").write_text(CONFIGURATION)
    log = here / "log"
    proxy = f"http://127.0.0.1:{outside.getsockname()[1]}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_PROXY": "", "no_proxy": ""}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), proxy)
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=here, env=environment, stdout=output, stderr=output)
    try:
        found = f"http://localhost:{port}"
        wait_for(f"{found}/_stcore/health", server, log)
        yield found
    finally:
        server.terminate()
        server.wait(60)


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
        opened.set_default_timeout(PATIENCE)
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


def hit(page: Page, place: int = 0):
    """A picture in the gallery."""
    return page.locator(f'.pf-tile[data-place="{place}"]')


def picture_in(page: Page, place: int = 0):
    """The image of a picture in the gallery; its text stands for it."""
    return hit(page, place).locator("img")


def first_is(page: Page, name: str) -> None:
    """Wait until a picture of the sample is the first one of an answer."""
    page.locator(".pf-line").first.wait_for()  # only answers say something of their pictures
    expect(picture_in(page)).to_have_attribute("alt", captions_of(name)[0])


def settled(page: Page) -> None:
    """Wait until a page is as it will stay: a click before that may mean what was there before.

    A run begins a moment after the click that asks for it, so an idle script must stay idle.
    """
    page.evaluate("window.idleSince = undefined")
    page.wait_for_function(
        """() => {
            const app = document.querySelector("[data-testid=stApp]")
            const idle = app?.dataset.testScriptState === "notRunning"
            window.idleSince = idle ? window.idleSince ?? performance.now() : undefined
            return idle && performance.now() - window.idleSince > 300
        }"""
    )


def keyed(page: Page, key: str):
    """The element of a Streamlit key: one that was drawn for another album has another."""
    return page.locator(".st-key-" + re.sub(r"[^\w-]", "-", key))


def search_box(page: Page):
    """The box for words; with suggestions it becomes a combobox, so that its role varies."""
    return page.get_by_label("Search", exact=True)


def ask(page: Page, words: str) -> None:
    search_box(page).fill(words)
    page.keyboard.press("Enter")


def open_picture(page: Page, place: int = 0):
    """Open a picture in the large view, and wait until it is sharp."""
    hit(page, place).get_by_role("link").click()
    viewer = page.get_by_role("dialog", name="Picture")
    expect(viewer.locator("img.pf-high")).to_be_visible()
    return viewer


def upload(page: Page, picture: Path) -> None:
    page.locator(".st-key-picture input[type=file]").set_input_files(picture)


def test_words_show_the_right_picture_first_and_stay_in_the_address(page):
    page.goto("/")
    hit(page).wait_for()
    for picture in ("espresso-cup.jpg", "steam-train.jpg"):
        ask(page, golden_queries()[picture])
        first_is(page, picture)
    page.wait_for_url("**/?q=old+locomotive*")
    page.reload()
    first_is(page, "steam-train.jpg")
    page.go_back()
    first_is(page, "espresso-cup.jpg")
    expect(search_box(page)).to_have_value(golden_queries()["espresso-cup.jpg"])
    page.go_back()
    expect(search_box(page)).to_have_value("")
    expect(page.locator(".pf-total")).to_have_text(re.compile(r"^\d+ pictures$"))


def test_large_picture_goes_on_zooms_and_closes_before_the_page_is_left(page):
    page.goto("/?q=cattle+in+the+countryside")
    first_is(page, "cows-by-lake.jpg")
    viewer = open_picture(page)
    assert "open=" in page.url
    first = page.url
    page.keyboard.press("ArrowRight")
    expect(viewer.locator(".pf-title")).to_contain_text("2 of")
    expect(viewer.locator("img.pf-high")).to_be_visible()
    assert page.url != first
    page.keyboard.press("+")
    expect(viewer.locator("img")).to_have_attribute("style", re.compile("scale"))
    page.keyboard.press("0")
    expect(viewer.locator("img")).not_to_have_attribute("style", re.compile("scale"))
    page.keyboard.press("i")
    expect(viewer.get_by_text("cows-by-lake.jpg")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(viewer.get_by_text("cows-by-lake.jpg").first).to_be_visible()
    expect(viewer.get_by_role("button", name=str(SAMPLE))).to_be_visible()
    shared = page.url
    page.go_back()
    expect(viewer).to_be_hidden()
    first_is(page, "cows-by-lake.jpg")
    assert page.evaluate("document.activeElement.closest('.pf-tile').dataset.place") == "0"
    assert page.url.endswith("?q=cattle+in+the+countryside")
    page.goto(shared)
    expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Picture")).to_be_hidden()
    assert "open=" not in page.url
    page.goto(shared.replace("cattle+in+the+countryside", "old+locomotive"))  # not in this list
    expect(page.locator(".pf-title")).to_have_text(f"1 of 1 · {captions_of('cows-by-lake.jpg')[0]}")


def test_similar_pictures_are_found_from_the_large_view_and_left_by_going_back(page):
    page.goto("/?q=cattle+in+the+countryside")
    first_is(page, "cows-by-lake.jpg")
    settled(page)
    open_picture(page).get_by_role("button", name="Find similar pictures").click()
    page.wait_for_url("**/?like=*")
    expect(page.get_by_text("Pictures like this one")).to_be_visible()
    expect(picture_in(page)).not_to_have_attribute("alt", captions_of("cows-by-lake.jpg")[0])
    page.go_back()
    first_is(page, "cows-by-lake.jpg")
    assert "like=" not in page.url


def test_folder_of_a_picture_filters_and_its_chip_takes_that_back(page):
    page.goto("/")
    settled(page)
    viewer = open_picture(page)
    page.keyboard.press("i")
    viewer.get_by_role("button", name=str(SAMPLE)).click()
    page.wait_for_url("**/?where=folder*")
    chip = page.get_by_role("button", name="folder:")
    expect(chip).to_be_visible()
    page.get_by_role("button", name="Filters").click()  # controls that nobody has seen yet
    expect(page.get_by_label("Filter", exact=True)).to_have_value(re.compile("^folder:"))
    expect(page.get_by_role("checkbox", name="Group near-identical shots")).to_be_checked()
    page.keyboard.press("Escape")
    chip.click()
    expect(chip).to_be_hidden()
    assert "where=" not in page.url


def test_pictures_are_selected_by_keys_and_downloaded_and_put_into_an_album(page):
    page.goto("/")
    hit(page, 2).wait_for()
    settled(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+X")
    bar = page.get_by_role("toolbar", name="Selected pictures")
    expect(bar).to_contain_text("3 selected")
    with page.expect_download() as download:
        bar.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as files:
        assert len(files.namelist()) == 3
        assert files.testzip() is None
    bar.get_by_role("button", name="Add to album").click()
    page.get_by_role("textbox", name="Name of a new album").fill("Three *best*")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 pictures added to Three *best*")).to_be_visible()
    hit(page, 4).hover()
    hit(page, 4).get_by_role("checkbox").click()
    expect(bar).to_contain_text("4 selected")
    hit(page, 4).get_by_role("link").focus()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(bar).to_contain_text(re.compile(r"^\d\d+ selected"))
    page.get_by_role("link", name="Albums").click()
    expect(page.locator(".pf-tile")).to_have_count(3)
    page.get_by_role("button", name="Search in this album").click()
    page.wait_for_url("**/?where=album*")
    expect(page.locator(".pf-tile")).to_have_count(3)
    page.go_back()
    page.wait_for_url("**/albums")


def test_pictures_are_selected_by_a_drag_and_by_keys_with_shift(page):
    page.goto("/?sort=name")
    hit(page, 5).wait_for()
    settled(page)
    bar = page.get_by_role("toolbar", name="Selected pictures")
    first, third = hit(page, 0).bounding_box(), hit(page, 2).bounding_box()
    page.mouse.move(first["x"] + 30, first["y"] + 60)
    page.mouse.down()
    page.mouse.move(third["x"] + 30, third["y"] + 90, steps=5)
    expect(bar).to_contain_text("3 selected")
    page.mouse.up()
    expect(page.locator("dialog.pf-viewer")).to_be_hidden()  # a drag is no click
    hit(page, 1).get_by_role("link").click()  # while pictures are selected, a click picks
    expect(bar).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    page.mouse.move(first["x"] + 30, first["y"] + 60)
    page.mouse.down()
    page.mouse.move(third["x"] + 30, third["y"] + 90, steps=5)
    page.keyboard.press("Escape")  # gives the drag up
    page.mouse.up()
    expect(bar).to_be_hidden()
    hit(page, 0).get_by_role("link").focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(bar).to_contain_text("2 selected")


def test_album_is_arranged_renamed_deleted_and_brought_back(page, library):
    with Library.open(library) as opened:
        ids = opened.catalogue.present_ids()[:4]
        for name in ("Order", "Passing", "Staying"):
            add_pictures(opened, name, ids)
    page.goto("/albums?album=Order")
    expect(page.locator(".pf-tile")).to_have_count(4)
    settled(page)
    order = ["0", "1", "2", "3"]
    for key, moved in (("Control+ArrowRight", [1, 0, 2, 3]), ("Control+ArrowRight", [1, 2, 0, 3])):
        page.locator(f".pf-tile[data-id='{ids[0]}']").get_by_role("link").focus()
        page.keyboard.press(key)
        for place, name in zip(moved, order, strict=True):
            tile = page.locator(f".pf-tile[data-id='{ids[place]}']")
            expect(tile).to_have_attribute("data-place", name)
        settled(page)
    tile = page.locator(f".pf-tile[data-id='{ids[3]}']")
    tile.hover()
    tile.get_by_role("checkbox").click()
    bar = page.get_by_role("toolbar", name="Selected pictures")
    bar.get_by_role("button", name="Move earlier").click()
    expect(tile).to_have_attribute("data-place", "2")
    bar.get_by_role("button", name="Use as cover").click()
    expect(page.get_by_text("This picture is now the cover of Order")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("My *order*")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("My.*order"))
    settled(page)
    expect(page.get_by_role("textbox", name="New name")).to_be_hidden()
    for name in ("Passing", "My *order*"):
        page.get_by_role("combobox", name="Album").click()
        page.get_by_role("option", name=name).click()
        settled(page)
        keyed(page, f"deleting {name}").get_by_role("button", name="Delete this album").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text(f"Album deleted: {name}")).to_be_visible()
        settled(page)
        expect(page.get_by_role("button", name="Delete", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(re.compile("My.*order"))
    expect(page.locator(".pf-tile")).to_have_count(4)
    with Library.open(library, read_only=True) as opened:
        assert album_ids(opened, "My *order*") == [ids[n] for n in (1, 2, 3, 0)]
        assert opened.picked.album("My *order*").cover == ids[3]
    with Library.open(library) as opened:
        for name in ("My *order*", "Staying"):
            delete_album(opened, name)


def test_marks_change_the_answer_in_its_place(page):
    page.goto("/?q=animal&weaker=yes")
    hit(page, 3).wait_for()
    settled(page)
    hit(page, 3).hover()
    wanted = picture_in(page, 3).get_attribute("alt")
    hit(page, 3).get_by_role("button", name="More like this").click()
    page.wait_for_url("**right=*")
    expect(picture_in(page)).to_have_attribute("alt", wanted)
    expect(hit(page).get_by_role("button", name="More like this")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="1 mark").click()
    expect(page.locator(".pf-tile [aria-pressed=true]")).to_have_count(0)


def test_keys_are_told_and_lead_to_the_search_box(page):
    page.goto("/")
    hit(page).wait_for()
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts.get_by_text("Start or stop the slideshow")).to_be_visible()
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    page.keyboard.press("/")
    expect(search_box(page)).to_be_focused()


def test_only_pictures_near_the_window_are_in_the_page(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    hit(page).wait_for()
    total = int(re.search(r"\d+", page.locator(".pf-total").inner_text())[0])
    assert page.locator(".pf-tile").count() < total
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    hit(page, total - 1).wait_for()
    expect(hit(page)).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_pictures_are_uploaded_and_pasted(page, tmp_path):
    page.goto("/?weight=1.0")
    shutil.copy(SAMPLE / "brown-horses.jpg", tmp_path / "mine.jpg")
    (tmp_path / "mine.jpg").open("ab").write(b"\0")  # other bytes: not the library's own copy
    hit(page).wait_for()
    upload(page, tmp_path / "mine.jpg")
    first_is(page, "brown-horses.jpg")
    expect(page.get_by_alt_text("Your picture")).to_be_visible()
    page.reload()
    first_is(page, "brown-horses.jpg")
    content = (SAMPLE / "polar-bear-on-ice.jpg").read_bytes() + b"\0"
    page.evaluate(PASTE, base64.b64encode(content).decode())
    first_is(page, "polar-bear-on-ice.jpg")


def test_picture_of_the_library_is_told_and_asks_together_with_words(page):
    page.goto("/")
    hit(page).wait_for()
    upload(page, SAMPLE / "brown-horses.jpg")
    expect(page.get_by_text("This picture is in your library")).to_be_visible()
    first_is(page, "brown-horses.jpg")
    expect(picture_in(page, 1)).to_have_attribute("alt", captions_of("cows-by-lake.jpg")[0])
    ask(page, golden_queries()["fire-engine.jpg"])
    page.wait_for_url("**picture=*")
    expect(picture_in(page, 1)).to_have_attribute("alt", captions_of("fire-engine.jpg")[0])


def test_search_survives_a_look_at_the_library(page):
    page.goto("/?q=old+locomotive")
    hit(page).wait_for()
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    page.get_by_role("link", name="Pictures").click()
    expect(search_box(page)).to_have_value("old locomotive")
    first_is(page, "steam-train.jpg")
    ask(page, "")
    expect(page.locator(".pf-total")).to_have_text(re.compile(r"^\d+ pictures$"))
    expect(search_box(page)).to_have_value("")


def test_added_folder_can_be_searched_and_its_captions_are_plain_text(page, tmp_path):
    folder = tmp_path / "new *pictures*"
    folder.mkdir()
    for name in ("giant-panda.jpg", "wall-clock.jpg"):
        shutil.copy(SAMPLE / name, folder / f"new-{name}")
    (folder / "new-wall-clock.txt").write_text(f"zebra crossing {EVIL}")
    (folder / "broken.jpg").write_bytes(b"no picture")
    page.goto("/library")
    before = int(page.get_by_test_id("stMetricValue").first.inner_text())
    page.get_by_role("textbox", name="Add a folder").fill(str(folder))
    page.get_by_role("button", name="Add", exact=True).click()
    summary = page.get_by_text("2 pictures added. 1 could not be read.")
    expect(summary).to_be_visible()
    expect(page.get_by_text(str(folder), exact=True)).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(str(before + 2))
    page.get_by_role("link", name="Pictures").click()
    hit(page).wait_for()
    page.goto("/?mode=words")
    hit(page).wait_for()
    ask(page, "zebra crossing")
    expect(picture_in(page)).to_have_attribute("alt", f"zebra crossing {EVIL}")
    expect(hit(page).locator(".pf-caption")).to_have_text(f"zebra crossing {EVIL}")
    assert hit(page).locator("strong, script, .katex, .pf-caption *").count() == 0
    assert page.title() != "owned"


def test_hostile_captions_and_names_are_shown_literally(page, library, tmp_path):
    folder = tmp_path / HOSTILE.replace("/", "\u2215")[:80]
    folder.mkdir()
    name = "<img src=x onerror=window.__pwned=1>:red[x]$x$[x](javascript:x)\n\x1b[31m\u202e.jpg"
    content = (SAMPLE / "wall-clock.jpg").read_bytes()
    (folder / "said.jpg").write_bytes(content + b"\0")
    (folder / "said.txt").write_text(f"xylophone {HOSTILE}", encoding="utf-8", newline="")
    (folder / name).write_bytes(content + b"\0\0")
    (folder / f"broken {name}").write_bytes(b"no picture")
    with Library.open(library) as writer:
        assert index_folder(writer, folder).added == 2
        (row,) = [p for p in _pictures(writer) if p.path == folder / "said.jpg"]
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))

    page.goto("/?q=xylophone")
    hit(page).wait_for()
    first = " ".join(browser_safe(row.captions[0]).split())
    assert r"<script>window.__pwned=1</script>" in first
    assert r"\u202egpj \u2066 {{x}}" in first
    expect(hit(page).locator(".pf-caption")).to_have_text(first)
    expect(picture_in(page)).to_have_attribute("alt", browser_safe(row.captions[0]))
    _is_plain(page)
    viewer = open_picture(page)
    page.keyboard.press("i")
    expect(viewer.locator(".pf-details dd").first).to_have_text(first)
    expect(viewer.get_by_role("button", name=browser_safe(folder))).to_be_visible()
    _is_plain(page)

    page.goto(f"/?q={quote(HOSTILE.replace('http', ' http '))}")
    hit(page).wait_for()
    _is_plain(page)
    page.goto(f"/?q={quote('- http://example.com/' + HOSTILE)}")
    page.get_by_text("Cannot search for this").wait_for()
    _is_plain(page)

    page.goto("/library")
    page.get_by_text(browser_safe(folder), exact=True).wait_for()
    expect(page.get_by_test_id("stCode").first).to_be_visible()
    _is_plain(page)
    assert dialogs == []


def _pictures(library):
    return library.catalogue.pictures(library.catalogue.present_ids()).values()


def _is_plain(page):
    """Nothing ran, and no element was made of what a caption or a name says."""
    assert page.evaluate("window.__pwned === undefined")
    made = (
        "img[onerror], [onload], a[href^='javascript:'], [href*='example.com'], .katex, b, "
        "[src*='example.com'], [src='x'], .stMarkdownColoredText, h1:not(.stHeading h1), bdo"
    )
    assert page.locator(made).count() == 0
    scripts = page.locator("script").all_inner_texts()
    assert not any("__pwned" in script for script in scripts)


# The server


def answer(address, path, **headers):
    """Status and body of a request whose path is sent as it is."""
    host = address.partition("//")[2]
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, b"" if response.status == 101 else response.read()


def opened(address, **headers) -> bool:
    """Whether the server opens the connection over which it shows its pages."""
    wish = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": base64.b64encode(b"0123456789abcdef").decode(),
    }  # fmt: skip
    return answer(address, "/_stcore/stream", **wish, **headers)[0] == 101


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="only Linux says so here")
def test_server_listens_on_this_machine_only(address):
    port = int(address.rpartition(":")[2])
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for t in tables if t.is_file() for line in t.read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}
    assert listening
    local = {"0100007F", "00000000000000000000000001000000"}
    assert {bound.partition(":")[0] for bound in listening} <= local


@pytest.mark.parametrize(
    "path",
    [
        "/app/static/{up}{file}", "/app/static/{file}", "/static/{up}{file}", "/media/{up}{file}",
        "/media/{file}", "/component/x/{up}{file}", "/component/{up}{file}", "/{up}{file}",
        "/_stcore/{up}{file}", "/_stcore/component/x/{up}{file}", "/_stcore/bidi-components/{file}",
        "/_stcore/bidi-components/picfuse_gallery/{up}{file}", "/_stcore/upload_file/{up}{file}",
        "/{file}", "//{file}", "{file}", "file://{file}", "/static/{file}", "/?path={file}",
        "/library/{up}{file}", "/app.py/{up}{file}", "/pf/gallery/{up}{file}", "/pf/{up}{file}",
    ],
)  # fmt: skip
def test_no_path_of_the_address_leads_to_a_file(address, tmp_path, path):
    (tmp_path / "secret.jpg").write_bytes(b"the secret")
    _, page = answer(address, "/")  # what Streamlit shows for a path that it does not know
    for up in ("../", "%2e%2e/", "..%2f", "..%5c", "..\\"):
        for file in (tmp_path / "secret.jpg", SAMPLE / "igloo.jpg", ROOT / "ui" / "app.py"):
            for name in (str(file), str(file)[1:], quote(str(file), safe="")):
                status, body = answer(address, path.format(up=up * 12, file=name))
                assert body[:1000] not in file.read_bytes() or not body
                assert status in (400, 403, 404, 405) or body == page


def test_pages_of_others_cannot_open_the_app(address, outside):
    host = address.partition("//")[2]
    assert opened(address, Origin=address)
    assert opened(address, Origin=address, Host=host)
    ours = f"127.0.0.1:{host.partition(':')[2]}"
    assert opened(address, Origin=f"http://{ours}", Host=ours)
    for origin in ("http://example.com", "https://localhost.example.com", "null", "file://"):
        assert not opened(address, Origin=origin)
    for stranger in (
        "example.com",
        f"example.com:{host.partition(':')[2]}",
        "localhost.evil",
        "a@b",
    ):
        assert not opened(address, Origin=f"http://{stranger}", Host=stranger)
        assert not opened(address, Host=stranger)
    assert _calls(outside) == []  # not for its own address, nor to tell anybody of it


def test_pictures_have_the_guard_of_the_app(address):
    status, body = answer(address, "/pf/columns")
    listed = json.loads(body)
    assert (status, listed["total"]) == (200, len(listed["hashes"]))
    picture = f"/pf/thumb/{listed['ids'][0]}/{listed['hashes'][0]}"
    assert answer(address, picture)[1].startswith(b"\xff\xd8")
    for path in ("/pf/columns", picture, "/", "/_stcore/health", "/pf/zip"):
        assert answer(address, path, Host="example.com")[0] == 403
        assert answer(address, path, Sec_Fetch_Site="cross-site")[0] == 403


def _calls(outside) -> list[bytes]:
    """The requests that have reached the outside until now."""
    found = []
    with suppress(BlockingIOError):
        while True:
            with outside.accept()[0] as caller:
                caller.settimeout(5)
                found.append(caller.recv(2**16))
    return found


@pytest.mark.parametrize("path", ["interact", "mcp"])
def test_programs_cannot_steer_the_app(address, path):
    host = address.partition("//")[2]
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        kind = {"Content-Type": "application/json"}
        connection.request("POST", f"/_stcore/agent/{path}", "{}", kind)
        response = connection.getresponse()
        assert response.status >= 400
        assert b"does not serve the agent API" in response.read()


def test_upload_needs_the_token_of_a_page(address):
    host = address.partition("//")[2]
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request("PUT", "/_stcore/upload_file/session/file", b"x")
        assert connection.getresponse().status in (400, 403)


def test_phone_shows_all_buttons_of_a_picture_and_folds_the_list_of_pages(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/?q=cattle+in+the+countryside")
    first_is(page, "cows-by-lake.jpg")  # its caption is longer than a line
    close = open_picture(page).get_by_role("button", name="Close")
    expect(close).to_be_in_viewport(ratio=1)
    close.click()
    pages = page.get_by_test_id("stSidebarNavLink")
    expect(pages.first).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Albums").click()
    page.get_by_role("heading", name="Albums").wait_for()
    expect(pages.first).not_to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_that_the_browser_asks_for(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/")
    hit(page).wait_for()
    background = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    red, green, blue = (int(part) for part in re.findall(r"\d+", page.evaluate(background))[:3])
    assert (red + green + blue < 200) == (scheme == "dark")


def test_point_of_the_map_opens_as_often_as_it_is_clicked_and_leads_to_similar_pictures(page):
    page.goto("/map")
    points = page.locator("[data-testid=stVegaLiteChart] .mark-symbol.role-mark path")
    for place in (0, 0, 1, 0):
        settled(page)
        points.nth(place).click(force=True)
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)
    points.first.click(force=True)
    page.get_by_role("dialog").get_by_role("link", name="More like this").click()
    hit(page).wait_for()
    assert "like=" in page.url
    page.go_back()
    expect(points.first).to_be_visible()


def test_documented_screenshot_is_small_enough():
    assert SCREENSHOT.stat().st_size <= 300_000


def axe_script() -> Path | None:
    """axe-core, in the `node_modules` of a folder above, as node looks for it."""
    found = (
        folder / "node_modules" / "axe-core" / "axe.min.js" for folder in (ROOT, *ROOT.parents)
    )
    return next((script for script in found if script.is_file()), None)


@pytest.mark.skipif(axe_script() is None, reason="no axe-core (npm install axe-core, above here)")
def test_axe_finds_nothing_serious_on_any_page(page):
    for name in ("", "albums", "map", "duplicates", "captions", "library"):
        page.goto(f"/{name}")
        settled(page)
        page.get_by_role("heading", level=1).wait_for(state="attached")
        page.add_script_tag(path=axe_script())
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            for _ in range(10):
                found = _serious(page)
                if not found:
                    break
                page.wait_for_timeout(300)  # perhaps it is still being faded in
            assert (name, scheme, found) == (name, scheme, [])


def _serious(page):
    """The serious faults that axe finds, each with the first place."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"]) for one in serious]


def test_end_of_the_server_is_told_in_words_of_picfuse(page):
    sockets = []

    def pass_on(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket("**/_stcore/stream", pass_on)
    page.goto("/library")
    settled(page)
    page.route("**/_stcore/**", lambda route: route.abort())
    sockets[0].close()
    told = page.get_by_role("dialog", name="picfuse is not running")
    told.get_by_text("picfuse ui", exact=True).wait_for()
    assert "streamlit" not in told.inner_text().lower()
