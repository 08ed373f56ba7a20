"""Captions that a picture carries in itself."""

import io
import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from indexer.captions import Caption, embedded_captions

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description>'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>'
    "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def saved(format: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, format, **options)
    return stream.getvalue()


def captions(data: bytes) -> tuple[Caption, ...]:
    with Image.open(io.BytesIO(data)) as image:
        return embedded_captions(image)


def exif(**tags) -> Image.Exif:
    block = Image.Exif()
    for tag, value in tags.items():
        block[int(tag.removeprefix("x"), 16)] = value
    return block


def jpeg_with_segment(marker: int, payload: bytes) -> bytes:
    segment = struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
    jpeg = saved("JPEG")
    return jpeg[:2] + segment + jpeg[2:]


def jpeg_with_iptc(*fields: tuple[int, int, bytes]) -> bytes:
    data = b"".join(struct.pack(">BBBH", 0x1C, r, n, len(v)) + v for r, n, v in fields)
    data += b"\0" * (len(data) % 2)
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(data)) + data
    return jpeg_with_segment(0xED, b"Photoshop 3.0\0" + resource)


@pytest.mark.parametrize("format", ["JPEG", "TIFF", "PNG", "WEBP"])
def test_exif_description_is_a_caption(format):
    data = saved(format, exif=exif(x010e="A dog on a beach"))
    assert captions(data) == (Caption("A dog on a beach", "exif"),)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_exif_description_with_accents(encoding):
    plain = saved("JPEG", exif=exif(x010e="X" * len("Caf\u00e9 \u201cOz\u201d".encode(encoding))))
    text = "Caf\u00e9 \u201cOz\u201d".encode(encoding)
    data = plain.replace(b"X" * len(text), text)
    assert [c.text for c in captions(data)] == ["Caf\u00e9 \u201cOz\u201d"]


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_titles_comments_and_keywords_of_windows_are_captions(format):
    tags = exif(
        x9c9b="Gr\u00fc\u00dfe\0".encode("utf-16-le"),
        x9c9c="from Ulm\0".encode("utf-16-le"),
        x9c9e="dog; beach ;\0".encode("utf-16-le"),
    )
    found = captions(saved(format, exif=tags))
    assert [c.text for c in found] == ["Gr\u00fc\u00dfe", "from Ulm", "dog, beach"]


def test_what_the_camera_wrote_is_no_caption():
    assert captions(saved("JPEG", exif=exif(x010e="OLYMPUS DIGITAL CAMERA         "))) == ()


def test_iptc_caption_and_keywords_are_captions():
    data = jpeg_with_iptc(
        (1, 90, b"\x1b%G"),
        (2, 25, b"dog"),
        (2, 25, "caf\u00e9".encode()),
        (2, 120, "A dog in a caf\u00e9".encode()),
    )
    assert captions(data) == (
        Caption("A dog in a caf\u00e9", "iptc"),
        Caption("dog, caf\u00e9", "iptc"),
    )


def test_iptc_without_a_character_set_is_guessed():
    assert [c.text for c in captions(jpeg_with_iptc((2, 120, b"caf\xe9")))] == ["caf\u00e9"]


def test_single_iptc_keyword_is_a_caption():
    assert [c.text for c in captions(jpeg_with_iptc((2, 25, b"dog")))] == ["dog"]


@pytest.mark.parametrize("format", ["JPEG", "TIFF", "WEBP"])
def test_xmp_description_is_a_caption(format):
    packet = XMP.format(text="Ein Fu\u00df &lt;3").encode()
    options = {"tiffinfo": {700: packet}} if format == "TIFF" else {"xmp": packet}
    assert captions(saved(format, **options)) == (Caption("Ein Fu\u00df <3", "xmp"),)


def test_png_texts_are_captions():
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", "A red square")
    info.add_text("Software", "picfuse")
    info.add_itxt("XML:com.adobe.xmp", XMP.format(text="A red field"))
    assert captions(saved("PNG", pnginfo=info)) == (
        Caption("A red field", "xmp"),
        Caption("A red square", "png"),
    )


def test_equal_texts_occur_once_and_exif_comes_first():
    data = saved("JPEG", exif=exif(x010e="A Dog"), xmp=XMP.format(text="a dog").encode())
    assert captions(data) == (Caption("A Dog", "exif"),)


def test_looking_at_a_png_does_not_decode_it():
    with Image.open(io.BytesIO(saved("PNG"))) as image:
        embedded_captions(image)
        assert image.tile  # what a decoded picture no longer has


def test_orientation_behind_the_pixels_survives_the_look():
    png = saved("PNG", exif=exif(x0112=6))
    at = png.index(b"eXIf") - 4
    size = 12 + struct.unpack(">I", png[at : at + 4])[0]
    chunk, rest = png[at : at + size], png[:at] + png[at + size :]
    end = rest.index(b"IEND") - 4
    with Image.open(io.BytesIO(rest[:end] + chunk + rest[end:])) as image:
        embedded_captions(image)
        assert image.getexif()[0x0112] == 6


def test_picture_without_metadata_or_made_in_memory_has_none():
    assert embedded_captions(Image.new("L", (1, 1))) == ()
    assert captions(saved("GIF")) == ()


@pytest.mark.parametrize(
    "packet",
    [b"<x:xmpmeta", b"", b"\0\0", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff" * 9],
)
def test_damaged_xmp_costs_only_itself(packet):
    data = saved("JPEG", exif=exif(x010e="A dog"), xmp=packet)
    assert captions(data) == (Caption("A dog", "exif"),)


def test_damaged_exif_costs_only_itself():
    broken = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x0e\0\x02\xff\xff\xff\xff" * 3
    packet = b"http://ns.adobe.com/xap/1.0/\0" + XMP.format(text="A dog").encode()
    data = jpeg_with_segment(0xE1, broken)
    segment = struct.pack(">BBH", 0xFF, 0xE1, len(packet) + 2) + packet
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert captions(data[:2] + segment + data[2:]) == (Caption("A dog", "xmp"),)


@given(st.binary(max_size=200), st.sampled_from([0xE1, 0xED]), st.integers(0, 3))
def test_no_metadata_makes_it_raise(data, marker, kind):
    head = (
        b"",
        b"Exif\0\0II*\0\x08\0\0\0",
        b"Photoshop 3.0\0008BIM\x04\x04\0\0\0\0\0\xc8",
        b"http://",
    )
    jpeg = jpeg_with_segment(marker, head[kind] + data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(jpeg))
        except Exception:
            return  # Pillow itself refuses the file
        assert isinstance(embedded_captions(image), tuple)


@pytest.mark.parametrize("value", [b"odd", (65, 0, 300), 7, "text", (1.5, 2)])
def test_windows_title_of_a_wrong_type_is_ignored(value):
    image = Image.new("RGB", (2, 2))
    image.getexif()[0x9C9B] = value
    image.getexif()[0x010E] = 12
    assert all(len(c.text) < 3 for c in embedded_captions(image))


def test_closed_picture_has_none():
    image = Image.open(io.BytesIO(saved("TIFF", exif=exif(x010e="A dog"))))
    image.close()
    assert isinstance(embedded_captions(image), tuple)
