"""Formats by their contents: RAW, JPEG XL, TGA; frames that tell something; HDR as sRGB."""

import io
import struct
import subprocess
import sys

import numpy as np
import odd_pictures as odd
import pillow_heif
import pytest
from odd_raw import raw
from PIL import Image, ImageColor

from indexer.errors import PictureError
from indexer.kinds.signatures import PICTURES, UNKNOWN, kind_of
from indexer.metadata.carried import carried_facts
from indexer.metadata.order import settled
from indexer.pictures.colour_codes import ColourCodes, from_codes
from indexer.pictures.images import decode, open_picture, upright_rgb, upright_size
from indexer.pictures.targa import is_targa

RED, BLUE = (255, 0, 0), (0, 0, 255)
PREVIEW = odd.encoded("JPEG", odd.quarters(480, 320), quality=95)
THUMBNAIL = odd.encoded("JPEG", Image.new("RGB", (160, 120), "black"))


def opened(content: bytes) -> Image.Image:
    return open_picture(io.BytesIO(content))


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    right, bottom = image.width - 2, image.height - 2
    return [image.getpixel(place) for place in ((1, 1), (right, 1), (1, bottom), (right, bottom))]


def near(colours, expected, tolerance=40) -> bool:
    wanted = [ImageColor.getrgb(name) for name in expected.split()]
    return bool(np.abs(np.subtract(colours, wanted)).max() <= tolerance)


def written(**tags) -> bytes:
    """EXIF as a TIFF: camera, orientation, date and place."""
    made = Image.Exif()
    made[0x010F], made[0x0112] = "Maker", tags.get("orientation", 1)
    made.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    made.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (16.0, 0.0, 0.0)})
    return made.tobytes()[6:]


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def cr3(orientation: int) -> bytes:
    """Canon's RAW: metadata in three boxes, previews behind them."""
    plain = Image.Exif()
    plain[0x010F], plain[0x0112] = "Maker", orientation
    shot, place = Image.Exif(), Image.Exif()
    shot[0x9003] = "2020:01:02 03:04:05"
    place.update({1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (16.0, 0.0, 0.0)})
    parts = ((b"CMT1", plain), (b"CMT2", shot), (b"CMT4", place))
    boxes = b"".join(box(name, each.tobytes()[6:]) for name, each in parts)
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + boxes + box(b"mdat", THUMBNAIL + PREVIEW)


def like_tiff(mark: bytes, orientation: int) -> bytes:
    """A RAW that is a TIFF with another mark at its start."""
    return mark + written(orientation=orientation)[4:] + THUMBNAIL + bytes(99) + PREVIEW + bytes(99)


RAWS = {  # each with quarters in its largest preview, held so that it has to be turned
    "ORF": like_tiff(b"MMOR", 6),
    "CR3": cr3(6),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(80) + odd.encoded(
        "JPEG", odd.quarters(480, 320), quality=95, exif=b"Exif\0\0" + written(orientation=6)
    ),
}  # fmt: skip


@pytest.mark.parametrize("maker", RAWS)
def test_raw_shows_its_largest_preview_with_its_own_metadata(maker):
    picture = opened(RAWS[maker])
    assert picture.format == "RAW"
    assert upright_size(picture) == (320, 480)
    facts = settled(carried_facts(picture))
    assert (facts.taken, facts.camera) == ("2020-01-02T03:04:05", "Maker")
    assert (facts.latitude, facts.longitude) == (48.5, 16.0)
    assert near(corners(upright_rgb(picture)), "blue red white lime")


@pytest.mark.parametrize("thumbnail", [False, True])
@pytest.mark.parametrize(("orientation", "size"), [(1, (480, 360)), (8, (360, 480))])
def test_dng_shows_its_preview(thumbnail, orientation, size):
    image = decode(io.BytesIO(raw("red", thumbnail=thumbnail, orientation=orientation)))
    assert image.size == size
    assert near(corners(image), "red red red red")


@pytest.mark.parametrize("thumbnail", [False, True])
@pytest.mark.parametrize(("orientation", "size"), [(1, (32, 24)), (6, (24, 32))])
def test_dng_without_a_preview_is_decoded_from_the_sensor(thumbnail, orientation, size):
    pytest.importorskip("rawpy")
    content = raw("red", preview=None, thumbnail=thumbnail, orientation=orientation)
    picture = opened(content)
    assert upright_size(picture) == size
    image = upright_rgb(picture)
    assert image.size == size
    assert near(corners(image), "red red red red", 80)
    assert settled(carried_facts(picture)).camera == "Maker Model One"


def test_sensor_of_too_many_pixels_is_not_decoded():
    pytest.importorskip("rawpy")
    with pytest.raises(PictureError, match="over the limit"):
        open_picture(io.BytesIO(raw("red", preview=None)), max_pixels=1000)


def test_noise_that_begins_like_a_jpeg_is_no_preview():
    noise = np.random.default_rng(1).integers(0, 256, 4000, np.uint8).tobytes()
    false = b"".join(b"\xff\xd8\xff" + noise[n : n + 40] for n in range(0, 4000, 40))
    image = decode(io.BytesIO(b"IIU\0" + bytes(40) + false + PREVIEW + false))
    assert near(corners(image), "red lime blue white")


# JPEG XL and TGA


def jpeg_xl(image: Image.Image, **options) -> bytes:
    return pytest.importorskip("pylibjxl").encode(np.asarray(image), lossless=True, **options)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_jpeg_xl_is_decoded(mode):
    picture = odd.quarters() if mode != "L" else odd.greys()
    image = decode(io.BytesIO(jpeg_xl(picture.convert(mode))))
    assert near(corners(image), "red lime blue white" if mode != "L" else "gray silver black white")


def test_jpeg_xl_of_a_turned_jpeg_is_turned_once():
    jpeg = odd.encoded("JPEG", quality=95, exif=odd.held(6))
    picture = opened(pytest.importorskip("pylibjxl").jpeg_to_jxl(jpeg))
    assert upright_size(picture) == (32, 48)
    assert near(corners(upright_rgb(picture)), "blue red white lime")


@pytest.mark.parametrize("change", [lambda whole: whole[:40], lambda whole: whole[:12]])
def test_cut_jpeg_xl_is_damaged(change):
    with pytest.raises(PictureError, match="damaged"):
        decode(io.BytesIO(change(jpeg_xl(odd.quarters()))))


def test_large_jpeg_xl_is_refused_before_it_is_decoded():
    with pytest.raises(PictureError, match="over the limit"):
        open_picture(io.BytesIO(jpeg_xl(odd.quarters())), max_pixels=1000)


@pytest.mark.parametrize("options", [{}, {"compression": "tga_rle"}])
@pytest.mark.parametrize("footer", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_tga_is_known_by_its_header(mode, footer, options):
    content = odd.encoded("TGA", odd.quarters().convert(mode), **options)
    content = content if footer else content[:-26]
    assert is_targa(content)
    assert decode(io.BytesIO(content)).size == (48, 32)


@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"Dear diary, no pictures.", b"\0\0\2" * 20])
def test_other_contents_are_no_tga(content):
    assert not is_targa(content)


@pytest.mark.parametrize("name", sorted(PICTURES - {"RAW", "JPEG XL", "PSD", "HEIF"}))
def test_kind_is_told_by_the_first_bytes(name):
    assert kind_of(odd.encoded(name)[:512]) == name


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", UNKNOWN), (b"BM is no picture", UNKNOWN), (b"P3 is a name", "PPM"),
        (b"PS: thanks", UNKNOWN), (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"), (b"\0\0\0\x14ftypqt  ", "video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"), (b"\xff\xfb\x90\0", "audio file"),
    ],
)  # fmt: skip
def test_kind_of_odd_heads(head, kind):
    assert kind_of(head) == kind


# Frames and pages


def sequence(format: str, *colours: object) -> bytes:
    """Frames in colours; "quarters" is a picture that shows something."""
    frames = [
        odd.quarters() if name == "quarters" else Image.new("RGB", (48, 32), name)
        for name in colours
    ]
    options = {"lossless": True} if format == "WEBP" else {}
    return odd.encoded(
        format, frames[0], save_all=True, append_images=frames[1:], duration=50, **options
    )


SEQUENCES = [
    (("black", "quarters"), "red lime blue white"),
    (("black", "black", "black", "quarters", "black"), "red lime blue white"),
    (("white", "quarters", "white"), "red lime blue white"),
    (("quarters", "black"), "red lime blue white"),
    (("red", "blue"), "red red red red"),
]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize(("colours", "shown"), SEQUENCES)
def test_animation_is_seen_by_a_frame_that_shows_something(format, colours, shown):
    assert near(corners(decode(io.BytesIO(sequence(format, *colours)))), shown)


def test_frame_late_in_a_long_animation_is_found():
    frames = ["black", "#010101"] * 60 + ["quarters"] * 20
    assert near(corners(decode(io.BytesIO(sequence("GIF", *frames)))), "red lime blue white")


def test_later_page_of_another_size_gives_the_size():
    pages = [Image.new("RGB", (90, 70), "white"), odd.quarters()]
    picture = opened(odd.encoded("TIFF", pages[0], save_all=True, append_images=pages[1:]))
    assert upright_size(picture) == (48, 32)


# Colours


def linear(image: Image.Image) -> np.ndarray:
    values = np.asarray(image) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def pq(image: Image.Image, *, nits: float = 203) -> np.ndarray:
    """The values (0 to 1) of an sRGB picture in BT.2020 and PQ, its white at some brightness."""
    light = np.maximum(linear(image) @ TO_BT2020.T, 0) * nits / 10_000
    power = light**0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(image: Image.Image) -> np.ndarray:
    """The same in HLG, for a display of 1000 cd/m²."""
    scene = np.maximum(linear(image) @ TO_BT2020.T * 203 / 1000, 0) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )


def hdr_heic(values: np.ndarray, transfer: int) -> bytes:
    height, width = values.shape[:2]
    data = (values * 65535).round().astype("<u2").tobytes()
    made = pillow_heif.from_bytes(mode="RGB;16", size=(width, height), data=data)
    with io.BytesIO() as buffer:
        made.save(
            buffer, quality=95, color_primaries=9, transfer_characteristics=transfer,
            matrix_coefficients=9, full_range_flag=1,
        )  # fmt: skip
        return buffer.getvalue()


def coded_png(values: np.ndarray, codes: tuple[int, ...]) -> bytes:
    png = odd.encoded("PNG", Image.fromarray((values * 255).round().astype(np.uint8)))
    return png[:33] + odd.chunk(b"cICP", bytes(codes)) + png[33:]


@pytest.mark.parametrize(
    "made",
    [
        lambda image: hdr_heic(pq(image), 16),
        lambda image: hdr_heic(hlg(image), 18),
        lambda image: coded_png(pq(image), (9, 16, 0, 1)),
        lambda image: coded_png(hlg(image), (9, 18, 0, 1)),
    ],
    ids=["PQ HEIC", "HLG HEIC", "PQ PNG", "HLG PNG"],
)
def test_hdr_becomes_srgb(made):
    image = odd.gradient(96, 64)
    shown = np.asarray(decode(io.BytesIO(made(image)))).astype(float)
    assert np.abs(shown - np.asarray(image)).mean() < 5


def test_light_above_white_is_pressed_and_not_cut():
    values = pq(odd.gradient(96, 64), nits=1000)
    shown = np.asarray(decode(io.BytesIO(coded_png(values, (9, 16, 0, 1))))).astype(int)
    assert np.all(np.diff(shown[:, :, 1].max(axis=1)) >= -1)
    assert len(np.unique(shown[:, 0, 1])) > 40
    assert (shown == 255).mean() < 0.1


def test_large_hdr_is_converted_at_the_size_that_is_needed():
    image = odd.gradient(960, 640)
    picture = opened(coded_png(pq(image), (9, 16, 0, 1)))
    shown = upright_rgb(picture, min_side=64)
    assert shown.size == (192, 128)
    expected = np.asarray(image.resize(shown.size, Image.Resampling.BOX)).astype(float)
    assert np.abs(np.asarray(shown) - expected).mean() < 5


def test_wide_colours_become_srgb():
    image = Image.new("RGB", (4, 4), (234, 51, 35))  # sRGB's red in Display P3
    assert near([from_codes(image, ColourCodes(12, 13)).getpixel((0, 0))], "red", 3)


def test_ordinary_codes_change_nothing():
    plain = coded_png(np.asarray(odd.quarters()) / 255, (1, 13, 0, 1))
    assert corners(decode(io.BytesIO(plain))) == corners(odd.quarters())


# Messages of C libraries


def test_library_that_prints_is_not_heard(tmp_path):
    """libtiff complains about its input on standard error, even where no worker decodes."""
    tags = odd.GREY_TIFF | {259: 5}  # LZW, of which the pixels are none
    (tmp_path / "a.tif").write_bytes(odd.tiff(tags, b"\xff" * 256))
    script = (
        "import sys\nfrom indexer.errors import PictureError\n"
        "from indexer.pictures.images import decode\n"
        "try:\n    decode(sys.argv[1])\nexcept PictureError as error:\n    print(error)"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "a.tif")]
    told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize(("number", "packed"), [(50001, "WebP"), (34934, "JPEG XR")])
def test_tiff_packed_in_an_unusual_way_is_not_called_damaged(number, packed):
    with pytest.raises(PictureError, match=f"a TIFF with {packed} inside"):
        decode(io.BytesIO(odd.tiff(odd.GREY_TIFF | {259: number}, bytes(256))))
