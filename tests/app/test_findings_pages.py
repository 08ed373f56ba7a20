"""The browser app's pages of duplicates and of captions, and why a hit was found in its dialog."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from app_pages import AppTest, gallery
from PIL import Image
from test_app import app, click, said, texts
from test_app import colours as colours  # fixtures
from test_app import path as path

from indexer import Library, index_folder
from search.heat_map import HeatMap
from ui.views.index_jobs import desk_of

PAGE = """
import os, sys
import streamlit as st
from ui.views.pages import {page}
from ui.views.options import AppOptions
options = AppOptions.parse(sys.argv[1:], os.environ)
library = st.Page(lambda: None, title="Library", url_path="library")
start = st.Page(lambda: {page}.show(options, library), title="Findings", default=True)
st.navigation([start, library]).run()
"""
EVIL = "<script>alert(1)</script> **bold** [link](http://example.com) $x$ green"


def page(name):
    at = AppTest.from_string(PAGE.format(page=name), default_timeout=30).run()
    assert not at.exception
    return at


def make(path, folder):
    with Library.create(path) as library:
        index_folder(library, folder)


def noise(path, seed):
    """A picture that is like no other."""
    random = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(random).resize((160, 120), Image.Resampling.BICUBIC).save(path)


# Duplicates


@pytest.fixture
def copies(path, pictures):
    """Two pictures, the second of them twice as the same bytes, and once as a smaller one."""
    noise(pictures / "alone.png", 1)
    noise(pictures / "large.png", 2)
    shutil.copy(pictures / "large.png", pictures / "z-copy.png")
    with Image.open(pictures / "large.png") as image:
        image.resize((80, 60)).save(pictures / "a-small.png")
    make(path, pictures)
    return pictures


def listed(at):
    return [element.value for element in at.code]


def test_groups_stand_with_their_best_copy_first(copies):
    at = page("duplicates_page")
    (best, other, small) = listed(at)
    assert {best, other} == {str(copies / "large.png"), str(copies / "z-copy.png")}
    assert small == str(copies / "a-small.png")
    assert "1 groups" not in said(at)
    assert "One group" in said(at)
    assert "Best" in said(at)
    assert "80 x 60" in said(at)


def test_another_tier_is_chosen(copies):
    at = page("duplicates_page")
    at.get("button_group")[0].set_value("identical").run()
    assert not at.exception
    assert sorted(listed(at)) == [str(copies / "large.png"), str(copies / "z-copy.png")]


def test_page_of_duplicates_deletes_nothing_unless_it_is_allowed_and_confirmed(
    copies, path, monkeypatch
):
    before = {file: file.read_bytes() for file in copies.iterdir()}
    assert not [b for b in page("duplicates_page").button if "trash" in b.label]
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--allow-delete"])
    at = click(page("duplicates_page"), "Move 2 files to the trash …")
    (listed_copies,) = [code.value for code in at.code if "\n" in code.value]
    assert {file: file.read_bytes() for file in copies.iterdir()} == before
    at = click(at, "Move 2 files")
    desk_of(path).job.wait(60)
    assert "Moved to the trash" in said(at.run())
    assert "No duplicates" in said(at)
    trash = Path(os.environ["XDG_DATA_HOME"], "Trash", "files")
    for name in listed_copies.splitlines():
        assert not Path(name).exists()
        assert (trash / Path(name).name).read_bytes() == before[Path(name)]
    (left,) = (
        before.keys() - {Path(name) for name in listed_copies.splitlines()} - {copies / "alone.png"}
    )
    assert left.read_bytes() == before[left]


def test_copy_with_a_caption_of_its_own_is_not_offered_for_the_trash(path, pictures, monkeypatch):
    for name in ("a.png", "b.png", "c.png"):
        noise(pictures / name, 2)
        os.utime(pictures / name, (1e9 + ord(name[0]), 1e9))
    (pictures / "b.txt").write_text("my grandmother")
    make(path, pictures)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--allow-delete"])
    at = page("duplicates_page")
    assert "It stays: it has a caption that the best copy lacks." in said(at)
    click(at, "Move 1 file to the trash …")
    assert str(pictures / "b.png") not in [code.value for code in at.code][-1]


def test_more_groups_are_shown_on_request(path, pictures):
    for seed in range(22):
        noise(pictures / f"{seed}.png", seed)
        shutil.copy(pictures / f"{seed}.png", pictures / f"{seed}-copy.png")
    make(path, pictures)
    at = page("duplicates_page")
    assert len(listed(at)) == 40
    assert len(listed(click(at, "Show more"))) == 44


def test_library_without_duplicates_says_so(path, pictures):
    noise(pictures / "alone.png", 1)
    make(path, pictures)
    assert "No duplicates" in said(page("duplicates_page"))


# Captions


@pytest.fixture
def captioned(path, paint, pictures):
    """Right captions but for one, which is hostile as well; and a picture without one."""
    for colour in ("red", "green", "blue", "black", "yellow"):
        for number in range(5):
            paint(f"{colour}-{number}.png", caption=f"a {colour} wall")
    (pictures / "red-3.txt").write_text(EVIL)
    paint("yellow-bare.png")
    make(path, pictures)
    return pictures


def test_worst_caption_is_first_and_shown_as_plain_text(captioned):
    at = page("captions_page")
    assert listed(at)[0] == str(captioned / "red-3.png")
    assert texts(at)[0] == EVIL
    assert not any("script" in element.value for element in (*at.markdown, *at.caption))
    click(at, "red-3.png")  # which opens it large
    assert listed(at)[-1] == str(captioned / "red-3.png")
    assert texts(at)[-1] == EVIL


def test_captions_are_suggested_for_pictures_without_one(captioned):
    at = page("captions_page")
    assert listed(at)[-1] == str(captioned / "yellow-bare.png")
    assert texts(at)[-1] == "a yellow wall"  # once, though three are alike
    assert texts(at)[-2] != "a yellow wall"


def test_suggestion_is_accepted_only_where_writing_is_allowed(captioned, path, monkeypatch):
    (captioned / "yellow-bare.xmp").write_text("<x/>")  # shares the stem
    before = {file: file.read_bytes() for file in captioned.iterdir()}
    assert not [b for b in page("captions_page").button if b.label == "Accept"]
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--allow-write"])
    at = click(page("captions_page"), "Accept")
    desk_of(path).job.wait(60)
    assert (captioned / "yellow-bare.png.txt").read_text() == "a yellow wall\n"
    assert before.items() <= {file: file.read_bytes() for file in captioned.iterdir()}.items()
    assert not [b for b in at.run().button if b.label == "Accept"]
    with Library.open(path, read_only=True) as library:
        assert library.catalogue.counts()["captions"] == 26


def test_caption_that_is_there_already_is_never_overwritten(captioned, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--allow-write"])
    at = page("captions_page")
    (captioned / "yellow-bare.png.txt").write_text("mine")
    (captioned / "yellow-bare.txt").write_text("")
    assert "The caption was not saved" in said(click(at, "Accept"))
    assert any("nothing is overwritten" in text for text in texts(at))
    assert (captioned / "yellow-bare.png.txt").read_text() == "mine"


def test_audit_of_too_few_captions_says_why(path, paint, pictures):
    paint("red.png", caption="red")
    make(path, pictures)
    assert "Nothing to check" in said(page("captions_page"))


@pytest.mark.parametrize("name", ["captions_page", "duplicates_page"])
def test_page_without_a_library_says_so(path, name):
    assert "There is no library yet" in said(page(name))


@pytest.mark.parametrize("name", ["captions_page", "duplicates_page"])
def test_page_of_an_empty_library_says_so(path, name):
    Library.create(path, encoder="colour").close()
    assert "The library is empty" in said(page(name))


# Why and where


@pytest.fixture
def halves(path, pictures):
    image = Image.new("RGB", (80, 40), "red")
    image.paste("blue", (40, 0, 80, 40))
    image.save(pictures / "halves.png")
    (pictures / "halves.txt").write_text("something purple")
    make(path, pictures)
    return pictures / "halves.png"


def test_hit_says_what_adds_to_its_score(halves):
    why = gallery(app(q="red + blue"))["items"][0]["why"]
    assert any(line.startswith("by part: picture +") and "caption +" in line for line in why)
    assert any('"red" +' in line and '"blue" +' in line for line in why)


def test_heat_map_is_shown_when_it_is_asked_for(halves, monkeypatch):
    shown, over = [], HeatMap.over

    def watched(heat, image):
        shown.append(round(heat.highest, 3))
        return over(heat, image)

    monkeypatch.setattr(HeatMap, "over", watched)
    before = halves.read_bytes()
    at = app(q="red")
    assert gallery(at)["can"]["heat"]
    assert shown == []
    at.session_state["heat"] = gallery(at)["items"][0]["id"]
    assert "Brightest where it matches best." in said(at.run())
    assert shown == [1.0]
    assert halves.read_bytes() == before
    assert not gallery(app())["can"]["heat"]
