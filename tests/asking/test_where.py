"""The language of `--where`: what it understands, and that it finds exactly what it says."""

import contextlib
import math
import os
import re
from datetime import datetime
from pathlib import Path

import pytest
from command_line import answered, run
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import create_engine, select

from indexer import Library, index_folder
from indexer.catalogue.schema import Base, FolderRow, PictureRow
from indexer.encoders import registry
from indexer.errors import PlacedError
from search import Query, Searcher
from search.where import FIELDS, matches, matching, parse
from search.where.grammar import Both, Condition, Either, Not
from search.where.parts import narrowed, parts_of
from search.where.spans import span

NOW = datetime(2026, 1, 15, 18, 30)
PLACES = {"vienna": (48.2, 16.37), "sydney": (-33.87, 151.21), "fiji": (-17.7, 178.0)}


@pytest.mark.parametrize("field", ["folder", "file", "caption", "camera"])
def test_byte_that_is_no_text_is_refused_at_its_place(field):
    text = os.fsdecode(field.encode() + b": x\xff")
    with pytest.raises(PlacedError, match="not UTF-8") as error:
        matching(text, encoder_id=1, tags=())
    assert error.value.place == len(text) - 1


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("2021", "2021-01-01", "2022-01-01"),
        ("2021-05", "2021-05-01", "2021-06-01"),
        ("may 2021", "2021-05-01", "2021-06-01"),
        ("2021-05-03", "2021-05-03", "2021-05-04"),
        ("12 June 2019", "2019-06-12", "2019-06-13"),
        ("05/06/2020", "2020-06-05", "2020-06-06"),
        ("yesterday", "2026-01-14", "2026-01-15"),
        ("last month", "2025-12-01", "2026-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last week", "2026-01-05", "2026-01-12"),
        ("last weekend", "2026-01-10", "2026-01-12"),
        ("this winter", "2025-12-01", "2026-03-01"),
        ("last winter", "2024-12-01", "2025-03-01"),
        ("winter", "2025-12-01", "2026-03-01"),
        ("Summer  2019", "2019-06-01", "2019-09-01"),
        ("last autumn", "2025-09-01", "2025-12-01"),
        ("2019..2021", "2019-01-01", "2022-01-01"),
        ("june 2020 .. yesterday", "2020-06-01", "2026-01-15"),
    ],
)
def test_people_say_times_in_many_ways(said, start, end):
    found = span(said, NOW)
    assert (found.start, found.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    [
        "taken: 9999",
        "taken: winter 9999",
        "taken: winter 0000",
        "modified: 0001",
        "modified > 99999",
    ],
)
def test_years_that_no_calendar_has_are_refused(text):
    with pytest.raises(PlacedError, match="takes a date"):
        matching(text, now=NOW)


def test_a_time_after_all_that_is_stored_is_late_enough(shelf):
    assert _found(shelf, "modified < 2300") == ALL


def test_files_that_wait_to_be_looked_at_again_have_no_time(shelf):
    with shelf.writing() as batch:
        batch.pictures.recheck(shelf.catalogue.present().tolist())
    try:
        assert _found(shelf, "modified < 2030") == set()
        assert _found(shelf, "width > 0") == ALL
    finally:
        index_folder(shelf, shelf.catalogue.folders()[0].path)


@pytest.mark.parametrize("said", ["", "..", "soon", "2021..2019", "0000", "a..b"])
def test_what_is_no_time_is_none(said):
    assert span(said, NOW) is None


def test_or_binds_less_than_and_and_that_less_than_not():
    found = parse("width > 1 and not format: png or has: caption")
    assert isinstance(found, Either)
    both, last = found.parts
    assert isinstance(both, Both)
    assert isinstance(both.parts[1], Not)
    assert last == Condition("has", ":", ("caption",), "caption", 33)


def test_commas_part_values_unless_quoted():
    assert parse(r'caption: "a, b", c "d \" e"').values == ("a, b", 'c d " e')


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 0, "begin with what to filter by, as in taken: 2021"),
        ("2021", 0, "begin with what to filter by"),
        ("taken: 2021 and", 15, "begin with what to filter by"),
        ("date: 2021", 0, "no field 'date'; did you mean 'taken'?"),
        ("colour: red", 0, "no field 'colour'; the fields are folder, file"),
        ("width > 3 and camra: x", 14, "did you mean 'camera'?"),
        ("format: png format: jpg", 12, "expected 'and' or 'or' here"),
        ('folder: "a b" width>3', 14, "expected 'and' or 'or' here"),
        ("taken", 5, "':' or a comparison"),
        ("taken:", 6, "expected a value here"),
        ("(width > 3", 10, "expected ')' here"),
        ("taken: soon", 0, "takes a date"),
        ("width: wide", 0, "takes a number"),
        ("size > 2 TB", 0, "with B, KB, MB, GB"),
        ("size: > 3 MB", 6, "takes no ':', as in size > 3 MB"),
        ("size:>=3MB", 5, "takes no ':', as in size >= 3MB"),
        ("width: 900..300", 0, "the smaller number comes first"),
        ("format: xyz", 0, "takes jpeg, png, webp, gif, tiff, bmp, avif, heif"),
        ("orientation: tall", 0, "landscape, portrait or square"),
        ("folder < a", 0, "'folder' takes : = !="),
        ("place: within 10 km", 0, "within 10 km"),
        ("place: 95, 0 within 1 km", 0, "within 10 km"),
        ("format: png,", 0, "a value is missing"),
        ("taken > 2019..", 0, "is open-ended"),
        ("tag: sad", 0, "no tag 'sad'; there are joyful"),
    ],
)
def test_an_error_points_at_its_place(text, place, said):
    with pytest.raises(PlacedError, match=re.escape(said)) as caught:
        matching(text, tags=["joyful"])
    assert (caught.value.text, caught.value.place) == (text, place)


@given(st.text(max_size=40))
def test_any_text_is_understood_or_refused(text):
    with contextlib.suppress(PlacedError):
        matching(text, now=NOW)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A library of pictures that differ in everything that `--where` asks for."""
    folder = tmp_path_factory.mktemp("shelf")
    _photograph(folder / "2021/Rome/IMG_2041.jpg", (40, 30), "Canon", "Canon EOS 5D", "vienna")
    _photograph(folder / "2021/Römer/anna.jpg", (30, 40), "NIKON", "D750", "sydney", year=2019)
    _photograph(folder / "other/rome.jpg", (32, 32), "", "Pixel 6", "fiji", year=2025)
    Image.new("RGB", (100, 20), "red").save(folder / "other/plain.png")
    (folder / "other/plain.txt").write_text("Anna's black dog, asleep\n田中さんと猫")
    os.utime(folder / "other/plain.png", (1_000_000_000, 1_000_000_000))
    registry.BUILT_IN["colour"] = "colour_encoder:open_encoder"  # as tests/conftest.py does
    with Library.create(tmp_path_factory.mktemp("library") / "l", encoder="colour") as library:
        index_folder(library, folder)
        yield library
    del registry.BUILT_IN["colour"]


def _photograph(path, size, make, model, place, year=2021):
    path.parent.mkdir(parents=True, exist_ok=True)
    image, exif = Image.new("RGB", size, "blue"), Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    exif.get_ifd(0x8769)[0x9003] = f"{year}:07:01 12:00:00"
    latitude, longitude = PLACES[place]
    exif.get_ifd(0x8825).update(
        {1: "S" if latitude < 0 else "N", 2: _sixtieths(latitude)}
        | {3: "W" if longitude < 0 else "E", 4: _sixtieths(longitude)}
    )
    image.save(path, exif=exif)


def _sixtieths(degrees):
    whole, rest = divmod(abs(degrees), 1)
    minutes, rest = divmod(rest * 60, 1)
    return (whole, minutes, rest * 60)


def test_a_jpeg_that_holds_two_pictures_is_a_jpeg(library, pictures):
    one, two = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    one.save(pictures / "two.jpg", format="MPO", save_all=True, append_images=[two])
    index_folder(library, pictures)
    assert "two.jpg" in _found(library, "format: jpeg")
    assert "two.jpg" not in _found(library, "format: png")


def _found(library, text):
    ids = matches(library, text, now=NOW).tolist()
    return {picture.path.name for picture in library.catalogue.pictures(ids).values()}


ALL = {"IMG_2041.jpg", "anna.jpg", "rome.jpg", "plain.png"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("folder: rome", {"IMG_2041.jpg"}),
        ("folder: 2021", {"IMG_2041.jpg", "anna.jpg"}),
        ("folder: 2021/ROME", {"IMG_2041.jpg"}),
        ("folder: r*", {"IMG_2041.jpg", "anna.jpg"}),
        ("folder: RÖMER", {"anna.jpg"}),
        ("file: rome", {"rome.jpg"}),
        ("file: img_20*", {"IMG_2041.jpg"}),
        ("file: img_20", {"IMG_2041.jpg"}),
        ("file: img_20?", set()),
        ("taken: 2021", {"IMG_2041.jpg"}),
        ("taken < 2021", {"anna.jpg"}),
        ("taken >= 2021", {"IMG_2041.jpg", "rome.jpg"}),
        ("taken: last summer", {"rome.jpg"}),
        ("taken: 2019, last summer", {"anna.jpg", "rome.jpg"}),
        ("not taken: 2021", ALL - {"IMG_2041.jpg"}),
        ("taken != 2021", ALL - {"IMG_2041.jpg"}),
        ("modified: 2001-09", {"plain.png"}),
        ("modified < 2002", {"plain.png"}),
        ("camera: canon", {"IMG_2041.jpg"}),
        ("camera: nikon d*", {"anna.jpg"}),
        ("place: 48.3, 16.4 within 20 km", {"IMG_2041.jpg"}),
        ("place: 48.3, 16.4 within 5 km", set()),
        ("place: 48..49, 16..17", {"IMG_2041.jpg"}),
        ("place: -40..-10, 150..-170", {"anna.jpg", "rome.jpg"}),
        ("place: -17.7, -179 within 350 km", {"rome.jpg"}),
        ("width >= 40", {"IMG_2041.jpg", "plain.png"}),
        ("height: 30..40", ALL - {"plain.png"}),
        ("megapixels > 0.0013", {"plain.png"}),
        ("size < 1 KB and format: png", {"plain.png"}),
        ("size > 1 GB", set()),
        ("orientation: square, portrait", {"anna.jpg", "rome.jpg"}),
        ("format: jpg", ALL - {"plain.png"}),
        ("width: 32..32", {"rome.jpg"}),
        ("caption: black dog", {"plain.png"}),
        ("caption: dog black", set()),
        ("caption: ANNA", {"plain.png"}),
        ("caption: bla", set()),
        ("caption: bla*", {"plain.png"}),
        ("caption: <3", set()),
        ("caption: 田中", {"plain.png"}),
        ("caption: 猫", {"plain.png"}),
        ("caption: 田猫", set()),
        ("has: caption", {"plain.png"}),
        ("has: place, caption", ALL),
        ("has: tag", set()),
        ("has: camera and not (folder: 2021 or taken: 2020)", {"rome.jpg"}),
    ],
)
def test_exactly_the_pictures_that_fulfil_it_are_found(shelf, text, names):
    assert _found(shelf, text) == names


@given(
    st.floats(-80, 80), st.floats(-180, 180), st.sampled_from(sorted(PLACES)), st.floats(0.9, 1.1)
)
def test_a_distance_is_that_of_the_great_circle(latitude, longitude, place, factor):
    """Against the angle between two directions, computed another way."""
    a, b = (_direction(*point) for point in ((latitude, longitude), PLACES[place]))
    angle = math.atan2(
        math.dist(_cross(a, b), (0, 0, 0)), sum(x * y for x, y in zip(a, b, strict=True))
    )
    kilometres = 6371.0088 * angle * factor
    text = f"place: {latitude:.6f}, {longitude:.6f} within {kilometres:.3f} km"
    if abs(factor - 1) > 0.001 and kilometres > 1:
        assert (place in _near(text)) == (factor > 1)


def _direction(latitude, longitude):
    north, east = math.radians(latitude), math.radians(longitude)
    return (
        math.cos(north) * math.cos(east),
        math.cos(north) * math.sin(east),
        math.sin(north),
    )


def _cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _near(text):
    """Places that meet a condition, asked of SQLite without a library."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    common = {"folder_id": 1, "size": 1, "mtime_ns": 1, "state": "present", "revision": 1}
    with engine.begin() as connection:
        connection.execute(FolderRow.__table__.insert(), {"id": 1, "path": b"/"})
        for name, (latitude, longitude) in PLACES.items():
            where = {"latitude": latitude, "longitude": longitude, "relative": name.encode()}
            connection.execute(PictureRow.__table__.insert(), common | where)
        query = select(PictureRow.relative).where(matching(text))
        return {row[0].decode() for row in connection.execute(query)}


def test_every_field_says_what_it_means():
    assert all(field.meaning and field.operators for field in FIELDS.values())


# The command, and Python


@pytest.mark.parametrize("weight", [0, 0.5, 1])
@pytest.mark.parametrize("where", ["has: place", "not folder: 2021", "width < 50", "has: tag"])
def test_a_search_finds_the_best_of_all_that_fulfil_it(shelf, weight, where):
    """The k best of all pictures, of which those that fulfil it are left: by brute force."""
    searcher, names = Searcher(shelf), _found(shelf, where)
    query = Query.of("red and blue", weight=weight)
    everything = searcher.search(query, k=len(ALL)).hits
    expected = [hit for hit in everything if hit.path.name in names]
    for k in (1, 2, 9):
        hits = searcher.search(query, k=k, where=where).hits
        assert [hit.path for hit in hits] == [hit.path for hit in expected[:k]]
        assert [h.score for h in hits] == pytest.approx([h.score for h in expected[:k]], abs=1e-5)


def test_the_command_lists_what_fulfils_it_newest_first(shelf):
    fields = answered("search", "--where", "has: date or format: png", "--library", shelf.path)
    names = [Path(hit["path"]).name for hit in fields["hits"]]
    assert names == ["rome.jpg", "IMG_2041.jpg", "anna.jpg", "plain.png"]
    assert all(hit["score"] is None for hit in fields["hits"])
    with_words = answered(
        "search", "red", "--where", "format: png", "-k", 1, "--library", shelf.path
    )
    assert [Path(hit["path"]).name for hit in with_words["hits"]] == ["plain.png"]
    nothing = answered(
        "search", "red", "--where", "width > 9999", "--library", shelf.path, status=1
    )
    assert nothing["hits"] == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("taken: 2020", ["taken: 2020"]),
        ('width>3 and not caption: "a and b"', ["width > 3", 'not caption: "a and b"']),
        ("taken: 2020 or has: tag", ["taken: 2020 or has: tag"]),
        (
            "not (has: tag or has: place) and width > 3",
            ["not (has: tag or has: place) and width > 3"],
        ),
        ("width >", ["width >"]),
    ],
)
def test_parts_of_a_filter_can_be_taken_away_and_joined_again(text, parts):
    assert list(parts_of(text)) == parts
    for part in parts:
        assert narrowed(text, part) == text
    assert narrowed(None, text) == text


def test_filter_with_one_more_condition_asks_for_both():
    more = "has: date"
    assert narrowed("taken: 2020", more) == "taken: 2020 and has: date"
    assert narrowed("taken: 2020 or has: tag", more) == "(taken: 2020 or has: tag) and has: date"
    assert narrowed("width >", more) == more


def test_the_command_marks_what_it_does_not_understand(shelf):
    result = run("search", "red", "--where", "width > 3 and camra: x", "--library", shelf.path)
    assert result.exit_code == 2
    said = result.stderr.splitlines()
    assert said[0].startswith("picfuse: --where: no field 'camra'; did you mean 'camera'?")
    assert said[1:] == ["  width > 3 and camra: x", "  " + " " * 14 + "^"]


def test_the_command_explains_its_language():
    said = run("search", "--where", "help").stdout
    assert all(f"  {name} " in said for name in FIELDS)
