"""The browser app's pages, run by Streamlit's own test harness on an encoder of colours."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from app_pages import AppTest
from click.testing import CliRunner
from colour_tags import colour_head
from faults import decoding_here
from PIL import Image
from streamlit.web.skills import nudge_suppression_reason

from indexer import IndexOptions, Library, index_folder
from indexer.encoders.registry import BUILT_IN
from indexer.errors import InputError, PicfuseError, QueryError
from ui.cli import main
from ui.index_jobs import IndexJob, IndexJobs
from ui.views.controls.typed_query import query_of
from ui.views.display import grid
from ui.views.index_jobs import desk_of
from ui.views.options import STREAMLIT_OPTIONS, AppOptions, server_flags
from ui.views.safe_text import browser_safe
from ui.views.server import server_parts

APP = Path(__file__).resolve().parents[2] / "ui" / "app.py"
LIBRARY_PAGE = """
import os, sys
from ui.views.pages import library_page
from ui.views.options import AppOptions
library_page.show(AppOptions.parse(sys.argv[1:], os.environ))
"""
ALBUMS_PAGE = """
import os, sys
import streamlit as st
from ui.views.pages import albums_page
from ui.views.options import AppOptions
options = AppOptions.parse(sys.argv[1:], os.environ)
search = st.Page(lambda: None, title="Search", url_path="search")
library = st.Page(lambda: None, title="Library", url_path="library")
start = st.Page(lambda: albums_page.show(options, search, library), title="Albums", default=True)
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


def library_page():
    at = AppTest.from_string(LIBRARY_PAGE, default_timeout=30).run()
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


def click(at, label, place=0):
    [button for button in at.button if button.label == label][place].click()
    at.run()
    assert not at.exception
    return at


def add_folder(at, folder, library):
    at.text_input(key="folder").input(str(folder))
    click(at, "Add")
    if desk_of(library).job is not None:
        desk_of(library).job.wait(60)
    return at.run()


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
    assert "--listen" not in command


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


def test_without_a_query_the_library_is_shown(library):
    at = app()
    assert [caption.value for caption in at.caption] == ["3 pictures"]
    assert texts(at) == ["something blue", "plain-green.png", "something red"] or (
        sorted(texts(at)) == ["plain-green.png", "something blue", "something red"]
    )


def test_pictures_on_an_unplugged_disk_are_told(library, folder):
    assert "not there" not in said(app())
    folder.rename(folder.with_name("away"))
    assert "on a disk that is not there" in said(app(q="red"))


def test_typed_words_show_the_right_picture_first(library):
    at = app()
    at.text_input(key="q").input("green").run()
    assert texts(at)[0] == "plain-green.png"


def test_query_in_the_address_is_asked(library):
    at = app(q="green")
    assert at.text_input(key="q").value == "green"
    assert texts(at)[0] == "plain-green.png"


def test_weight_slider_changes_the_order(library):
    at = app(q="red")
    at.slider(key="weight").set_value(1.0).run()
    assert texts(at)[0] == "something blue"  # the picture is red
    at.slider(key="weight").set_value(0.0).run()
    assert texts(at)[0] == "something red"


def test_slider_starts_at_the_weight_of_the_library(path, library):
    with Library.open(path) as opened:
        opened.set_weight(0.0)
    at = app(q="red")
    assert at.slider(key="weight").value == 0.0
    assert texts(at)[0] == "something red"


def test_fusion_without_a_weight_disables_the_slider(path, folder):
    make(path, folder, fusion="mean")
    at = app(q="green", weight="0.9")
    assert at.slider[0].disabled
    assert "This library always uses both." in said(at)
    assert texts(at)[0] == "plain-green.png"


def test_number_of_results_is_chosen_in_the_address(path, tmp_path):
    for number in range(20):
        save(tmp_path / f"{number}.png", (number, 0, 0))
    make(path, tmp_path)
    assert len(texts(app(q="red"))) == 12
    assert len(texts(app(q="red", k="24"))) == 20


def test_mode_is_chosen_on_the_page(library):
    at = app(q="red")
    assert len([text for text in texts(at) if not text.startswith("Matches ")]) == 3
    at.selectbox(key="mode").select("words").run()
    assert not at.exception
    assert sorted(texts(at)) == [
        'Matches "red"',
        'Matches "red"',
        "something blue",
        "something red",
    ]
    assert "0." not in said(at).split("best match first")[1]
    at.selectbox(key="mode").select("vector").run()
    assert not [text for text in texts(at) if text.startswith("Matches ")]


def test_marks_rest_while_words_are_looked_for_as_words(library):
    at = click(app(q="red"), RIGHT)
    assert "**Right**" in said(at)
    at.selectbox(key="mode").select("words").run()
    assert "something red" in texts(at)
    assert not any(button.label in (RIGHT, WRONG) for button in at.button)
    at.selectbox(key="mode").select("auto").run()
    assert "**Right**" in said(at)


def test_what_excludes_everything_is_named(library):
    filtered = said(app(q="red", where="format: heic"))
    assert 'No pictures match this search with the filter "format: heic".' in filtered
    assert 'No pictures match the filter "format: heic".' in said(app(where="format: heic"))
    assert "No caption, file name or tag has these words" in said(app(q="xyzzyq", mode="Words"))


def test_pictures_that_a_filter_lists_are_the_newest_first(library):
    assert "1 picture, newest first" in said(app(where="not has: caption"))
    assert "1 picture, best match first" in said(app(q="red", where="not has: caption"))


def test_address_keeps_words_of_any_length_that_people_write(library):
    words = "red " * 1000
    at = app(q=words)
    assert at.text_input(key="q").value == words
    assert len(texts(at)) == 3


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


def test_uploaded_picture_finds_its_like(library):
    at = app(weight="1.0")
    at.file_uploader(key="picture").upload("green.png", png("green"), "image/png").run()
    assert texts(at)[0] == "plain-green.png"


def test_uploaded_picture_and_words_ask_together(library):
    at = app(q="3:red - green", weight="1.0")
    at.file_uploader(key="picture").upload("blue.png", png("blue"), "image/png").run()
    assert texts(at)[:2] == ["something blue", "something red"]


def test_uploaded_file_that_is_no_picture_is_refused(library):
    at = app()
    at.file_uploader(key="picture").upload("a.png", b"not a picture", "image/png").run()
    assert any("(or damaged at its start): unknown format" in text for text in texts(at))


def test_nothing_found_is_said(path, tmp_path):
    pictures = tmp_path / "one"
    pictures.mkdir()
    save(pictures / "only.png", "red")
    make(path, pictures)
    at = app()
    content = (pictures / "only.png").read_bytes()
    at.file_uploader(key="picture").upload("only.png", content, "image/png").run()
    assert "Nothing found" in said(at)


def test_more_like_this_asks_with_the_picture_and_leads_back(library):
    at = app(q="green", weight="1.0")
    click(at, "More like this")
    assert at.query_params["like"]
    assert "Pictures like this one" in said(at)
    assert "plain-green.png" not in texts(at)
    click(at, "Back to search")
    assert "like" not in at.query_params
    assert texts(at)[0] == "plain-green.png"


def test_new_words_end_more_like_this(library):
    at = click(app(q="green"), "More like this")
    at.text_input(key="q").input("red").run()
    assert "like" not in at.query_params
    assert "Pictures like this one" not in said(at)


@pytest.mark.parametrize(
    "like",
    ["99", "9" * 18, "9" * 30, "-1", "-99999", "x", "²", "1.0", "1e3", "0x1", "+1", " 1", "1\n",
     "/etc/passwd", "../../secret.jpg", "file:///etc/passwd", "<img src=x>", "\x1b[31m", "\0"],
)  # fmt: skip
def test_unknown_picture_in_the_address_is_refused(library, like):
    assert "Cannot search for this" in said(app(like=like))


RIGHT, WRONG = "Right", "Wrong"


def test_marks_refine_the_results_at_once_and_are_cleared(library):
    at = app(q="green", weight="1.0")
    before = texts(at)
    place = before.index("something blue")  # it looks red
    click(at, RIGHT, place)
    assert "**Right**" in said(at)
    assert "something blue" not in texts(at)
    click(at, WRONG, texts(at).index("plain-green.png"))
    assert "**Wrong**" in said(at)
    assert texts(at) == ["something red"]
    click(at, "Undo", 1)
    assert "**Wrong**" not in said(at)
    assert set(texts(at)) == {"plain-green.png", "something red"}
    click(at, "Clear")
    assert texts(at) == before


def test_marks_end_with_the_question_that_they_refined(library):
    at = click(app(q="green", weight="1.0"), RIGHT)
    at.text_input(key="q").input("red").run()
    assert "**Right**" not in said(at)
    at = click(click(app(q="green"), RIGHT), "More like this")
    assert "**Right**" not in said(at)


def test_search_is_saved_as_an_album_and_opened(library, path):
    at = click(app(q="green", weight="1.0"), RIGHT)
    at.text_input(key="album-name").input("greens")
    at.number_input(key="album-k").set_value(1)
    click(at, "Save")
    assert "Saved as an album" in said(at)
    at = albums_page()
    assert at.selectbox[0].value == "greens"
    assert texts(at) == ["plain-green.png"]
    at.button(key="delete-album").click().run()
    assert "There are no albums yet" in said(at)
    with Library.open(path, read_only=True) as opened:
        assert opened.catalogue.number_present() == 3


def test_name_of_an_album_is_taken_once(library):
    for expected in ("Saved as an album", "The album was not saved"):
        at = app(q="red")
        at.text_input(key="album-name").input("reds")
        assert expected in said(click(at, "Save"))
    assert at.text_input(key="album-name").value == "reds"  # to be changed, or replaced
    at.checkbox(key="album-replace").check()
    assert "Saved as an album" in said(click(at, "Save"))


def test_album_of_a_picture_and_of_conditions_is_saved(library):
    at = click(app(q="green", weight="1.0"), "More like this")
    at.text_input(key="album-name").input("like green")
    assert "Saved as an album" in said(click(at, "Save"))
    at = app(where="not has: caption")
    at.text_input(key="album-name").input("bare")
    assert "Saved as an album" in said(click(at, "Save"))
    at = albums_page()
    assert texts(at) == ["plain-green.png"]
    assert texts(at.selectbox[0].select("like green").run())[0] == "plain-green.png"


def test_album_of_the_app_keeps_what_is_searched(library):
    at = app(q="green", mode="Words")
    at.text_input(key="album-name").input("greens")
    assert "Saved as an album" in said(click(at, "Save"))
    at = albums_page()
    assert [text for text in texts(at) if text.endswith(".png")] == ["plain-green.png"]


def test_address_of_an_album_that_is_not_there_is_said(library):
    at = app(q="red")
    at.text_input(key="album-name").input("reds")
    click(at, "Save")
    at = AppTest.from_string(ALBUMS_PAGE, default_timeout=30)
    at.query_params["album"] = "blues"
    assert "There is no such album" in said(at.run())
    assert "blues" in texts(at)


def test_albums_page_without_albums_says_how_to_make_one(library):
    assert "There are no albums yet" in said(albums_page())


def test_captions_are_shown_as_plain_text(path, tmp_path):
    pictures = tmp_path / "evil"
    pictures.mkdir()
    save(pictures / "a.png", "red", EVIL)
    save(pictures / "<b>*x*.png", "blue")
    make(path, pictures)
    at = click(app(q="red"), "Show picture")
    assert texts(at).count(EVIL) == 2  # in the grid, and beside the large picture
    assert "<b>*x*.png" in texts(at)
    rendered = [*at.markdown, *at.caption, *at.get("html"), *at.button]
    assert not any("script" in str(element) or "*x*" in str(element) for element in rendered)


def test_large_picture_comes_with_its_path_captions_and_scores(library, folder):
    at = click(app(q="green"), "Show picture")
    assert at.code[0].value == str(folder / "plain-green.png")
    (match,) = [caption for caption in at.caption if caption.value.startswith("Match: ")]
    assert match.help.startswith(f"Score {match.value.removeprefix('Match: ')} · picture ")
    click(at, "More like this", -1)
    assert "Pictures like this one" in said(at)


def test_picture_that_is_gone_is_said_to_be_gone(library, folder):
    (folder / "plain-green.png").unlink()
    at = click(app(q="green"), "Show picture")
    assert any("no such file" in text for text in texts(at))


def test_lost_thumbnails_are_made_anew(library, folder):
    for thumbnail in (library / "thumbnails").rglob("*.jpg"):
        thumbnail.unlink()
    (folder / "plain-green.png").unlink()
    at = app(q="green")
    assert len(at.get("image")) == 2
    assert ":material/hide_image:" in said(at)


@pytest.mark.parametrize("query", PATHS)
@pytest.mark.parametrize("form", ["{}", "green + {}", "green - 2:{}", '"{}"', "2:{}", "green {}"])
def test_address_that_names_a_file_reads_none(library, monkeypatch, query, form):
    read = []
    reader = "search.query.pictures.read_query_picture"
    monkeypatch.setattr(reader, lambda name, **_: read.append(name))
    at = app(q=form.format(query))
    assert read == []
    assert texts(at)


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", "-1"), ("k", "9" * 30), ("k", "/etc/passwd"), ("weight", "nan"), ("weight", "-1e999"),
     ("weight", "<b>"), ("like", ""), ("page", "../x"), ("q", "\0 green")],
)  # fmt: skip
def test_impossible_value_in_the_address_breaks_nothing(library, name, value):
    at = app(**({"q": "green"} | {name: value}))
    assert texts(at)


def shows_a_picture_large(at):
    """Whether the large picture of the last click is there (the small ones are in the grid)."""
    return len(at.get("image")) > len([b for b in at.button if b.label == "Show picture"])


def test_picture_that_became_a_link_elsewhere_is_not_shown(library, folder, tmp_path):
    save(tmp_path / "secret.png", "white")
    (folder / "plain-green.png").unlink()
    (folder / "plain-green.png").symlink_to(tmp_path / "secret.png")
    at = click(app(q="green"), "Show picture")
    assert "The picture cannot be shown" in said(at)
    assert any("the file has changed since it was indexed" in text for text in texts(at))
    assert not shows_a_picture_large(at)
    for thumbnail in (library / "thumbnails").rglob("*.jpg"):
        thumbnail.unlink()
    assert len(app(q="green").get("image")) == 2  # nor is a thumbnail made of it


def test_folder_that_became_a_link_elsewhere_is_not_shown(library, folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    folder.rename(tmp_path / "old")
    elsewhere.mkdir()
    save(elsewhere / "plain-green.png", "white")
    folder.symlink_to(elsewhere)
    at = click(app(q="green"), "Show picture")
    assert any("the file has changed since it was indexed" in text for text in texts(at))
    assert not shows_a_picture_large(at)


@pytest.mark.parametrize("content", [b"root:x:0:0:root:/root\n", b"", b"<script>1</script>"])
def test_picture_that_became_another_file_is_not_shown(library, folder, content):
    (folder / "plain-green.png").write_bytes(content)
    at = click(app(q="green"), "Show picture")
    assert "The picture cannot be shown" in said(at)
    assert not shows_a_picture_large(at)
    assert "root:x" not in str(at.main)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes of this kind")
def test_picture_that_became_a_pipe_or_a_folder_is_not_waited_for(library, folder):
    path = folder / "plain-green.png"
    for make_it in (os.mkfifo, os.mkdir):
        path.unlink()
        make_it(path)
        at = click(app(q="green"), "Show picture")
        assert any("not a regular file" in text for text in texts(at))
        path.rename(folder / make_it.__name__)
        path.touch()


def test_moved_picture_that_is_the_same_behind_a_link_is_shown(library, folder, tmp_path):
    (folder / "plain-green.png").rename(tmp_path / "green.png")
    (folder / "plain-green.png").symlink_to(tmp_path / "green.png")
    assert shows_a_picture_large(click(app(q="green"), "Show picture"))


def test_thumbnail_that_became_a_link_elsewhere_is_not_sent(library, tmp_path, monkeypatch):
    save(tmp_path / "secret.png", "white")
    for thumbnail in (library / "thumbnails").rglob("*.jpg"):
        thumbnail.unlink()
        thumbnail.symlink_to(tmp_path / "secret.png")
    secret = (tmp_path / "secret.png").read_bytes()
    sent, send = [], grid.st.image
    monkeypatch.setattr(grid.st, "image", lambda it, **more: (sent.append(it), send(it, **more)))
    app(q="green")
    assert len(sent) == 3
    assert secret not in sent


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
def test_file_name_that_is_not_utf8_is_shown(path, tmp_path):
    save(tmp_path / os.fsdecode(b"caf\xe9.png"), "red")
    make(path, tmp_path)
    assert texts(app(q="red")) == ["caf\ufffd.png"]


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
    assert "3 pictures" in said(app())
    library.rename(tmp_path / "old")
    (folder / "plain-green.png").unlink()
    make(library, folder)
    assert "2 pictures" in said(app())


def test_added_pictures_are_found_without_a_restart(library, folder):
    assert "plain-green.png" in texts(app(q="green"))
    save(folder / "greener.png", "green", "green")
    with Library.open(library) as writer:
        index_folder(writer)
    assert texts(app(q="green"))[0] == "green"


# The library page


def test_library_page_shows_what_there_is(library, folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "plain-green.png").unlink()
    (folder / "clip.mp4").touch()
    with Library.open(library) as writer:
        index_folder(writer)
    at = library_page()
    numbers = {metric.label: metric.value for metric in at.metric}
    found = {"Pictures": "2", "Captions": "2", "Not found": "1"}
    assert numbers == {**found, "Unreadable": "1", "Not indexed": "1"}
    assert [metric.help for metric in at.metric][-1] == "1 video"
    assert str(folder) in texts(at)
    assert "Model: mini (5 dimensions), fusion: concat" in texts(at)
    table = at.dataframe[0].value
    assert table["File"].tolist() == [str(folder / "broken.jpg")]
    assert "unknown format" in table["Reason"][0]


def test_library_page_shows_hostile_names_and_reasons_as_data(path, tmp_path):
    name = "<img src=x>:red[x]\n\x1b[31m\u202e[x](javascript:x)$x$"
    hostile = tmp_path / name
    hostile.mkdir()
    save(hostile / "a.png", "red")
    (hostile / f"{name}.jpg").write_bytes(b"no picture")
    make(path, hostile)
    seen = r"<img src=x>:red[x]\n\x1b[31m\u202e[x](javascript:x)$x$"
    at = library_page()
    assert f"{tmp_path}/{seen}" in texts(at)
    assert at.dataframe[0].value["File"].tolist() == [f"{tmp_path}/{seen}/{seen}.jpg"]
    rendered = [*at.markdown, *at.caption, *at.get("html"), *at.button, *at.metric]
    assert not any("red[x]" in str(element) for element in rendered)
    at = add_folder(at, tmp_path / f"nowhere {name.strip()}", path)
    assert any("nowhere <img src=x>:red[x]" in text for text in texts(at))
    assert not any("\x1b" in text or "\u202e" in text for text in texts(at))


def test_first_folder_makes_the_library(path, folder):
    at = library_page()
    assert "There is no library yet" in said(at)
    add_folder(at, folder, path)
    assert "3 pictures added." in texts(at)
    assert texts(app(q="green"))[0] == "plain-green.png"


def test_wrong_folder_is_refused_and_leaves_no_library(path, tmp_path):
    at = add_folder(library_page(), tmp_path / "nowhere", path)
    assert any("nowhere: no such folder" in text for text in texts(at))
    assert not path.exists()


def test_wrong_folder_of_a_library_is_refused(library, tmp_path):
    at = add_folder(library_page(), tmp_path / "nowhere", library)
    assert any("nowhere: no such folder" in text for text in texts(at))
    assert at.metric[0].value == "3"


def test_folder_that_is_none_stays_in_its_box_to_be_put_right(library, tmp_path, folder):
    at = add_folder(library_page(), tmp_path / "nowhere", library)
    assert at.text_input(key="folder").value == str(tmp_path / "nowhere")
    at = add_folder(at, folder, library)
    assert "no such folder" not in said(at)
    assert at.text_input(key="folder").value == ""


def test_folder_without_pictures_is_told(library, tmp_path):
    (tmp_path / "bare").mkdir()
    assert "No pictures found" in said(add_folder(library_page(), tmp_path / "bare", library))


def test_failures_of_a_run_are_listed_with_their_reasons(library, folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    at = library_page()
    click(at, "Update all folders")
    desk_of(library).job.wait(60)
    at.run()
    assert "3 pictures unchanged. 1 could not be read." in texts(at)
    assert at.dataframe[0].value["File"].tolist() == [str(folder / "broken.jpg")]


def test_damaged_library_offers_no_form(library):
    (library / "catalogue.sqlite").write_bytes(b"no database" * 1000)
    at = library_page()
    assert "The library cannot be used" in said(at)
    assert not at.text_input


def test_running_index_shows_its_progress_and_can_be_stopped(library, tmp_path):
    gate = threading.Event()

    def open_writer():
        gate.wait(30)
        return Library.open(library)

    desk_of(library).start(open_writer, [])
    try:
        at = library_page()
        assert "Looking for pictures" in at.get("progress")[0].proto.text
        assert next(b for b in at.button if b.label == "Update all folders").disabled
        click(at, "Stop")
    finally:
        gate.set()
    desk_of(library).job.wait(60)
    assert "**Stopped**" in said(at.run())
    assert "'Update all folders' continues from here." in said(at)


# Indexing in the background


def test_desk_starts_one_run_at_a_time(library):
    gate = threading.Event()

    def open_writer():
        gate.wait(30)
        return Library.open(library)

    desk = IndexJobs()
    assert desk.start(open_writer, [])
    assert not desk.start(open_writer, [])
    gate.set()
    desk.job.wait(60)
    assert desk.start(open_writer, [])
    desk.job.wait(60)


def test_finished_job_has_counted_and_knows_its_rate(path, folder):
    job = IndexJob(lambda: Library.create(path), [str(folder)])
    job.wait(60)
    assert (job.running, job.error) == (False, None)
    assert (job.progress.done, job.progress.total, job.report.added) == (3, 3, 3)
    assert job.rate > 0
    assert job.seconds_left == 0


def test_death_of_the_thread_is_told():
    job = IndexJob(lambda: SimpleNamespace(), [])
    job.wait(10)
    assert isinstance(job.error, PicfuseError)
    assert "indexing failed" in str(job.error)


def test_tags_filter_the_hits_and_are_shown_with_the_picture(library, tmp_path):
    head = colour_head(tmp_path / "colours.safetensors")
    with Library.open(library) as opened:
        index_folder(opened, options=IndexOptions(workers=1, tags=[head]))
    at = app()
    assert at.multiselect(key="tags").options == ["bluish", "reddish", "says blue"]
    at.multiselect(key="tags").select("reddish").run()
    assert texts(at) == ["something blue"]  # its look is red; listed without a query
    assert "1 picture, surest first" in said(at)
    at.text_input(key="q").input("green").run()
    assert texts(at) == ["something blue"]
    click(at, "Show picture")
    assert "Tags: reddish 99%, says blue 99%" in said(at)
    at = app(q="red")
    assert len(texts(at)) == 3
    assert texts(app(tags="reddish")) == ["something blue"]  # as a bookmark has it


def test_library_without_tags_offers_none(library):
    assert not app().multiselect
