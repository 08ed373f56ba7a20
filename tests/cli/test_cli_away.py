"""Disks that are not plugged in, dates that could mean two days, and thresholds of one's own."""

import shutil

import pytest
from command_line import answered, index_colours, refusal, run, sample_library

AWAY = "5 pictures are on a disk that is not there"


@pytest.fixture
def home(colour_pictures, tmp_path):
    library = tmp_path / "library"
    assert index_colours(colour_pictures, library).exit_code == 0
    return library


@pytest.mark.parametrize("mount_point", ["missing", "empty"])
def test_unplugged_disk_is_told_and_its_pictures_come_back(home, colour_pictures, mount_point):
    disk = colour_pictures.rename(colour_pictures.with_name("disk"))
    if mount_point == "empty":
        colour_pictures.mkdir()
    indexed = run("index", "--library", home)
    assert indexed.exit_code == 1
    assert AWAY in indexed.stderr
    assert AWAY in run("search", "red", "--library", home).stderr
    assert AWAY in run("status", "--library", home).stdout
    away = [{"path": str(colour_pictures), "pictures": 5}]
    assert answered("search", "red", "--library", home, status=1)["away"] == away
    assert answered("status", "--library", home)["away"] == away
    shutil.copytree(disk, colour_pictures, dirs_exist_ok=True)
    assert "added" in run("index", "--library", home).stdout
    assert "away" not in answered("status", "--library", home)


def test_picture_that_is_away_is_searched_with_by_its_embedding(home, colour_pictures):
    hits = answered("similar", colour_pictures / "red.png", "--library", home)["hits"]
    (colour_pictures / "red.png").unlink()
    again = answered("similar", colour_pictures / "red.png", "--library", home)["hits"]
    assert [hit["path"] for hit in again] == [hit["path"] for hit in hits]


def test_pattern_that_matches_nothing_is_named_when_it_is_given(home, colour_pictures):
    words = ("index", colour_pictures, "--library", home, "--exclude", "Red.png")
    said = run(*words, "--exclude", str(colour_pictures / "blue.png"))
    assert "--exclude 'Red.png' matches nothing" in said.stderr
    assert "blue" not in said.stderr
    assert "1 removed" in said.stdout
    assert "matches nothing" not in run("index", "--library", home).stderr


@pytest.mark.parametrize(
    ("order", "meaning"), [("DMY", "6 December 2019"), ("MDY", "12 June 2019")]
)
def test_ambiguous_date_is_told_as_it_was_read(home, order, meaning):
    words = ("search", "--where", "modified > 06/12/2019", "--library", home)
    environment = {"PICFUSE_DATE_ORDER": order}
    assert f"reading 06/12/2019 as {meaning}" in run(*words, env=environment).stderr
    (date,) = answered(*words, "--date-order", order)["dates"]
    assert date["read_as"] == {"DMY": "2019-12-06", "MDY": "2019-06-12"}[order]


@pytest.mark.parametrize("date", ["2019-06-12", "13/06/2019", "06/06/2019", "june 2019", "2019"])
def test_date_with_one_meaning_is_not_explained(home, date):
    words = ("search", "--where", f"modified > {date}", "--library", home)
    assert "reading" not in run(*words).stderr


def test_lowest_confidence_replaces_doubt(tmp_path_factory):
    library = sample_library(tmp_path_factory)
    every = answered("search", "boat", "--all", "-k", 20, "--library", library)["hits"]
    for least in (0.02, 0.4):
        words = ("search", "boat", "--min-confidence", least, "-k", 20, "--library", library)
        expected = [hit["path"] for hit in every if hit["confidence"] >= least]
        assert [hit["path"] for hit in answered(*words)["hits"]] == expected
    assert run(*words[:3], 1, "--library", library).exit_code == 1


def test_lowest_confidence_needs_hits_that_have_one(home, colour_pictures):
    words = ("--min-confidence", 0.5, "--library", home)
    assert "confidence" in refusal("search", "red", *words, status=2)
    assert "--least" in refusal("similar", colour_pictures / "red.png", *words, status=2)


def test_lowest_score_limits_a_search(home):
    hits = answered("search", "red", "--library", home, "--all")["hits"]
    middle = (hits[0]["score"] + hits[1]["score"]) / 2
    assert len(answered("search", "red", "--least", middle, "--library", home)["hits"]) == 1
