"""The browser app's pages, run by Streamlit's own test harness on an encoder of colours."""

from __future__ import annotations

import io
import os
import socket
import sys
from itertools import cycle
from pathlib import Path

import pytest
from app_pages import AppTest, gallery, seen
from click.testing import CliRunner
from colour_tags import colour_head
from faults import decoding_here
from PIL import Image
from streamlit.web.skills import nudge_suppression_reason

from indexer import IndexOptions, Library, index_folder
from indexer.encoders.registry import BUILT_IN
from indexer.errors import InputError, QueryError
from search.browsing.picked import add_pictures
from ui.cli import main
from ui.views.controls.address import SearchAddress
from ui.views.controls.typed_query import query_of
from ui.views.controls.uploads import Shelf
from ui.views.options import STREAMLIT_OPTIONS, AppOptions, server_flags
from ui.views.safe_text import browser_safe
from ui.views.server import server_parts

APP = Path(__file__).resolve().parents[2] / "ui" / "app.py"
ALBUMS_PAGE = """
import os, sys
import streamlit as st
from ui.views.pages import albums_page
from ui.views.options import AppOptions
options = AppOptions.parse(sys.argv[1:], os.environ)
search = st.Page(lambda: None, title="Search", url_path="search")
library = st.Page(lambda: None, title="Library", url_path="library")
start = st.Page(lambda: albums_page.show(options, library), title="Albums", default=True)
st.navigation([start, search, library]).run()
"""
PATHS = ["/etc/passwd", "./secret.jpg", "../../secret.jpg", "~/secret.jpg", "file:///etc/passwd",
         "secret.jpg", "@-", "C:\\\\secret.jpg", "//etc/passwd"]  # fmt: skip
EVIL = "<script>alert(1)</script> **bold** :red[x] [link](http://example.com) $x$ red"


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    """The built-in encoder is replaced, so that nothing is exported and results are exact."""
    monkeypatch.setitem(BUILT_IN, "mini", "colour_encoder:open_encoder")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Path of the app's library."""
    found = tmp_path / "library"
    monkeypatch.setattr(sys, "argv", ["app.py", "--library", str(found), "--offline"])
    return found


@pytest.fixture
def folder(tmp_path):
    """Pictures whose look and caption disagree for red and blue, and a green one without any."""
    found = tmp_path / "pictures"
    found.mkdir()
    save(found / "looks-red.png", "red", "something blue")
    save(found / "says-red.png", "blue", "something red")
    save(found / "plain-green.png", "green")
    return found


@pytest.fixture
def library(path, folder):
    make(path, folder)
    return path


def save(path, colour, caption=None):
    with path.open("wb") as file:  # names need not be UTF-8: Pillow cannot open those
        Image.new("RGB", (40, 30), colour).save(file, "PNG")
    if caption is not None:
        path.with_suffix(".txt").write_text(caption)


def make(path, *folders, fusion="concat"):
    with Library.create(path, fusion=fusion) as library, decoding_here():
        if folders:
            index_folder(library, *folders)


def png(colour):
    with io.BytesIO() as buffer:
        Image.new("RGB", (50, 50), colour).save(buffer, "PNG")
        return buffer.getvalue()


def app(**query):
    at = AppTest.from_file(str(APP), default_timeout=30)
    at.query_params.update(query)
    at.run()
    assert not at.exception
    return at


def albums_page():
    at = AppTest.from_string(ALBUMS_PAGE, default_timeout=30).run()
    assert not at.exception
    return at


def texts(at):
    return [element.value for element in at.text]


def said(at):
    """Everything that the page shows as Markdown or as text."""
    return "\n".join(element.value for element in (*at.markdown, *at.caption, *at.text))


def address(at):
    """The parameters of the address."""
    said = at.query_params.items()
    return {name: value if isinstance(value, str) else value[-1] for name, value in said}


def chips(at):
    """The chips, as they are read."""
    found = [button for button in at.button if (button.key or "").startswith("chip-")]
    return [button.label.replace("\\", "") for button in found]


def click(at, label, place=0):
    [button for button in at.button if button.label.replace("\\", "") == label][place].click()
    at.run()
    assert not at.exception
    return at


# What is typed


def terms_of(text):
    return query_of(text, weight=0.5).terms


@pytest.mark.parametrize(
    "word",
    ["/etc/passwd", "./pool.jpg", "../pool.jpg", "~/pool.png", "~", "pool.jpg", "@-", "a/b.webp"],
)
@pytest.mark.parametrize(
    "text",
    ["{}", "dog {}", "dog + {}", "dog - 2:{}", '"{}"', "cat + dog {}", "cat -{}"],
)
def test_typed_path_is_words_and_never_a_file(word, text):
    terms = terms_of(text.format(word))
    assert all(term.picture is None for term in terms)
    assert any(term.text.endswith(word) for term in terms)


@pytest.mark.parametrize(
    "text", ["a dog's ball", "10:30 train", '5" pipe', "-5 degrees", "what?!", "* _ `", "C++", "--"]
)
def test_plain_words_always_work(text):
    (term,) = terms_of(text)
    assert (term.text, term.weight) == (text, 1.0)


def test_words_are_taken_away_from_a_picture_alone():
    words, picture = query_of("- tower", b"a picture", weight=0.5).terms
    assert (words.text, words.weight, picture.picture) == ("tower", -1, b"a picture")
    with pytest.raises(QueryError, match="only subtracts"):
        query_of("- tower", weight=0.5)


def test_typed_words_are_in_the_grammar_of_the_command_line():
    red, white, green, blue = terms_of('red wall -"white cat" + 2:green - .5:blue sky')
    assert (red.text, red.weight) == ("red wall", 1)
    assert (white.text, white.weight) == ("white cat", -1)
    assert (green.text, green.weight) == ("green", 2)
    assert (blue.text, blue.weight) == ("blue sky", -0.5)


def test_web_address_is_a_picture():
    words, picture = terms_of("dog + https://example.com/a.jpg")
    assert (words.text, picture.picture) == ("dog", "https://example.com/a.jpg")


def test_words_and_picture_are_one_query():
    query = query_of("red", b"bytes", weight=0.25)
    assert [(t.text, t.picture) for t in query.terms] == [("red", None), ("", b"bytes")]
    assert query.weight == 0.25


def test_query_of_nothing_is_an_error():
    with pytest.raises(QueryError, match="empty"):
        query_of("  ", weight=0.5)


# What it is told


def test_library_is_named_by_option_then_environment_then_default(tmp_path):
    environment = {"PICFUSE_LIBRARY": str(tmp_path / "b")}
    named = AppOptions.parse(["--library", str(tmp_path / "a"), "--offline"], environment)
    assert named == AppOptions(tmp_path / "a", offline=True)
    assert AppOptions.parse([], environment) == AppOptions(tmp_path / "b")
    assert AppOptions.parse([], {}).library.parts[-2:] == ("picfuse", "library")


def test_server_is_told_to_be_careful_whatever_a_configuration_says():
    flags = server_flags(8600, headless=True)
    assert {"--server.port=8600", "--server.headless=true", "--server.address=localhost"} < {*flags}
    assert {"--server.enableCORS=true", "--server.enableXsrfProtection=true"} < {*flags}
    assert {"--server.enableStaticServing=false", "--server.enableAgentApi=false"} < {*flags}
    hosts = [flag for flag in flags if flag.startswith("--server.allowedHosts=")]
    assert hosts == ["--server.allowedHosts=localhost", "--server.allowedHosts=127.0.0.1"]
    assert "--server.headless=false" in server_flags(8600, headless=False)


def test_server_listens_on_this_machine_only_and_reports_nothing():
    assert STREAMLIT_OPTIONS["server.address"] == "localhost"
    assert STREAMLIT_OPTIONS["browser.gatherUsageStats"] == "false"


def started(monkeypatch, path, *options, **environment):
    """What `picfuse ui` says, and the environment and command of the server that it starts."""
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ["ui", "--port", port, "--library", str(path), *options]
    return CliRunner().invoke(main, words, env=environment), calls


def test_address_is_printed_before_the_server_starts(monkeypatch, path):
    result, ((_, command, _),) = started(monkeypatch, path)
    assert result.exit_code == 0
    (port,) = [word.rpartition("=")[2] for word in command if word.startswith("--server.port=")]
    assert f"open http://localhost:{port} " in result.stderr
    assert not {"--listen", "--allow-delete", "--allow-write"} & {*command}


def test_app_may_change_files_only_as_far_as_it_is_allowed(monkeypatch, path):
    for allowed in ((), ("--allow-delete",), ("--allow-write",)):
        _, ((_, command, _),) = started(monkeypatch, path, *allowed)
        options = AppOptions.parse(command[command.index("--") + 1 :], {})
        assert options.allow_delete == ("--allow-delete" in allowed)
        assert options.allow_write == ("--allow-write" in allowed)


def test_app_for_other_devices_asks_for_a_password(monkeypatch, path):
    result, ((_, command, environment),) = started(monkeypatch, path, "--listen", "0.0.0.0")
    assert {"--server.address=0.0.0.0", "--server.allowedHosts=*", "--listen"} <= {*command}
    password = environment["PICFUSE_PASSWORD"]
    assert f"password {password} " in result.stderr
    assert not [word for word in command if password in word]  # others see commands
    options = AppOptions.parse(command[command.index("--") + 1 :], {})
    assert options.listen
    with pytest.raises(InputError, match="no password"):
        server_parts(options)
    monkeypatch.setenv("PICFUSE_PASSWORD", password)
    assert server_parts(options)["routes"]
    assert "PICFUSE_PASSWORD" not in os.environ  # no process of the server needs it


@pytest.mark.parametrize(
    ("address", "password", "said"),
    [
        ("127.0.0.1", "short", "too short"),
        ("192.0.2.77", "", "no address of this machine"),
        ("not a name", "", "no address of this machine"),
    ],
)
def test_app_is_not_started_for_others_unless_it_is_safe(
    monkeypatch, path, address, password, said
):
    options = ("--listen", address)
    result, calls = started(monkeypatch, path, *options, PICFUSE_PASSWORD=password)
    assert (result.exit_code, calls) == (2, [])
    assert said in result.stderr


def test_own_password_is_not_printed(monkeypatch, path):
    options = ("--listen", "127.0.0.1")
    result, ((*_, environment),) = started(
        monkeypatch, path, *options, PICFUSE_PASSWORD="correct horse"
    )
    assert environment["PICFUSE_PASSWORD"] == "correct horse"
    assert "horse" not in result.output


def test_app_offers_nothing_to_install(monkeypatch):
    options = {name: value == "true" for name, value in STREAMLIT_OPTIONS.items()}
    monkeypatch.setattr("streamlit.config.get_option", lambda name: options.get(name, False))
    assert nudge_suppression_reason() == "welcome_hidden"


# The search page


def test_missing_library_leads_to_the_library_page(path):
    at = app()
    assert "There is no library yet" in said(at)
    assert at.get("page_link")
    assert not at.text_input


def test_empty_library_leads_to_the_library_page(path):
    make(path)
    at = app()
    assert "The library is empty" in said(at)
    assert at.get("page_link")


def test_folder_that_is_no_library_is_said_to_be_none(path):
    path.mkdir()
    (path / "letter.txt").write_text("dear")
    at = app()
    assert "not a picfuse library" in said(at)
    assert not at.get("page_link")


def test_damaged_library_says_what_to_do(library):
    (library / "catalogue.sqlite").write_bytes(b"no database" * 1000)
    for name in ("-wal", "-shm"):
        (library / f"catalogue.sqlite{name}").unlink(missing_ok=True)
    at = app()
    assert "The library cannot be used" in said(at)
    assert "restore catalogue.sqlite from a backup" in said(at)


def test_start_page_lists_all_pictures_by_time(library):
    told = gallery(app())
    assert (told["kind"], told["columns"]) == (
        "list",
        {"url": "/pf/columns?order=taken", "dated": True},
    )
    told = gallery(app(sort="name", where="not has: caption"))
    assert told["columns"]["url"].startswith("/pf/columns?order=name&where=not+has")
    assert not told["columns"]["dated"]
    assert told["sorted"] == "name"
    assert gallery(app(sort="<b>"))["sorted"] == "newest"


def test_pictures_on_an_unplugged_disk_are_told(library, folder):
    assert "not there" not in said(app())
    folder.rename(folder.with_name("away"))
    assert "on a disk that is not there" in said(app(q="red"))


def test_typed_words_show_the_right_picture_first_and_are_in_the_address(library):
    at = app()
    at.text_input(key="q").input("green").run()
    assert address(at) == {"q": "green"}
    assert seen(at)[0] == "plain-green.png"
    at = app(q="green")
    assert at.text_input(key="q").value == "green"
    assert seen(at)[0] == "plain-green.png"


def test_controls_follow_an_address_that_was_gone_back_to(library):
    at = app(q="green", where="has: caption")
    at.text_input(key="q").input("red").run()
    at.query_params.clear()
    at.query_params["q"] = "blue"
    at.run()
    assert at.text_input(key="q").value == "blue"
    assert at.text_input(key="where").value == ""


def test_search_is_there_again_after_another_page(library):
    at = app(q="green")
    at.session_state["page-shown"] = "Library"
    at.query_params.clear()
    at.run()
    assert at.text_input(key="q").value == "green"
    assert address(at)["q"] == "green"


def test_weight_slider_changes_the_order(library):
    at = app(q="red")
    at.slider(key="weight").set_value(1.0).run()
    assert seen(at)[0] == "something blue"  # the picture is red
    at.slider(key="weight").set_value(0.0).run()
    assert seen(at)[0] == "something red"
    assert address(at)["weight"] == "0.0"


def test_slider_starts_at_the_weight_of_the_library(path, library):
    with Library.open(path) as opened:
        opened.set_weight(0.0)
    at = app(q="red")
    assert at.slider(key="weight").value == 0.0
    assert seen(at)[0] == "something red"


def test_fusion_without_a_weight_disables_the_slider(path, folder):
    make(path, folder, fusion="mean")
    at = app(q="green", weight="0.9")
    assert at.slider[0].disabled
    assert "This library always uses both." in said(at)
    assert seen(at)[0] == "plain-green.png"


def test_mode_is_chosen_on_the_page_and_is_a_chip(library):
    at = app(q="red")
    assert len(seen(at)) == 3
    at.selectbox(key="mode").select("words").run()
    assert sorted(seen(at)) == ["something blue", "something red"]
    why = [item["why"] for item in gallery(at)["items"]]
    assert why == [['Matches "red"']] * 2
    assert not gallery(at)["can"]["mark"]
    assert address(at)["mode"] == "words"
    click(at, "Text only")
    assert "mode" not in address(at)
    assert gallery(at)["can"]["mark"]


def test_each_condition_of_a_filter_is_a_chip_that_takes_it_away(library):
    at = app(q="red", where="has: caption and not format: heic")
    assert chips(at) == ["has: caption", "not format: heic", "Clear all"]
    at.button(key="chip-0").click().run()
    assert address(at)["where"] == "not format: heic"
    at.button(key="chip-0").click().run()
    assert address(at) == {"q": "red"}
    assert chips(at) == []
    assert chips(app(where="has: caption or format: png")) == ["has: caption or format: png"]
    at = app(where="taken: 2021 and (")  # what is no filter can be taken away as well
    assert "This filter is not understood" in said(at)
    assert chips(at) == ["taken: 2021 and ("]


def test_what_excludes_everything_is_named(library):
    filtered = said(app(q="red", where="format: heic"))
    assert 'No pictures match this search with the filter "format: heic".' in filtered
    assert 'No pictures match the filter "format: heic".' in said(app(where="format: heic"))
    assert "No caption, file name or tag has these words" in said(app(q="xyzzyq", mode="words"))


def test_address_keeps_words_of_any_length_that_people_write(library):
    words = "red " * 1000
    at = app(q=words)
    assert at.text_input(key="q").value == words
    assert len(seen(at)) == 3


def test_error_in_a_query_is_marked_at_its_place(library):
    at = app(q='"a dog" --cat')
    assert at.code[0].value == '"a dog" --cat\n        ^'
    at = app(q="dog  - + cat")
    assert at.code[0].value == "dog  - + cat\n       ^"
    at = app(q="dog +")
    assert at.code[0].value == "dog +\n     ^"


def test_wrong_query_says_why(library):
    at = app(q="- red")
    assert "Cannot search for this" in said(at)
    assert any("only subtracts" in text or "a term is missing" in text for text in texts(at))


def test_web_address_is_not_fetched_offline(library):
    at = app(q="http://localhost:9/a.jpg")
    assert any("not fetched because of --offline" in text for text in texts(at))


def upload(at, picture):
    at.file_uploader(key="picture").upload("mine.png", picture, "image/png").run()
    assert not at.exception
    return at


def test_uploaded_picture_finds_its_like_and_stays_in_the_address(library):
    at = upload(app(weight="1.0"), png("green"))
    assert seen(at)[0] == "plain-green.png"
    assert "Your picture" in texts(at)
    again = app(weight="1.0", picture=address(at)["picture"])
    assert seen(again) == seen(at)
    assert "picture" not in address(click(again, "Remove"))
    lost = said(app(picture="0123"))
    assert "Your picture is not kept any more" in lost
    assert "Cannot search" not in lost


def test_uploaded_picture_and_words_ask_together(library):
    at = upload(app(q="3:red - green", weight="1.0"), png("blue"))
    assert seen(at)[:2] == ["something blue", "something red"]


def test_uploaded_picture_of_the_library_is_told_and_comes_first(library, folder):
    at = upload(app(), (folder / "plain-green.png").read_bytes())
    assert f"This picture is in your library: {folder / 'plain-green.png'}" in texts(at)
    assert seen(at)[0] == "plain-green.png"


def test_uploaded_file_that_is_no_picture_is_refused(library):
    at = upload(app(), b"not a picture")
    assert any("(or damaged at its start): unknown format" in text for text in texts(at))


def test_shelf_keeps_the_pictures_used_last():
    shelf = Shelf(most=10)
    first, second = shelf.put(b"12345"), shelf.put(b"abcde")
    assert shelf.get(first) == b"12345"
    third = shelf.put(b"x")
    assert [shelf.get(key) for key in (first, second, third)] == [b"12345", None, b"x"]
    assert shelf.get(shelf.put(b"more than it may keep")) is not None


def test_similar_pictures_are_asked_for_by_an_address_and_end_with_new_words(library):
    key = next(item["id"] for item in gallery(app(q="green"))["items"])
    at = app(like=str(key), weight="1.0")
    assert "Pictures like this one" in texts(at)
    assert "plain-green.png" not in seen(at)
    assert "like" not in address(click(at, "Remove"))
    at = app(like=str(key))
    at.text_input(key="q").input("red").run()
    assert address(at) == {"q": "red"}


@pytest.mark.parametrize(
    "like",
    ["99", "9" * 18, "9" * 30, "-1", "-99999", "x", "²", "1.0", "1e3", "0x1", "+1", " 1", "1\n",
     "/etc/passwd", "../../secret.jpg", "file:///etc/passwd", "<img src=x>", "\x1b[31m", "\0"],
)  # fmt: skip
def test_unknown_picture_in_the_address_is_refused(library, like):
    assert "Cannot search for this" in said(app(like=like))


def ids_by_name(at):
    return dict(zip(seen(at), [item["id"] for item in gallery(at)["items"]], strict=True))


def test_marks_refine_the_results_in_their_place(library):
    before = app(q="green", weight="1.0")
    ids = ids_by_name(before)
    at = app(q="green", weight="1.0", right=str(ids["something blue"]))
    assert seen(at)[0] == "something blue"  # it looks red
    assert [item["mark"] for item in gallery(at)["items"]] == ["right", None, None]
    assert gallery(at)["key"] == gallery(before)["key"]
    assert chips(at) == ["1 mark"]
    at = app(q="green", weight="1.0", wrong=f"{ids['plain-green.png']},x,-1")
    assert set(seen(at)) == {"something blue", "something red"}
    assert seen(click(at, "1 mark")) == seen(before)


def test_marks_end_with_the_question_that_they_refined(library):
    key = ids_by_name(app(q="green"))["plain-green.png"]
    at = app(q="green", right=str(key))
    at.text_input(key="q").input("red").run()
    assert address(at) == {"q": "red"}


def test_mark_of_an_address_replaces_the_one_before():
    address = SearchAddress().marked(1, "right").marked(2, "right").marked(1, "wrong")
    assert (address.right, address.wrong) == ((2,), (1,))
    assert address.marked(2, None).parameters() == {"wrong": "1"}


def test_address_says_again_what_was_read_from_it():
    said = {
        "q": ["a dog"], "where": ["taken: 2021"], "right": ["1,2"], "weaker": ["yes"],
        "sort": ["name"], "tags": ["a", "b"], "mode": ["words"], "weight": ["0.25"], "fold": ["no"],
        "dates": ["MDY"],
    }  # fmt: skip
    written = SearchAddress.of(said).parameters()
    assert {
        name: value if isinstance(value, list) else [value] for name, value in written.items()
    } == said


def save_album(at, name, **boxes):
    at.text_input(key="album-name").input(name)
    if "limit" in boxes:
        at.number_input(key="album-k").set_value(boxes["limit"])
    return said(click(at, "Save"))


def test_search_is_saved_as_an_album_and_opened(library, path):
    key = ids_by_name(app(q="green"))["something red"]
    at = app(q="green", weight="1.0", wrong=str(key))
    assert "Saved as an album" in save_album(at, "greens", limit=1)
    at = albums_page()
    assert at.selectbox[0].value == "greens"
    assert seen(at) == ["plain-green.png"]
    at.button(key="delete-album").click().run()
    assert "There are no albums yet" in said(at)
    at.button(key="restore-album").click().run()
    assert at.selectbox[0].value == "greens"
    at.text_input(key="rename-to greens").input("leaves")
    at.button(key="rename-album").click().run()
    assert at.selectbox[0].value == address(at)["album"] == "leaves"
    with Library.open(path, read_only=True) as opened:
        assert opened.catalogue.number_present() == 3


def test_name_of_an_album_is_taken_once(library):
    assert "Saved as an album" in save_album(app(q="red"), "reds")
    at = app(q="red")
    assert "The album was not saved" in save_album(at, "reds")
    assert at.text_input(key="album-name").value == "reds"  # to be changed, or replaced
    at.checkbox(key="album-replace").check()
    assert "Saved as an album" in said(click(at, "Save"))


def test_album_keeps_a_picture_conditions_and_what_is_searched(library):
    key = ids_by_name(app(q="green"))["plain-green.png"]
    assert "Saved as an album" in save_album(app(like=str(key), weight="1.0"), "a like green")
    assert "Saved as an album" in save_album(app(where="not has: caption"), "b bare")
    assert "Saved as an album" in save_album(app(q="green", mode="words"), "c words")
    at = albums_page()
    assert seen(at)[0] == "plain-green.png"
    for name in ("b bare", "c words"):
        assert seen(at.selectbox[0].select(name).run()) == ["plain-green.png"]
        assert address(at)["album"] == name


def test_album_of_picked_pictures_is_a_list_in_its_own_order(library, path):
    with Library.open(path) as opened:
        add_pictures(opened, "Best", opened.catalogue.present_ids())
    told = gallery(albums_page())
    assert told["columns"]["url"] == "/pf/columns?order=album&album=Best"
    assert told["can"]["remove"]
    assert told["can"]["arrange"]
    assert told["within"] == 'album: "Best"'


def test_address_of_an_album_that_is_not_there_is_said(library):
    save_album(app(q="red"), "reds")
    at = AppTest.from_string(ALBUMS_PAGE, default_timeout=30)
    at.query_params["album"] = "blues"
    assert "There is no such album" in said(at.run())
    assert "blues" in texts(at)


def test_albums_page_without_albums_says_how_to_make_one(library):
    assert "There are no albums yet" in said(albums_page())


def test_captions_and_filters_are_shown_as_plain_text(path, tmp_path):
    pictures = tmp_path / "evil"
    pictures.mkdir()
    save(pictures / "a.png", "red", EVIL)
    save(pictures / "<b>*x*.png", "blue")
    make(path, pictures)
    at = app(q="red", where='has: caption or file: "*x*"')
    assert set(seen(at)) == {EVIL, "<b>*x*.png"}
    rendered = [*at.markdown, *at.caption, *at.get("html"), *at.button]
    assert not any("script" in str(element) or "*x*" in str(element) for element in rendered)


FORMS = ["{}", "green + {}", "green - 2:{}", '"{}"', "2:{}", "green {}"]


@pytest.mark.parametrize(
    ("query", "form"),
    [*zip(PATHS, cycle(FORMS), strict=False), *((PATHS[0], f) for f in FORMS[1:])],
)
def test_address_that_names_a_file_reads_none(library, monkeypatch, query, form):
    read = []
    reader = "search.query.pictures.read_query_picture"
    monkeypatch.setattr(reader, lambda name, **_: read.append(name))
    at = app(q=form.format(query))
    assert read == []
    assert seen(at) or gallery(at)["weaker"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("right", "9" * 30), ("wrong", "/etc/passwd"), ("mode", "x"), ("sort", "taken; --"),
     ("weight", "nan"), ("weight", "-1e999"),
     ("weight", "<b>"), ("like", ""), ("open", "../x"), ("picture", "../x"), ("q", "\0 green")],
)  # fmt: skip
def test_impossible_value_in_the_address_breaks_nothing(library, name, value):
    at = app(**({"q": "green"} | {name: value}))
    assert seen(at)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
def test_file_name_that_is_not_utf8_is_shown(path, tmp_path):
    save(tmp_path / os.fsdecode(b"caf\xe9.png"), "red")
    make(path, tmp_path)
    assert seen(app(q="red")) == ["caf\ufffd.png"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31m\x9b\x07\0", r"\x1b[31m\x9b\x07\x00"),
        ("gnp.\u202egpj \u2066x\u2069", r"gnp.\u202egpj \u2066x\u2069"),
        ("two\nlines\tand", "two\nlines\tand"),
        ("<b>:red[x] $x$", "<b>:red[x] $x$"),
        (
            "a\u0308 \U0001f468\u200d\U0001f469 \u05d0\u200f\u3000",
            "a\u0308 \U0001f468\u200d\U0001f469 \u05d0\u200f\u3000",
        ),
    ],
)
def test_controls_are_shown_as_escapes_and_letters_as_they_are(text, seen):
    assert browser_safe(text) == seen


def test_line_breaks_of_a_name_are_shown_as_escapes():
    assert browser_safe(Path("a\nb\r\u2028c\t.jpg")) == r"a\nb\r\u2028c\t.jpg"


def test_lone_surrogate_of_a_caption_can_be_shown():
    assert browser_safe("a\udc80b") == "a?b"


def test_library_that_was_replaced_is_opened_anew(library, folder, tmp_path):
    assert len(seen(app(q="red"))) == 3
    library.rename(tmp_path / "old")
    (folder / "plain-green.png").unlink()
    make(library, folder)
    assert len(seen(app(q="red"))) == 2


def test_added_pictures_are_found_without_a_restart(library, folder):
    assert "plain-green.png" in seen(app(q="green"))
    save(folder / "greener.png", "green", "green")
    with Library.open(library) as writer:
        index_folder(writer)
    assert seen(app(q="green"))[0] == "green"


def test_tags_filter_the_hits_and_are_chips(library, tmp_path):
    head = colour_head(tmp_path / "colours.safetensors")
    with Library.open(library) as opened:
        index_folder(opened, options=IndexOptions(workers=1, tags=[head]))
    at = app()
    assert at.multiselect(key="tags").options == ["bluish", "reddish", "says blue"]
    at.multiselect(key="tags").select("reddish").run()
    assert "tag%3A+%22reddish%22" in gallery(at)["columns"]["url"]
    at.text_input(key="q").input("green").run()
    assert seen(at) == ["something blue"]  # its look is red
    assert chips(at) == ["tag: reddish"]
    assert seen(app(q="red", tags="reddish")) == ["something blue"]  # as a bookmark has it


def test_library_without_tags_offers_none(library):
    assert not app().multiselect
