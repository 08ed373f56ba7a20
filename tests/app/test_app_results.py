"""The browser app's results: pages of them, what is folded, and the map."""

import json
from dataclasses import replace

import pytest
from app_pages import AppTest, gallery, seen
from test_app import (  # noqa: F401 - fixtures
    albums_page,
    app,
    click,
    colours,
    folder,
    library,
    make,
    path,
    said,
    save,
    texts,
)

from search import Searcher
from search import library_map as mapping

MAP_PAGE = """
import os, sys
import streamlit as st
from ui.views.pages import map_page
from ui.views.options import AppOptions
options = AppOptions.parse(sys.argv[1:], os.environ)
search = st.Page(lambda: None, title="Search", url_path="search")
library = st.Page(lambda: None, title="Library", url_path="library")
start = st.Page(lambda: map_page.show(options, search, library), title="Map", default=True)
st.navigation([start, search, library]).run()
"""


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setattr(mapping, "cache_directory", lambda: tmp_path / "cache")


@pytest.fixture
def many(path, tmp_path):  # noqa: F811
    """A library of thirty shades of red, in two folders."""
    for number in range(30):
        place = tmp_path / "shades" / ("dark" if number < 15 else "light")
        place.mkdir(parents=True, exist_ok=True)
        save(place / f"{number:02}.png", (100 + number, number, 0))
    make(path, tmp_path / "shades")
    return path


def read_more(at):
    """The next run after the gallery has asked for more."""
    at.session_state["pages"]["count"] += 1
    return at.run()


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr("ui.views.display.results.PAGE", 12)


def test_more_hits_are_appended_until_all_are_there(many, few_at_once):
    at = app(q="red", weaker="yes")
    told = gallery(at)
    assert (len(seen(at)), told["more"]) == (12, True)
    assert told["title"] == "First 12 pictures, best match first"
    before = seen(at)
    assert seen(read_more(at))[:12] == before
    assert gallery(at)["key"] == told["key"]
    assert len({*seen(read_more(at))}) == 30
    assert not gallery(at)["more"]
    at.text_input(key="q").input("yellow").run()
    assert len(seen(at)) == 12


def test_mark_keeps_as_many_hits_as_were_there(many, few_at_once):
    at = read_more(app(q="red", weaker="yes"))
    key = gallery(at)["items"][20]["id"]
    at.query_params["right"] = str(key)
    assert len(seen(at.run())) == 24
    assert gallery(at)["items"][0]["id"] == key


def test_weaker_hits_come_at_a_click_and_nothing_leads_behind_them(many, few_at_once, monkeypatch):
    answer = Searcher.ask

    def doubting(self, subject, options):
        found = answer(self, subject, options)
        hits = [replace(hit, doubtful=hit.rank > 6) for hit in found.hits]
        return replace(found, hits=tuple(hits))

    monkeypatch.setattr(Searcher, "ask", doubting)
    at = app(q="red")
    assert (len(seen(at)), gallery(at)["weaker"], gallery(at)["more"]) == (6, 6, False)
    at = app(q="red", weaker="yes")
    assert (len(seen(at)), gallery(at)["weaker"], gallery(at)["more"]) == (12, 0, True)


def test_album_of_a_search_is_read_like_a_search(many, few_at_once):
    at = app(q="red")
    at.text_input(key="album-name").input("reds")
    at.number_input(key="album-k").set_value(28)
    click(at, "Save")
    at = albums_page()
    assert gallery(at)["title"] == "First 12 pictures"
    assert len({*seen(read_more(read_more(at)))}) == 28
    assert gallery(at)["title"] == "28 pictures"
    assert not gallery(at)["more"]


def test_copies_are_one_hit_with_the_others_in_it(path, folder):  # noqa: F811
    for number in range(3):
        content = (folder / "plain-green.png").read_bytes()
        (folder / f"copy-{number}.png").write_bytes(content)
    make(path, folder)
    at = app(q="green")
    first = gallery(at)["items"][0]
    names = {first["name"], *(one["name"] for one in first["folded"])}
    assert names == {"copy-0.png", "copy-1.png", "copy-2.png", "plain-green.png"}
    assert len(seen(at)) == 3
    at.checkbox(key="fold").uncheck().run()
    assert len(seen(at)) == 6


def test_diverse_results_look_different(path, tmp_path):  # noqa: F811
    (tmp_path / "three").mkdir()
    save(tmp_path / "three" / "a.png", "red", "red")
    save(tmp_path / "three" / "b.png", (250, 0, 0), "red red red black")
    save(tmp_path / "three" / "c.png", "blue", "red red black")
    make(path, tmp_path / "three")
    at = app(q="red", weight="0.0")
    assert seen(at) == ["red", "red red red black", "red red black"]
    at.checkbox(key="diverse").check().run()
    assert seen(at) == ["red", "red red black", "red red red black"]


def map_page():
    at = AppTest.from_string(MAP_PAGE, default_timeout=30).run()
    assert not at.exception
    return at


def test_map_shows_every_picture_with_its_group(many):
    at = map_page()
    assert "30 pictures. Similar ones are close together. This is not a map of places." in said(at)
    (chart,) = at.get("vega_lite_chart")
    assert list(chart.proto.selection_mode) == ["pick"]
    assert '"Folder"' in chart.proto.spec
    assert '"image"' in chart.proto.spec  # of the thumbnail under the pointer
    at.selectbox(key="map-colour").select("Year").run()
    assert not at.exception


def test_one_colour_has_no_legend(many):
    """The folders are two; no picture has a tag."""
    at = map_page()
    for colour, legend in (("Folder", True), ("Tag", False)):
        at.selectbox(key="map-colour").select(colour).run()
        (chart,) = at.get("vega_lite_chart")
        encoded = json.loads(chart.proto.spec)["layer"][0]["encoding"]["color"]
        assert (encoded["legend"] is not None) == legend


def test_map_of_captions_without_any_says_so(many):
    at = map_page()
    at.selectbox(key="map-kind").select("Captions").run()
    assert "Nothing to show" in said(at)


def test_map_of_no_library_says_so(path):  # noqa: F811
    assert "There is no library yet" in said(map_page())


def test_what_the_library_has_is_chosen_from_lists_and_narrows_the_filter(many):
    at = app(where="has: caption or width: 40")
    (folders,) = [box for box in at.selectbox if box.key == "browse-Folder"]
    assert folders.options == ["shades (30)", "shades/dark (15)", "shades/light (15)"]
    folders.select_index(1).run()
    where = at.query_params["where"]
    where = where if isinstance(where, str) else where[-1]
    assert where.startswith('(has: caption or width: 40) and folder: "')
    assert where.endswith('shades/dark"')
    assert [box.value for box in at.selectbox if box.key == "browse-Folder"] == [None]
