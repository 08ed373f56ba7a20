"""The browser app's results: pages of them, what is folded, and the map."""

import json

import pytest
from app_pages import AppTest
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

from search import library_map as mapping
from ui.views.display.pager import PAGE

MAP_PAGE = """
import os, sys
import streamlit as st
from ui.views.pages import map_page
from ui.views.options import AppOptions
options = AppOptions.parse(sys.argv[1:], os.environ)
def asked():
    st.text("asked with " + st.query_params.get("like", "?"))
search = st.Page(asked, title="Search", url_path="search")
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


def buttons(at):
    return {button.label: button for button in at.button if button.label in ("Previous", "Next")}


def test_album_is_shown_page_by_page(many, monkeypatch):
    monkeypatch.setattr("ui.views.pages.albums_page._SHOWN", 12)
    at = app(q="red")
    at.text_input(key="album-name").input("reds")
    at.number_input(key="album-k").set_value(28)
    click(at, "Save")
    at = albums_page()
    seen = texts(at)
    assert "Pictures 1 to 12" in said(at)
    for which in ("Pictures 13 to 24", "Pictures 25 to 28 of 28"):
        at = click(at, "Next")
        assert which in said(at)
        seen += texts(at)
    assert len(seen) == len(set(seen)) == 28
    assert buttons(at)["Next"].disabled
    assert "Pictures 13 to 24" in said(click(at, "Previous"))


def test_pages_of_an_answer_show_every_picture_once(many):
    at = app(q="red")
    seen = texts(at)
    assert buttons(at)["Previous"].disabled
    for page in (2, 3):
        click(at, "Next")
        assert at.query_params[PAGE] == str(page)
        seen += texts(at)
    assert len(seen) == len(set(seen)) == 30
    assert buttons(at)["Next"].disabled
    assert texts(click(at, "Previous")) == seen[12:24]


def test_page_in_the_address_is_shown(many):
    first = texts(app(q="red"))
    second = texts(app(q="red", page="2"))
    assert len(second) == 12
    assert not {*first} & {*second}


@pytest.mark.parametrize("page", ["0", "-1", "x", "\u00b2", ""])
def test_page_that_is_no_number_is_the_first(many, page):
    assert texts(app(q="red", page=page)) == texts(app(q="red"))


def test_page_behind_the_last_leads_back(many):
    at = app(q="red", page="9999999999999")
    assert "No more results" in said(at)
    assert not buttons(at)["Previous"].disabled


def test_page_behind_the_last_of_all_pictures_is_the_last(many):
    at = app(page="500")
    assert "Pictures 25 to 30 of 30" in said(at)
    assert not buttons(at)["Previous"].disabled


def test_another_question_begins_at_its_first_page(many):
    at = click(app(q="red"), "Next")
    at.text_input(key="q").input("yellow").run()
    assert PAGE not in at.query_params
    assert texts(at) == texts(app(q="yellow"))


def test_library_without_a_question_has_pages_too(many):
    at = app()
    assert "Pictures 1 to 12 of 30" in said(at)
    seen = texts(at) + texts(click(at, "Next")) + texts(click(at, "Next"))
    assert len(set(seen)) == 30
    assert "Pictures 25 to 30 of 30" in said(at)


def test_few_results_have_no_pages(library):  # noqa: F811
    assert buttons(app(q="red")) == {}


def test_copies_are_one_card_that_opens_the_others(path, folder):  # noqa: F811
    for number in range(3):
        content = (folder / "plain-green.png").read_bytes()
        (folder / f"copy-{number}.png").write_bytes(content)
    make(path, folder)
    at = app(q="green")
    assert len(texts(at)) == 3
    click(at, "+3")
    shown = [code.value.rpartition("/")[2] for code in at.code]
    assert sorted(shown) == ["copy-0.png", "copy-1.png", "copy-2.png", "plain-green.png"]
    at = app(q="green")
    at.checkbox(key="fold").uncheck().run()
    assert len(texts(at)) == 6


def test_diverse_results_look_different(path, tmp_path):  # noqa: F811
    (tmp_path / "three").mkdir()
    save(tmp_path / "three" / "a.png", "red", "red")
    save(tmp_path / "three" / "b.png", (250, 0, 0), "red red red black")
    save(tmp_path / "three" / "c.png", "blue", "red red black")
    make(path, tmp_path / "three")
    at = app(q="red", weight="0.0")
    assert texts(at) == ["red", "red red red black", "red red black"]
    at.checkbox(key="diverse").check().run()
    assert texts(at) == ["red", "red red black", "red red red black"]


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


def test_picture_asked_for_on_the_map_is_searched_with(many):
    at = map_page()
    at.session_state["more like this on the map"] = 7
    at.run()
    assert texts(at) == ["asked with 7"]
