"""The browser app's page of the library, and indexing in the background."""

import threading
from types import SimpleNamespace

import pytest
from app_pages import AppTest, seen
from test_app import app, click, colours, folder, library, make, path, said, save, texts  # noqa: F401 - fixtures

from indexer import Library, index_folder
from indexer.errors import PicfuseError
from indexer.pipeline import fillers
from ui.index_jobs import IndexJob, IndexJobs
from ui.views.controls.folder_chooser import typed_folder
from ui.views.display.app_words import in_app_words
from ui.views.index_jobs import desk_of

PAGE = """
import os, sys
from ui.views.pages import library_page
from ui.views.options import AppOptions
library_page.show(AppOptions.parse(sys.argv[1:], os.environ))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's home folder, with folders of which one has no pictures."""
    found = tmp_path / "home"
    for name in ("Pictures/2019 Rome", "Bare", ".hidden"):
        (found / name).mkdir(parents=True)
    save(found / "Pictures" / "2019 Rome" / "a.png", "red")
    monkeypatch.setenv("HOME", str(found))
    return found


def page():
    at = AppTest.from_string(PAGE, default_timeout=30).run()
    assert not at.exception
    return at


def add(at, text, library):  # noqa: F811
    at.text_input(key="folder").input(str(text))
    click(at, "Add")
    return finished(at, library)


def finished(at, library):  # noqa: F811
    """The page after the run of indexing that was started."""
    if desk_of(library).job is not None:
        desk_of(library).job.wait(60)
    at.run()
    assert not at.exception
    return at


def numbers(at):
    return {metric.label: metric.value for metric in at.metric}


def test_library_page_shows_what_there_is(library, folder):  # noqa: F811
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "also.jpg").write_bytes(b"no picture")
    (folder / "plain-green.png").unlink()
    (folder / "clip.mp4").touch()
    with Library.open(library) as writer:
        index_folder(writer)
    at = page()
    assert numbers(at) == {
        "Pictures": "2", "Captions": "2", "Not found": "1", "Unreadable": "2",
    }  # fmt: skip
    assert {str(folder), "1 video"} <= {*texts(at)}
    assert [box.label for box in at.expander] == ["1 file was not indexed", "Details"]
    assert "Model: mini" in said(at)
    assert texts(at).count("This is not a picture, or it is damaged.") == 1  # once for both files
    assert f"{folder / 'also.jpg'}\n{folder / 'broken.jpg'}" in [code.value for code in at.code]


def test_library_page_says_which_captions_to_check(path, folder, monkeypatch):  # noqa: F811
    monkeypatch.setattr(fillers, "LEAST_PICTURES", 2)
    table = "file;caption\nlooks-red.png;Löwe Käthe\nplain-green.png;Löwe Käthe\n"
    (folder / "captions.csv").write_bytes(table.encode("cp1252"))
    make(path, folder)
    at = page()
    assert "Captions to check" in [box.label for box in at.expander]
    shown = "\n".join(texts(at))
    assert "captions.csv was read as cp1252 (guessed). If letters are wrong" in shown
    assert "'Löwe Käthe' is a caption of 2 of 3 pictures, probably a filler." in shown


def test_library_page_shows_hostile_names_and_reasons_as_data(path, tmp_path):  # noqa: F811
    name = "<img src=x>:red[x]\n\x1b[31m\u202e[x](javascript:x)$x$"
    hostile = tmp_path / name
    hostile.mkdir()
    save(hostile / "a.png", "red")
    (hostile / f"{name}.jpg").write_bytes(b"no picture")
    make(path, hostile)
    shown = r"<img src=x>:red[x]\n\x1b[31m\u202e[x](javascript:x)$x$"
    at = page()
    assert f"{tmp_path}/{shown}" in texts(at)
    assert f"{tmp_path}/{shown}/{shown}.jpg" in [code.value for code in at.code]
    rendered = [*at.markdown, *at.caption, *at.get("html"), *at.button, *at.metric]
    assert not any("red[x]" in str(element) for element in rendered)
    at = add(at, tmp_path / f"nowhere {name.strip()}", path)
    assert any("nowhere <img src=x>:red[x]" in text for text in texts(at))
    assert not any("\x1b" in text or "\u202e" in text for text in texts(at))


# Choosing a folder


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("~/Pictures", "Pictures"),
        ("  Pictures/ ", "Pictures"),
        ('"~/Pictures/2019 Rome"', "Pictures/2019 Rome"),
        ("'Pictures'", "Pictures"),
        ("file://{home}/Pictures/2019%20Rome", "Pictures/2019 Rome"),
        ("{home}/Bare/../Pictures", "Pictures"),
        ("~nobody-of-this-name", "~nobody-of-this-name"),
    ],
)
def test_folder_is_understood_however_it_is_written(home, text, meant):
    assert typed_folder(text.format(home=home)) == home / meant


def test_first_folder_makes_the_library(path, home):  # noqa: F811
    at = page()
    assert "There is no library yet" in said(at)
    add(at, "Pictures", path)
    assert "1 picture added." in texts(at)
    assert "There is no library yet" not in said(at)
    assert seen(app(q="red"))[0] == "a.png"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("~/Pictrues", "There is no folder ~/Pictrues. Did you mean ~/Pictures?"),
        ("/nowhere/at all", "There is no folder /nowhere/at all. Check the spelling."),
        ("~/Bare", "There are no pictures in ~/Bare or in the folders below it."),
        ("Pictures/2019 Rome/a.png", "a.png is a file. Choose the folder it is in."),
        ("x" * 5000, "cannot be opened: File name too long."),
        ("~/\0", "There is no folder"),
    ],
)
def test_folder_that_cannot_be_added_is_refused_and_stays_to_be_put_right(
    library,  # noqa: F811
    text,
    answer,
):
    at = add(page(), text, library)
    assert any(answer in said for said in texts(at))
    assert at.text_input(key="folder").value == text
    assert desk_of(library).job is None
    at = add(at, "Pictures", library)
    assert not any(answer in said for said in texts(at))
    assert at.text_input(key="folder").value == ""
    assert numbers(at)["Pictures"] == "4"


def test_refused_folder_makes_no_library(path):  # noqa: F811
    add(page(), "nowhere", path)
    assert not path.exists()


def test_folder_is_chosen_from_the_list_that_begins_at_home(path, home):  # noqa: F811
    at = page()
    listed = at.selectbox(key="folder-inside")
    assert listed.options == ["Bare", "Pictures"]
    listed.select(home / "Pictures").run()
    assert at.text_input(key="folder").value == "~/Pictures"
    assert at.selectbox(key="folder-inside").options == ["2019 Rome"]
    click(click(at, "Up"), "Up")
    assert "home" in at.selectbox(key="folder-inside").options
    at.selectbox(key="folder-inside").select(home).run()
    at.selectbox(key="folder-inside").select(home / "Pictures").run()
    finished(click(at, "Add"), path)
    assert "1 picture added." in texts(at)


# Words


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("album 'x' already exists; replace it with --replace",
         "Album 'x' exists. Tick 'Replace' or choose another name."),
        ("'': not a valid album name; use 1 to 200 characters", "Give the album a name."),
        ("the file has changed since it was indexed; update its folder",
         "The file has changed. Update its folder on the page 'Library'."),
        ("a.jpg: no such picture; check the name", "a.jpg: no such picture; check the name."),
        ("9 x 9 pixels is over the limit of 8 (to index it anyway: --max-pixels)",
         "9 x 9 pixels is over the limit of 8 (to index it anyway, run 'picfuse index' with "
         "--max-pixels in a terminal)."),
        ("/x: the catalogue is damaged; run 'picfuse doctor --rescue' to copy it",
         "/x: the catalogue is damaged; run 'picfuse doctor --rescue' in a terminal to copy it."),
        ("Did you mean ~/Pictures?", "Did you mean ~/Pictures?"),
    ],
)  # fmt: skip
def test_message_names_a_remedy_that_is_found_in_the_app(message, said):
    assert in_app_words(message) == said


# Folders of the library


def test_one_folder_is_updated_and_another_removed(library, folder, home):  # noqa: F811
    at = add(page(), "Pictures", library)
    save(folder / "new.png", "black")
    save(home / "Pictures" / "new.png", "black")
    at.button(key="update-1").click().run()
    finished(at, library)
    assert numbers(at)["Pictures"] == "5"  # only that folder was looked through
    before = {file: file.read_bytes() for file in folder.iterdir()}
    at.button(key="remove-0").click().run()
    assert str(folder) in [code.value for code in at.code]
    assert "Your files are not touched." in said(at)
    at.button(key="remove-now").click().run()
    assert not at.exception
    assert numbers(at)["Pictures"] == "2"
    assert str(folder) not in texts(at)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_folder_that_has_gone_is_told_and_kept(library, folder):  # noqa: F811
    folder.rename(folder.with_name("unplugged"))
    at = page()
    assert "3 pictures · It is not there now." in said(at)
    assert at.button(key="update-0").disabled


def test_library_that_has_gone_is_told_as_that(library):  # noqa: F811
    assert numbers(page())["Pictures"] == "3"
    library.rename(library.with_name("unplugged"))
    for at in (page(), app()):
        assert "Your library is not there" in said(at)
        assert "There is no library yet" not in said(at)
        assert any(f"It was in {library}" in text for text in texts(at))
    library.mkdir()  # the empty place of an unplugged disk
    assert "Your library is not there" in said(page())


def test_damaged_library_offers_no_form(library):  # noqa: F811
    (library / "catalogue.sqlite").write_bytes(b"no database" * 1000)
    at = page()
    assert "The library cannot be used" in said(at)
    assert not at.text_input


# Runs


def test_running_index_shows_its_progress_on_every_page_and_can_be_stopped(library):  # noqa: F811
    gate = threading.Event()

    def open_writer():
        gate.wait(30)
        return Library.open(library)

    desk_of(library).start(open_writer, [])
    try:
        at = page()
        assert "Looking for pictures" in at.get("progress")[0].proto.text
        assert "Looking for pictures" in app().get("progress")[0].proto.text
        assert at.button(key="update-0").disabled
        click(at, "Stop")
    finally:
        gate.set()
    finished(at, library)
    assert "**Stopped**" in said(at)
    assert "3 pictures ready. 'Update' goes on from here." in texts(at)


def test_desk_starts_one_run_at_a_time(library):  # noqa: F811
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


def test_finished_job_has_counted_and_knows_its_rate(path, folder):  # noqa: F811
    job = IndexJob(lambda: Library.create(path), [folder])
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
