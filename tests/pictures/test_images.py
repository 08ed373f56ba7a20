"""Finding, decoding and hashing pictures."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import odd_pictures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_pictures import close
from PIL import Image, ImageCms

from indexer.errors import PictureError
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.found import FoundPicture, ScanProblem
from indexer.pictures.hashes import content_hash, hash_bytes
from indexer.pictures.images import decode, open_picture, upright_size
from indexer.pictures.limits import MAX_PIXELS
from indexer.pictures.scan import scan
from indexer.pictures.transform import ImageTransform


def pixel(image: Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    assert image.mode == "RGB"
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


# Decoding: orientation, modes, formats


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_upright_by_its_exif_orientation(tmp_path, orientation, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    source = odd_pictures.oriented(tmp_path / "held.png", orientation)
    with Image.open(source) as stored:
        exif = stored.getexif()
        pixels = stored.convert("RGB")
    path = saved(tmp_path / f"held{suffix}", pixels, exif=exif, **options)
    # Where the stored picture's top left corner (red) and bottom left corner (blue) belong.
    width, height = (3, 2) if orientation < 5 else (2, 3)
    right, bottom = width - 1, height - 1
    red, blue = {
        1: ((0, 0), (0, bottom)),
        2: ((right, 0), (right, bottom)),
        3: ((right, bottom), (right, 0)),
        4: ((0, bottom), (0, 0)),
        5: ((0, 0), (right, 0)),
        6: ((right, 0), (0, 0)),
        7: ((right, bottom), (0, bottom)),
        8: ((0, bottom), (right, bottom)),
    }[orientation]

    image = decode(path)

    assert image.size == (width, height)
    assert pixel(image, *red) == (255, 0, 0)
    assert pixel(image, *blue) == (0, 0, 255)
    assert upright_size(open_picture(path)) == (width, height)


def test_rotated_picture_no_longer_claims_its_orientation(tmp_path):
    image = decode(odd_pictures.oriented(tmp_path / "held.png", 6))
    assert image.getexif().get(odd_pictures.ORIENTATION) is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_spoil_the_pixels(tmp_path):
    path = odd_pictures.jpeg(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert decode(path).size == (64, 48)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 100, (100, 100, 100)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (0, 128), (127, 127, 127)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 255, 51), (204, 204, 255)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 128 * 257, (128, 128, 128)),
        ("I;16", 300, (1, 1, 1)),
    ],
)
def test_png_of_every_mode_becomes_rgb_on_white(tmp_path, mode, colour, expected):
    path = saved(tmp_path / "a.png", Image.new(mode, (4, 4), colour))
    assert pixel(decode(path)) == expected


def test_transparent_palette_colour_is_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.putpixel((1, 0), 1)
    path = saved(tmp_path / "a.png", image, transparency=0)
    assert [pixel(decode(path), x) for x in (0, 1)] == [(255, 255, 255), (200, 100, 0)]


def test_opaque_palette_keeps_its_colours(tmp_path):
    image = Image.new("P", (1, 1))
    image.putpalette([10, 20, 30])
    assert pixel(decode(saved(tmp_path / "a.gif", image))) == (10, 20, 30)


@pytest.mark.parametrize(
    ("dtype", "value", "white", "expected"),
    [
        (np.float32, 0.5, 1.0, 128),
        (np.float32, 100.0, 255.0, 100),
        (np.float32, 0.0, -10.0, 255),
        (np.int32, 128 * 257, 65535, 128),
        (np.int32, 50_000_000, 100_000_000, 128),
    ],
)
def test_numbers_beyond_eight_bits_are_scaled_not_cut_off(tmp_path, dtype, value, white, expected):
    numbers = np.array([[value, white, 0]], dtype)
    path = saved(tmp_path / "a.tif", Image.fromarray(numbers))
    assert pixel(decode(path)) == (expected,) * 3


def test_not_a_number_is_black(tmp_path):
    numbers = np.array([[np.nan, 1.0]], np.float32)
    assert pixel(decode(saved(tmp_path / "a.tif", Image.fromarray(numbers)))) == (0, 0, 0)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])  # Adobe's JPEGs hold CMYK inverted
def test_cmyk_becomes_rgb(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", Image.new("CMYK", (16, 16), (0, 255, 255, 0)))
    assert np.abs(np.subtract(pixel(decode(path)), (255, 0, 0))).max() <= 3


def test_lab_becomes_rgb(tmp_path):
    red = Image.new("RGB", (4, 4), (200, 30, 30))
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(red, *profiles, outputMode="LAB")
    lab.info = {}
    path = saved(tmp_path / "a.tif", lab)
    with Image.open(path) as stored:
        assert stored.mode == "LAB"
    assert np.abs(np.subtract(pixel(decode(path)), (200, 30, 30))).max() <= 4


def test_colour_profile_is_applied(tmp_path):
    # A profile whose red and green channels have changed places, made from sRGB's own.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    tags = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * count, 12)}
    profile[tags[b"rXYZ"] : tags[b"rXYZ"] + 4], profile[tags[b"gXYZ"] : tags[b"gXYZ"] + 4] = (
        b"gXYZ",
        b"rXYZ",
    )
    named = bytes(profile).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    path = saved(tmp_path / "a.png", Image.new("RGB", (4, 4), (255, 0, 0)), icc_profile=named)
    assert np.abs(np.subtract(pixel(decode(path)), (0, 255, 0))).max() <= 2


@pytest.mark.parametrize("kind", ["broken", "of another colour space"])
def test_colour_profile_that_does_not_fit_is_ignored(tmp_path, kind):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profile = b"no profile at all" if kind == "broken" else lab
    path = saved(tmp_path / "a.png", Image.new("RGB", (4, 4), (9, 8, 7)), icc_profile=profile)
    assert pixel(decode(path)) == (9, 8, 7)


@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [(".bmp", 0), (".tif", 0), (".png", 0), (".webp", 4), (".jfif", 4), (".jpg", 4), (".avif", 4)],
)
def test_every_format_is_decoded(tmp_path, suffix, tolerance):
    picture = odd_pictures.gradient(64, 48)
    assert close(decode(saved(tmp_path / f"a{suffix}", picture)), picture, tolerance)


def test_heic_is_decoded(tmp_path):
    picture = odd_pictures.gradient(64, 48)
    assert close(decode(odd_pictures.heic(tmp_path / "a.heic", picture)), picture, 4)


def test_contents_decide_the_format_not_the_suffix(tmp_path):
    path = saved(tmp_path / "really-a-png.jpg", Image.new("RGB", (2, 2), "red"), format="PNG")
    assert pixel(decode(path)) == (255, 0, 0)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_first_frame_of_an_animation_is_the_picture(tmp_path, suffix):
    path = odd_pictures.animation(tmp_path / f"a{suffix}", "red", "lime", "blue")
    assert pixel(decode(path)) == (255, 0, 0)


def test_picture_is_decoded_from_an_open_file_and_any_kind_of_path(tmp_path):
    path = odd_pictures.jpeg(tmp_path / "a.jpg")
    sources = [path, str(path), os.fsencode(path), io.BytesIO(path.read_bytes())]
    assert len({decode(source).tobytes() for source in sources}) == 1


# Decoding: the scale of a JPEG


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 700), height=st.integers(1, 700), min_side=st.integers(1, 300))
def test_jpeg_is_decoded_at_the_smallest_scale_that_serves(width, height, min_side):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG")
    buffer.seek(0)

    image = decode(buffer, min_side=min_side)

    scale = next(s for s in (1, 2, 4, 8) if image.size == (-(-width // s), -(-height // s)))
    assert scale == 1 or min(image.size) >= min_side
    assert scale == 8 or min(width, height) < min_side * scale * 2


def test_full_size_is_the_default(tmp_path):
    assert decode(odd_pictures.jpeg(tmp_path / "a.jpg", 640, 480)).size == (640, 480)


# Decoding: what a file can get wrong


def reason(path: Path, **options) -> str:
    with pytest.raises(PictureError) as caught:
        decode(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_truncated_jpeg_is_an_error(tmp_path):
    assert reason(odd_pictures.truncated_jpeg(tmp_path / "a.jpg")).startswith("truncated: ")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif", ".tif", ".avif", ".bmp"])
def test_half_a_file_is_an_error_in_every_format(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "copy it again" in reason(path) or "not a picture" in reason(path)


def test_empty_file_is_an_error(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert reason(tmp_path / "a.jpg").startswith("empty file")


def test_text_named_jpg_is_not_a_picture(tmp_path):
    (tmp_path / "a.jpg").write_text("Dear diary, today I took no pictures.")
    assert reason(tmp_path / "a.jpg").startswith("not a picture")


def test_postscript_is_not_run(tmp_path):
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    assert reason(tmp_path / "a.jpg").startswith("not a picture")


def test_picture_over_the_limit_is_refused_from_its_header(tmp_path):
    path = odd_pictures.png_claiming(tmp_path / "a.png", 50_000, 50_000)
    assert reason(path) == (
        "50000 x 50000 pixels is over the limit of 250,000,000 (to index it anyway: --max-pixels)"
    )


def test_limit_lets_a_phone_through_and_can_be_changed(tmp_path):
    assert MAX_PIXELS >= 16_320 * 12_240
    path = odd_pictures.png_claiming(tmp_path / "a.png", 16_320, 12_240)
    assert open_picture(path).size == (16_320, 12_240)
    assert "limit of 1,000 " in reason(path, max_pixels=1000)


def test_missing_file_and_folder_are_errors(tmp_path):
    assert reason(tmp_path / "gone.jpg").startswith("no such file")
    assert reason(tmp_path).startswith("not a regular file")


def test_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert reason(tmp_path / "a.jpg").startswith("not a regular file")


def test_file_without_read_permission_is_an_error(tmp_path, monkeypatch):
    path = odd_pictures.jpeg(tmp_path / "a.jpg")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("indexer.pictures.images.os.open", refuse)
    assert reason(path).startswith("permission denied")


# Transforms


def test_squash_ignores_the_aspect_ratio():
    picture = odd_pictures.gradient(400, 100)
    pixels = ImageTransform(64, "squash", "bicubic")(picture)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    squashed = picture.resize((64, 64), Image.Resampling.BICUBIC)
    assert np.abs(pixels.astype(int) - np.asarray(squashed)).max() <= 1


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), size=st.integers(8, 128))
def test_shortest_equals_scaling_and_then_cutting_out_the_centre(width, height, size):
    picture = odd_pictures.gradient(width, height)
    short = min(width, height)
    scaled_size = width * size // short, height * size // short
    left, top = (round((side - size) / 2) for side in scaled_size)
    scaled = picture.resize(scaled_size, Image.Resampling.BILINEAR)
    expected = np.asarray(scaled.crop((left, top, left + size, top + size))).astype(int)

    pixels = ImageTransform(size, "shortest", "bilinear")(picture)

    assert pixels.shape == (size, size, 3)
    # Reductions to a quarter and less go through `reducing_gap`, which may differ a little.
    assert np.abs(pixels - expected).max() <= (1 if short < 3 * size else 12)


def test_longest_pads_the_rest_with_the_fill_value():
    picture = Image.new("RGB", (200, 100), "red")
    pixels = ImageTransform(40, "longest", "bicubic", fill=7)(picture)
    assert pixels.shape == (40, 40, 3)
    assert (pixels[:10] == 7).all()
    assert (pixels[30:] == 7).all()
    assert (pixels[10:30] == (255, 0, 0)).all()


@pytest.mark.parametrize("resize", ["squash", "shortest", "longest"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (60_000, 2)])
def test_extreme_pictures_are_transformed(resize, size):
    picture = Image.new("RGB", size, "red")
    assert ImageTransform(32, resize, "bicubic")(picture).shape == (32, 32, 3)


# Hashes


def test_content_hash_is_blake2b_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)
    expected = hashlib.blake2b(content, digest_size=16).digest()
    assert content_hash(tmp_path / "a") == content_hash(os.fsencode(tmp_path / "a")) == expected
    assert hash_bytes(content) == expected


# Scanning


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")


def found(folder: Path, **options) -> list[str]:
    return [
        os.fsdecode(item.relative) if isinstance(item, FoundPicture) else item.reason
        for item in scan(folder, **options)
    ]


def test_pictures_are_found_below_a_folder_in_order(tmp_path):
    touch(tmp_path, "z.jpg", "b/2.PNG", "b/1.heic", "a.webp", "b/c/deep.avif", "notes.txt", "jpg")
    assert found(tmp_path) == ["a.webp", "b/1.heic", "b/2.PNG", "b/c/deep.avif", "z.jpg"]


def test_found_picture_has_size_and_time_of_its_file(tmp_path):
    touch(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(0, 1_234_567_890_123_456_789))
    assert list(scan(tmp_path)) == [FoundPicture(b"a.jpg", 5, 1_234_567_890_123_456_789)]


def test_hidden_nas_thumbnail_and_archive_folders_are_skipped(tmp_path):
    touch(tmp_path, ".hidden.jpg", "._a.jpg", ".git/a.jpg", "@eaDir/a.jpg", "b/@eaDir/c/a.jpg")
    touch(tmp_path, "__MACOSX/a.jpg", "b/__MACOSX/c/a.jpg")
    assert found(tmp_path) == []


def test_hidden_folder_that_is_named_is_scanned(tmp_path):
    touch(tmp_path, ".pictures/a.jpg")
    assert found(tmp_path / ".pictures") == ["a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.png", ["a.jpg", "raw/c.jpg", "trip/raw/d.jpg"]),
        ("raw", ["a.jpg", "b.png"]),
        ("raw/", ["a.jpg", "b.png"]),
        ("trip/raw", ["a.jpg", "b.png", "raw/c.jpg"]),
        ("trip/*", ["a.jpg", "b.png", "raw/c.jpg"]),
        ("[ac].jpg", ["b.png", "trip/raw/d.jpg"]),
    ],
)
def test_excluded_names_and_paths_are_skipped(tmp_path, pattern, left):
    touch(tmp_path, "a.jpg", "b.png", "raw/c.jpg", "trip/raw/d.jpg")
    assert found(tmp_path, exclude=Exclusion([pattern])) == left


def test_links_are_followed_but_never_in_circles(tmp_path):
    touch(tmp_path, "pictures/sub/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "pictures/sub/up").symlink_to(tmp_path / "pictures")
    (tmp_path / "pictures/aside").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pictures/link.jpg").symlink_to(tmp_path / "elsewhere/b.jpg")
    assert found(tmp_path / "pictures") == ["link.jpg", "sub/a.jpg", "aside/b.jpg"]


def test_own_path_wins_over_one_through_a_link(tmp_path):
    touch(tmp_path, "z/a.jpg")
    (tmp_path / "a-link").symlink_to(tmp_path / "z")
    assert found(tmp_path) == ["z/a.jpg"]


def test_link_that_leads_nowhere_is_a_problem(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    [problem] = scan(tmp_path)
    assert isinstance(problem, ScanProblem)
    assert problem.path == os.fsencode(tmp_path / "a.jpg")
    assert problem.reason.startswith("no such file")


def test_link_to_itself_is_a_problem(tmp_path):
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert [type(item) for item in scan(tmp_path)] == [ScanProblem]


def test_named_pipe_is_a_problem(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert found(tmp_path) == ["not a regular file (only files are read)"]


def test_missing_folder_is_a_problem(tmp_path):
    [problem] = scan(tmp_path / "gone")
    assert isinstance(problem, ScanProblem)
    assert problem.path == os.fsencode(tmp_path / "gone")


def test_folder_without_read_permission_is_one_problem_and_the_rest_is_found(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "closed/2.jpg", "z/3.jpg")
    scandir = os.scandir

    def guarded(path):
        if os.fsencode(path).endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("indexer.pictures.scan.os.scandir", guarded)
    reason = "permission denied (make it readable for this user)"
    assert found(tmp_path) == ["a/1.jpg", reason, "z/3.jpg"]


def test_names_may_be_any_bytes(tmp_path):
    names = [b"caf\xe9.jpg", b"line\nbreak.jpg", "é☃.jpg".encode()]
    root = os.fsencode(tmp_path)
    for name in names:
        odd_pictures.jpeg(tmp_path / "plain.jpg").rename(os.fsdecode(root + b"/" + name))

    items = [
        item
        for item in scan(tmp_path, exclude=Exclusion(["*.png"]))
        if isinstance(item, FoundPicture)
    ]

    assert sorted(item.relative for item in items) == sorted(names)
    for item in items:
        path = root + b"/" + item.relative
        assert decode(path).size == (64, 48)
        assert len(content_hash(path)) == 16


def test_folders_may_be_nested_deeper_than_calls(tmp_path):
    # Linux takes no path of more than 4,096 bytes: 1,500 levels of two bytes fit.
    folders = [os.fspath(tmp_path) + "/d" * depth for depth in range(1, 1501)]
    for folder in folders:
        os.mkdir(folder)  # noqa: PTH102 - pathlib is slow on such paths
    try:
        odd_pictures.jpeg(tmp_path / "a.jpg").rename(folders[-1] + "/a.jpg")
        assert found(tmp_path) == ["d/" * 1500 + "a.jpg"]
    finally:  # pytest could not remove them
        os.unlink(folders[-1] + "/a.jpg")  # noqa: PTH108
        for folder in reversed(folders):
            os.rmdir(folder)  # noqa: PTH106


def test_import_needs_no_torch():
    program = "import sys, indexer.pictures.images; print('torch' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert output.stdout.split() == [b"False"]
