"""Facts in a library: stored by indexing, found by words and filters, shown with their source."""

import json
import os

import pytest
from command_line import answered, refusal, run
from conftest import forget_counts
from faults import decoding_here
from metadata_blocks import bag, exif, picture, sixtieths, xmp
from sqlalchemy import text

from indexer import IndexOptions, Library, index_folder
from indexer.library.records import records
from indexer.pipeline.relocating import relocate
from search import Searcher
from search.where import matches
from ui.sentences import metadata_lines

VIENNA = {1: "N", 2: sixtieths(48, 12, 30), 3: "E", 4: sixtieths(16, 22, 12)}
LISBON = {1: "N", 2: sixtieths(38, 43), 3: "W", 4: sixtieths(9, 8)}


def index(library, *folders, **options):
    with decoding_here():
        return index_folder(library, *folders, options=IndexOptions(workers=1, **options))


def numbers(report):
    return report.added, report.unchanged, report.changed


def where(library, condition):
    infos = library.catalogue.pictures(matches(library, condition).tolist()).values()
    return sorted(info.path.name for info in infos)


def metadata(library, name):
    by_name = {
        info.path.name: key
        for key, info in library.catalogue.pictures(library.catalogue.present_ids()).items()
    }
    return library.facts.of([by_name[name]])[by_name[name]]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A library of pictures whose metadata say much."""
    from indexer.encoders import registry

    registry.BUILT_IN["colour"] = "colour_encoder:open_encoder"
    folder = tmp_path_factory.mktemp("told")
    (folder / "2019-08 Rome").mkdir()
    people = bag("Iptc4xmpExt:PersonInImage", "Zoë Müller")
    keywords = bag("lr:hierarchicalSubject", "Safari|Kenya|lion")
    marks = 'xmp:Rating="5" xmp:Label="Red" photoshop:City="Nice" photoshop:Headline="Storm"'
    files = {
        "vienna.jpg": picture(exif=exif(gps=VIENNA)),
        "lisbon.jpg": picture(exif=exif(gps=LISBON)),
        "people.jpg": picture(xmp=xmp(people + keywords, marks)),
        "1985.jpg": picture(exif=exif(camera={0x9003: "1985:07:00 00:00:00"})),
        "IMG-20150607-WA0001.jpg": picture(comment=b"on the Isla Bonita"),
        "2019-08 Rome/plain.jpg": picture(),
        "lens.jpg": picture(exif=exif(camera={0xA434: "Summicron 35mm"})),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with Library.create(folder / "library", encoder="colour") as library:
        index(library, folder)
        yield library
    del registry.BUILT_IN["colour"]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("place: Vienna", ["vienna.jpg"]),
        ("place: austria, portugal", ["lisbon.jpg", "vienna.jpg"]),
        ("place: nice", ["people.jpg"]),
        ("place: Vienna within 20 km", ["vienna.jpg"]),
        ("place: within 20 km of Lisbon, Portugal", ["lisbon.jpg"]),
        ("place: Bratislava within 80 km", ["vienna.jpg"]),
        ("has: place", ["lisbon.jpg", "people.jpg", "vienna.jpg"]),
        ("person: zoe", ["people.jpg"]),
        ('person: "Zoë Müller"', ["people.jpg"]),
        ("person: mul", []),
        ("keyword: kenya", ["people.jpg"]),
        ("keyword: safari/kenya", ["people.jpg"]),
        ("keyword: kenya/safari", []),
        ("rating >= 4", ["people.jpg"]),
        ("rating < 4", []),
        ("flag: red", ["people.jpg"]),
        ("title: storm", ["people.jpg"]),
        ("comment: isla bonita", ["IMG-20150607-WA0001.jpg"]),
        ("lens: summicron", ["lens.jpg"]),
        ("taken: 1985", ["1985.jpg"]),
        ("taken: 1985-07", ["1985.jpg"]),
        ("taken: 1985-07-12", []),  # it may be any day of the month
        ("taken < 1985-08", ["1985.jpg"]),
        ("taken < 1985-07-12", []),
        ("taken <= 1985-07", ["1985.jpg"]),
        ("taken > 1985-06 and taken < 2000", ["1985.jpg"]),
        ("taken: 2015-06-07", ["IMG-20150607-WA0001.jpg"]),
        ("taken: august 2019", ["plain.jpg"]),
        ("has: person, lens", ["lens.jpg", "people.jpg"]),
    ],
)
def test_filter_finds_exactly_what_is_said(told, condition, names):
    assert where(told, condition) == names


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("a beach in Portugal", "lisbon.jpg"),
        ("beach in portugal", "lisbon.jpg"),
        ("Vienna", "vienna.jpg"),
        ("Zoe on the beach", "people.jpg"),
        ("Kenya", "people.jpg"),
        ("a day in Nice", "people.jpg"),
        ("Bonita", "IMG-20150607-WA0001.jpg"),
    ],
)
def test_names_are_found_by_plain_words(told, query, name):
    first = Searcher(told).search(query).hits[0]
    assert first.path.name == name
    assert first.words


def test_what_is_known_is_shown_with_its_source(told):
    assert metadata(told, "1985.jpg") == {"taken": "1985-07", "taken_source": "exif original"}
    assert metadata(told, "plain.jpg") == {"taken": "2019-08", "taken_source": "folder name"}
    assert metadata(told, "people.jpg") == {
        "people": ["Zoë Müller"],
        "place": ["Nice"],
        "keywords": ["Safari|Kenya|lion"],
        "headline": "Storm",
        "flags": ["red"],
        "rating": 5,
    }
    vienna = metadata(told, "vienna.jpg")
    assert vienna["place_source"] == "exif"
    assert vienna["place"][-2:] == ["Vienna", "Austria"]


def test_export_has_every_field(told):
    (batch,) = records(told, told.catalogue.present_ids())
    exported = {os.path.basename(record["path"]): record for record in batch}
    assert exported["people.jpg"]["people"] == ["Zoë Müller"]
    assert exported["people.jpg"]["rating"] == 5
    assert exported["1985.jpg"]["taken"] == "1985-07"
    assert exported["1985.jpg"]["keywords"] == []


def test_command_line_shows_it(told):
    home = ("--library", told.path)
    (hit,) = answered("search", "--where", "person: zoe and rating >= 4", *home)["hits"]
    assert hit["metadata"]["people"] == ["Zoë Müller"]
    (plain,) = answered("search", "--where", "taken: 1985", *home)["hits"]
    assert plain["metadata"] == {"taken": "1985-07", "taken_source": "exif original"}
    assert answered("status", *home)["metadata"]["people"] == 1
    assert "people 1" in run("status", *home).stdout
    said = refusal("search", "--where", "place: Nowherestan within 5 km", *home, status=2)
    assert "no place 'Nowherestan'" in said


def test_details_in_the_browser_name_the_source(told):
    assert metadata_lines(metadata(told, "1985.jpg")) == ["Taken: 1985-07 (exif original)"]
    where, *_ = metadata_lines(metadata(told, "vienna.jpg"))
    assert where.endswith("Vienna, Austria (48.20833, 16.37000; exif)")


def test_counts_say_how_many_pictures_tell_something(told):
    counts = told.facts.counts()
    assert (counts["date"], counts["place"], counts["people"]) == (3, 3, 1)


def sidecar(path, **facts):
    path.write_text(json.dumps({"photoTakenTime": {"timestamp": "1258375918"}, **facts}))


@pytest.mark.parametrize(
    ("picture_name", "name"),
    [
        ("IMG.JPG", "IMG.JPG.json"),
        ("IMG.JPG", "IMG.JPG.supplemental-metadata.json"),
        ("IMG.JPG", "IMG.JPG.su.json"),
        ("IMG.JPG", "IMG.JPG..json"),
        ("IMG.JPG", "IMG.supplemental-metadata.json"),
        ("IMG(1).JPG", "IMG.JPG(1).json"),
        ("IMG(1).JPG", "IMG.JPG.supplemental-metadata(1).json"),
        ("IMG-edited.JPG", "IMG.JPG.supplemental-metadata.json"),
        ("IMG-bearbeitet(2).JPG", "IMG.JPG(2).json"),
        (f"{'long' * 11}_1.jpg", f"{'long' * 11}_1.json"),
        (f"{'long' * 11}_1234.jpg", f"{'long' * 11}_1.json"),
    ],
)
def test_takeout_belongs_to_a_picture_in_every_naming(library, pictures, picture_name, name):
    (pictures / picture_name).write_bytes(picture())
    sidecar(pictures / name, description="Zanzibar", people=[{"name": "Ottilie"}])
    index(library, pictures)
    known = metadata(library, picture_name)
    assert known["people"] == ["Ottilie"]
    assert (known["taken"], known["taken_source"]) == ("2009-11-16T12:51:58", "takeout")
    (info,) = library.catalogue.pictures(library.catalogue.present_ids()).values()
    assert info.captions == ("Zanzibar",)


def test_takeout_of_another_number_belongs_to_no_picture(library, pictures):
    (pictures / "IMG.JPG").write_bytes(picture())
    sidecar(pictures / "IMG.JPG(1).json", people=[{"name": "Ottilie"}])
    index(library, pictures)
    assert metadata(library, "IMG.JPG") == {}


PICASA = """[Contacts2]
8e62398ebda8c1a5=Anna Berg;;
[a.jpg]
star=yes
caption=A lion
keywords=zoo,summer
geotag=48.2,16.37
faces=rect64(3f845bcb59418507),8E62398ebda8c1a5;rect64(3f84),ffffffffffffffff
[gone.jpg]
star=yes
"""


@pytest.mark.parametrize("name", [".picasa.ini", "Picasa.ini"])
def test_picasa_says_who_and_what(library, pictures, name):
    (pictures / "a.jpg").write_bytes(picture())
    (pictures / name).write_text(PICASA)
    assert index(library, pictures).problems == []
    known = metadata(library, "a.jpg")
    assert (known["people"], known["keywords"]) == (["Anna Berg"], ["zoo", "summer"])
    assert (known["flags"], known["place_source"]) == (["favourite"], "picasa")
    (info,) = library.catalogue.pictures(library.catalogue.present_ids()).values()
    assert info.captions == ("A lion", "zoo, summer")


def test_own_metadata_win_over_sidecars_and_those_over_names(library, pictures):
    dated = picture(exif=exif(camera={0x9003: "2015:06:07 08:09:10"}, gps=VIENNA))
    (pictures / "2001-01-01.jpg").write_bytes(dated)
    (pictures / "2002-01-01.jpg").write_bytes(picture())
    for name in ("2001-01-01.jpg.json", "2002-01-01.jpg.json"):
        sidecar(pictures / name, geoData={"latitude": 30.6, "longitude": 104.1})
    index(library, pictures)
    own, other = (metadata(library, name) for name in ("2001-01-01.jpg", "2002-01-01.jpg"))
    assert (own["taken"][:4], own["place_source"]) == ("2015", "exif")
    chengdu = "2009-11-16T20:51:58"  # Takeout's time is UTC
    assert (other["taken"], other["place_source"]) == (chengdu, "takeout")


def test_changed_sidecar_is_read_without_encoding_again(library, pictures):
    (pictures / "a.jpg").write_bytes(picture(exif=exif(gps=VIENNA)))
    beside = pictures / "a.xmp"
    beside.write_bytes(xmp("", 'xmp:Rating="2"'))
    index(library, pictures)
    assert metadata(library, "a.jpg")["rating"] == 2
    forget_counts(library)
    beside.write_bytes(xmp("", 'xmp:Rating="4"'))
    assert numbers(index(library)) == (0, 0, 1)
    assert numbers(index(library)) == (0, 1, 0)
    assert metadata(library, "a.jpg")["rating"] == 4
    beside.unlink()
    assert numbers(index(library)) == (0, 0, 1)
    assert "rating" not in metadata(library, "a.jpg")
    assert metadata(library, "a.jpg")["place_source"] == "exif"
    assert library.encoder.images == 0


def test_pictures_of_older_readers_are_read_again_without_encoding(library, pictures):
    data = picture(xmp=xmp(bag("Iptc4xmpExt:PersonInImage", "Anna")))
    (pictures / "a.jpg").write_bytes(data)
    (pictures / "copy.jpg").write_bytes(data)
    index(library, pictures)
    with library._engine.begin() as connection:
        connection.execute(text("DELETE FROM facts"))
        connection.execute(text("UPDATE pictures SET metadata_version = NULL"))
    forget_counts(library)
    assert where(library, "person: Anna") == []
    assert numbers(index(library)) == (0, 2, 0)
    assert where(library, "person: Anna") == ["a.jpg", "copy.jpg"]
    assert library.encoder.images == 0


def test_moved_picture_has_the_date_of_its_new_folder(library, pictures):
    (pictures / "2018").mkdir()
    (pictures / "2018" / "a.jpg").write_bytes(picture())
    index(library, pictures)
    (pictures / "2018").rename(pictures / "2019")
    index(library)
    assert metadata(library, "a.jpg")["taken"] == "2019"


def test_relocated_folder_gives_its_date(library, pictures):
    old, new = pictures / "2018", pictures / "2019"
    old.mkdir()
    (old / "a.jpg").write_bytes(picture())
    index(library, old)
    old.rename(new)
    relocate(library, old, new)
    assert numbers(index(library)) == (0, 1, 0)
    assert metadata(library, "a.jpg")["taken"] == "2019"


def test_verification_reads_what_older_readers_read(library, pictures):
    (pictures / "a.jpg").write_bytes(picture(xmp=xmp("", 'xmp:Rating="2"')))
    index(library, pictures)
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE pictures SET metadata_version = NULL, rating = NULL"))
    index(library, verify=True)
    assert metadata(library, "a.jpg")["rating"] == 2
