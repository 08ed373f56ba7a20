"""Facts in a picture's own bytes, and which source wins."""

import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_blocks import bag, exif, picture, png, sixtieths, with_iptc, xmp
from PIL import Image

from indexer.captions.metadata import captions_among
from indexer.metadata.carried import carried_facts
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.order import settled
from indexer.metadata.picasa import picasa_facts
from indexer.metadata.prompts import prompt_of
from indexer.metadata.takeout import takeout_facts
from indexer.pipeline.facts import all_facts

ORIGINAL, DIGITISED, MODIFIED = 0x9003, 0x9004, 0x0132


def facts(data: bytes):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return carried_facts(image)


def said(data: bytes, field: str):
    return [fact.value for fact in facts(data) if fact.field == field]


def captions(data: bytes):
    return [(caption.text, caption.source) for caption in captions_among(facts(data))]


WHEN = "2015:06:07 08:09:10"
ZEROS = "0000:00:00 00:00:00"
LATER = 'photoshop:DateCreated="2016-01-01"'
DATED = {
    "exif original": picture(exif=exif(camera={ORIGINAL: WHEN, DIGITISED: ZEROS})),
    "exif original in IFD0": picture(exif=exif({ORIGINAL: WHEN})),
    "exif digitised": picture(exif=exif(camera={ORIGINAL: ZEROS, DIGITISED: WHEN})),
    "exif modified": picture(exif=exif({MODIFIED: WHEN})),
    "exif gps": picture(exif=exif(gps={29: "2015:06:07", 7: (8, 9, 10)})),
    "xmp original": picture(xmp=xmp("", 'exif:DateTimeOriginal="2015-06-07T08:09:10+02:00"')),
    "xmp digitised": picture(xmp=xmp("<xmp:CreateDate>2015-06-07T08:09:10</xmp:CreateDate>")),
    "xmp modified": picture(xmp=xmp("", 'xmp:ModifyDate="2015-06-07T08:09:10"')),
    "iptc created": with_iptc((55, b"20150607"), (60, b"080910+0200")),
    "png created": png(**{"Creation Time": WHEN}),
}


@pytest.mark.parametrize("source", DATED)
def test_date_has_a_source(source):
    values = settled(facts(DATED[source]))
    assert (values.taken, values.taken_last) == ("2015-06-07T08:09:10", None)
    assert values.taken_source == source.removesuffix(" in IFD0")


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        (picture(exif=exif(camera={ORIGINAL: WHEN}), xmp=xmp("", LATER)), "2015-06-07T08:09:10"),
        (picture(exif=exif(camera={DIGITISED: WHEN}), xmp=xmp("", LATER)), "2016-01-01T00:00:00"),
        (picture(exif=exif({MODIFIED: WHEN}), xmp=xmp("", LATER)), "2016-01-01T00:00:00"),
        # A time within the day of a better source tells more of it.
        (
            picture(exif=exif(camera={ORIGINAL: "2015:06:07", DIGITISED: WHEN})),
            "2015-06-07T08:09:10",
        ),
    ],
)
def test_first_source_wins(data, taken):
    assert settled(facts(data)).taken == taken


def place(latitude, longitude, north=None, east=None):
    tags = {1: north, 2: latitude, 3: east, 4: longitude}
    return picture(exif=exif(gps={tag: value for tag, value in tags.items() if value is not None}))


SOUTH, EAST = sixtieths(36, 50), sixtieths(174, 44)


@pytest.mark.parametrize(
    "data",
    [
        place(SOUTH, EAST, "S", "E"),
        place(SOUTH, EAST, "s", "e"),
        place(SOUTH, EAST, "South", "East"),
        place(SOUTH, EAST, "Sud", "Est"),
        place(sixtieths(36, 50, 0, 0), sixtieths(174, 44, 0, 0), "S", "E"),
        place(SOUTH[:2], EAST[:2], "S", "E"),
        picture(xmp=xmp("", 'exif:GPSLatitude="36,50.0S" exif:GPSLongitude="174,44,0E"')),
        picture(xmp=xmp("", 'exif:GPSLatitude="-36.833333" exif:GPSLongitude="174.733333"')),
    ],
)
def test_place_in_whatever_writing(data):
    values = settled(facts(data))
    assert (values.latitude, values.longitude) == pytest.approx((-36.833333, 174.733333))


@pytest.mark.parametrize(
    "data",
    [
        place(SOUTH, EAST),  # north or south?
        place(SOUTH, EAST, "?", "E"),
        place(SOUTH, EAST, "S", "O"),  # west in French, east in German
        place(sixtieths(0, 0), sixtieths(0, 0), "N", "E"),
        place(sixtieths(96, 0), EAST, "N", "E"),
        place(SOUTH, None, "S"),
    ],
)
def test_place_that_is_not_sure_is_unknown(data):
    assert settled(facts(data)).latitude is None


REGION = (
    '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
    '<rdf:li rdf:parseType="Resource"><mwg-rs:Name>{0}</mwg-rs:Name>'
    "<mwg-rs:Type>{1}</mwg-rs:Type></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
)
SHORT_REGION = (
    "<mwg-rs:Regions><rdf:Description><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description "
    'mwg-rs:Name="Anna" mwg-rs:Type="Face"/></rdf:li></rdf:Bag></mwg-rs:RegionList>'
    "</rdf:Description></mwg-rs:Regions>"
)
MICROSOFT = (
    "<MP:RegionInfo><rdf:Description><MPReg:Regions><rdf:Bag><rdf:li "
    'MPReg:PersonDisplayName="Anna"/></rdf:Bag></MPReg:Regions></rdf:Description></MP:RegionInfo>'
)


@pytest.mark.parametrize(
    ("body", "people"),
    [
        (bag("Iptc4xmpExt:PersonInImage", "Anna", "Ben"), ["Anna", "Ben"]),
        (REGION.format("Anna", "Face"), ["Anna"]),
        (REGION.format("Rex", "Pet"), ["Rex"]),
        (REGION.format("centre", "Focus"), []),
        (SHORT_REGION, ["Anna"]),
        (MICROSOFT, ["Anna"]),
        (bag("digiKam:TagsList", "People/Anna", "Places/Rome"), ["Anna"]),
        (bag("lr:hierarchicalSubject", "People|Family|Anna"), ["Anna"]),
    ],
)
def test_people_have_names(body, people):
    assert said(picture(xmp=xmp(body)), "person") == people


@pytest.mark.parametrize(
    ("body", "keywords", "caption"),
    [
        (bag("dc:subject", "lion", "zoo"), ["lion", "zoo"], "lion, zoo"),
        (bag("lr:hierarchicalSubject", "Safari|Kenya|lion"), ["Safari|Kenya|lion"], "lion"),
        (bag("digiKam:TagsList", "Safari/lion"), ["Safari|lion"], "lion"),
        (bag("MicrosoftPhoto:LastKeywordXMP", "Safari/lion"), ["Safari|lion"], "lion"),
        (
            bag("dc:subject", "Kenya", "zoo") + bag("lr:hierarchicalSubject", "Safari|Kenya"),
            ["zoo", "Safari|Kenya"],
            "Kenya, zoo",
        ),
        (bag("dc:subject", "exported", "format", "jpg", "Wren"), ["Wren"], "Wren"),
        (bag("dc:subject", "darktable|format|jpg", "Wren"), ["Wren"], "Wren"),
        (bag("dc:subject", "exported"), ["exported"], "exported"),  # by a person
    ],
)
def test_keywords_keep_their_levels_and_lose_those_of_programs(body, keywords, caption):
    data = picture(xmp=xmp(body))
    assert said(data, "keyword") == keywords
    assert captions(data) == [(caption, "xmp")]


STARS = 'xmp:Rating="4"'


@pytest.mark.parametrize(
    ("data", "field", "values"),
    [
        (with_iptc((105, b"Storm"), (5, b"Wave")), "headline", ["Storm"]),
        (with_iptc((105, b"Storm"), (5, b"Wave")), "title", ["Wave"]),
        (with_iptc((90, b"Wien"), (101, b"Austria"), (92, b"Prater")), "city", ["Wien"]),
        (picture(xmp=xmp("", 'photoshop:City="Wien"')), "city", ["Wien"]),
        (picture(xmp=xmp("", 'Iptc4xmpCore:Location="Prater"')), "location", ["Prater"]),
        (picture(xmp=xmp("", 'photoshop:Headline="Storm"')), "headline", ["Storm"]),
        (picture(xmp=xmp("", STARS)), "rating", ["4"]),
        (
            png(**{"Raw profile type xmp": f"\nxmp\n  99\n{xmp('', STARS).hex()}\n"}),
            "rating",
            ["4"],
        ),
        (picture(xmp=xmp("", 'xmp:Rating="0"')), "rating", []),
        (picture(xmp=xmp("", 'xmp:Rating="-1"')), "flag", ["rejected"]),
        (picture(xmp=xmp("", 'MicrosoftPhoto:Rating="75"')), "rating", ["4"]),
        (picture(exif=exif({0x4746: 5})), "rating", ["5"]),
        (picture(exif=exif({0x4749: 99})), "rating", ["5"]),
        (picture(xmp=xmp("", 'xmpDM:pick="1" xmp:Label="Red"')), "flag", ["picked", "red"]),
        (picture(exif=exif({0x010F: "Canon", 0x0110: "Canon EOS"})), "camera", ["Canon EOS"]),
        (picture(exif=exif(camera={0xA433: "Sigma", 0xA434: "35mm"})), "lens", ["Sigma 35mm"]),
        (picture(xmp=xmp("", 'aux:Lens="35mm F1.4"')), "lens", ["35mm F1.4"]),
        (picture(exif=exif(camera={0xA434: "----"})), "lens", []),
    ],
)
def test_field_is_read(data, field, values):
    assert said(data, field) == values


GRAPH = {
    "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["3", 0]}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a frog on a log"}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
}


FROG = ("a frog on a log", "prompt")
SETTINGS = f"{FROG[0]}\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7"


@pytest.mark.parametrize(
    ("data", "caption"),
    [
        (picture(comment=b"A lion"), ("A lion", "comment")),
        (picture("GIF", comment=b"A lion"), ("A lion", "comment")),
        (picture(exif=exif(camera={0x9286: b"ASCII\0\0\0A lion"})), ("A lion", "comment")),
        (
            picture(exif=exif(camera={0x9286: b"UNICODE\0" + "Löwe".encode("utf-16-be")})),
            ("Löwe", "comment"),
        ),
        (png(Comment="A lion"), ("A lion", "comment")),
        (
            png(parameters="a (frog:1.2) <lora:x:1>\nNegative prompt: blurry\nSteps: 20"),
            ("a (frog)", "prompt"),
        ),
        (png(prompt=json.dumps(GRAPH)), ("a frog on a log", "prompt")),
        (picture("WEBP", exif=exif({0x010F: f"prompt:{json.dumps(GRAPH)}"})), FROG),
        (png(parameters=json.dumps({"sui_image_params": {"prompt": FROG[0]}})), FROG),
        (png(invokeai_metadata=json.dumps({"positive_prompt": FROG[0]})), FROG),
        (picture(exif=exif(camera={0x9286: b"UNICODE\0" + SETTINGS.encode("utf-16-be")})), FROG),
        (
            picture(xmp=xmp(bag("Iptc4xmpCore:AltTextAccessibility", "A lion"))),
            ("A lion", "xmp"),
        ),
        (with_iptc((120, "Пчела Наташа".encode("cp1251"))), ("Пчела Наташа", "iptc")),
        (with_iptc((120, "Frosch Käthe".encode("mac_roman"))), ("Frosch Käthe", "iptc")),
        (with_iptc((120, "Papagei Jörg".encode("cp1252"))), ("Papagei Jörg", "iptc")),
        (with_iptc((120, "ライオン太郎".encode("shift_jis"))), ("ライオン太郎", "iptc")),
        (picture(exif=exif({0x010E: "Tom &amp; Jerry"})), ("Tom & Jerry", "exif")),
    ],
)
def test_text_by_people_is_a_caption(data, caption):
    assert captions(data) == [caption]


def test_gif_has_xmp_in_an_extension():
    end = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    block = b"\x21\xff\x0bXMP DataXMP" + xmp("", STARS) + end
    gif = picture("GIF")
    start = gif.index(b",")  # of the pixels
    with Image.open(io.BytesIO(gif[:start] + block + gif[start:])) as image:
        assert [fact.field for fact in carried_facts(image)] == ["rating"]


@pytest.mark.parametrize(
    "text",
    [
        *("cof", "dav", "oznor", "oznorWB", "_cuva", "hdr", "bsh", "smart", "HELLOMOTO", "sdr"),
        *("cof_vivid", "My beautiful picture", "SONY DSC", "OLYMPUS DIGITAL CAMERA", "Jpeg"),
        *("frontbhdr", "btfmdn", "mde_soft", "sdr_HDRB", "SAMSUNG", "Workflow:{}"),
        *("nan", "NULL", "Created with Paint.NET", "File source: whatsapp", "MOTOROLA"),
    ],
)
def test_filler_is_no_caption(text):
    assert captions(picture(exif=exif({0x010E: text}))) == []


@pytest.mark.parametrize(
    "comment",
    [
        *(b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62)", b"Created with GIMP", b"Lavc57.64.100"),
        *(b"{}", b"***", b"<xml/>", b"a" * 40, b"Generated by Tool 2.1", b"Adobe Photoshop 7"),
    ],
)
def test_comment_by_a_program_is_none(comment):
    assert facts(picture(comment=comment)) == ()


@pytest.mark.parametrize(
    "comment",
    ["#summer at the sea", "[Anna] and Ben", "made by Anna", "an adobe house", "海" * 40],
)
def test_comment_by_people_stays(comment):
    assert captions(picture(comment=comment.encode())) == [(comment, "comment")]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "data",
    [
        picture(xmp=b"<x:xmpmeta"),
        picture(xmp=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        picture(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        png(prompt="[" * 5000, parameters=""),
        png(**{"Creation Time": "\x01\x02"}),
    ],
)
def test_damaged_metadata_costs_nothing_else(data):
    assert facts(data) == ()


def test_nested_lists_take_no_longer_than_their_size():
    depth = 20_000
    nested = "<rdf:Bag><rdf:li>" * depth + "x" + "</rdf:li></rdf:Bag>" * depth
    start = time.process_time()
    facts(picture("WEBP", xmp=xmp(f"<dc:subject>{nested}</dc:subject>")))
    assert time.process_time() - start < 5  # each level reading all below it takes minutes


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
)
KEYS = st.sampled_from(["description", "photoTakenTime", "geoData", "people", "favorited"])


@given(st.dictionaries(KEYS, JSON | st.fixed_dictionaries({"timestamp": JSON, "latitude": JSON})))
def test_any_sidecar_of_takeout_gives_facts_or_none(value):
    settled(takeout_facts(value))


@given(st.lists(st.text(alphabet="ab|/ ", max_size=6)), st.text(alphabet="ab|/ ", max_size=6))
def test_any_keywords_give_facts_or_none(flat, path):
    assert all(fact.value for fact in keyword_facts(flat, [(path, "|"), (path, "/")], "xmp"))


@given(st.binary(max_size=80), JSON)
def test_any_bytes_are_no_obstacle(data, value):
    picasa_facts(b"[a.jpg]\nfaces=" + data)
    prompt_of(json.dumps({"1": {"class_type": "KSampler", "inputs": value}}))
    facts(picture(exif=exif(camera={0x9286: data})))


def test_date_of_takeout_at_the_end_of_the_calendar_stays_in_utc():
    new_york = {"latitude": 40.7, "longitude": -74.0}
    sidecar = {"photoTakenTime": {"timestamp": "-62135596800"}, "geoData": new_york}
    values, _ = all_facts(Path("/pictures"), b"a.jpg", (), takeout_facts(sidecar))
    assert values.taken == "0001-01-01T00:00:00"
