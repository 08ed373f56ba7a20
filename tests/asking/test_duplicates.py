"""Duplicates: the same bytes, the same picture, a similar shot; of real photographs."""

import io
import shutil

import numpy as np
import pytest
from command_line import SAMPLE, answered, run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from indexer import Library, index_folder
from indexer.embedding import unit_rows
from indexer.errors import InputError
from indexer.pictures.hashes import perceptual_hash
from search.duplicates import SAME_BITS, Tier, _similar, find_duplicates


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photographs of the sample library, and variants of one of them; a library of all."""
    folder = tmp_path_factory.mktemp("album")
    names = sorted(path for path in SAMPLE.rglob("*.jpg"))[:12]
    for path in names:
        shutil.copy(path, folder / path.name)
    original = Image.open(names[0]).convert("RGB")
    width, height = original.size
    shutil.copy(names[0], folder / "copy.jpg")
    original.resize((width // 2, height // 2)).save(folder / "small.jpg", quality=80)
    original.save(folder / "poor.jpg", quality=30)
    ImageEnhance.Brightness(original).enhance(1.2).save(folder / "bright.jpg")
    _turned(original).save(folder / "turned.jpg", exif=_sideways())
    edge = width // 20, height // 20, width - width // 20, height - height // 20
    original.crop(edge).save(folder / "cropped.jpg")
    with Library.create(tmp_path_factory.mktemp("library") / "l") as library:
        index_folder(library, folder)
    return names[0].name, tmp_path_factory.getbasetemp(), library.path


def _turned(image):
    return image.transpose(Image.Transpose.ROTATE_90)


def _sideways():
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it by a quarter, clockwise
    return exif


def _names(library, tier):
    with Library.open(library, read_only=True) as opened:
        return [
            {copy.path.name for copy in group.pictures} for group in find_duplicates(opened, tier)
        ]


def test_identical_ones_have_the_same_bytes(album):
    name, _, library = album
    assert _names(library, Tier.IDENTICAL) == [{name, "copy.jpg"}]


def test_the_same_picture_is_known_by_its_look_whatever_its_file(album):
    name, _, library = album
    (group,) = _names(library, Tier.SAME)
    variants = {"copy.jpg", "small.jpg", "poor.jpg", "bright.jpg", "turned.jpg"}
    assert group - {"cropped.jpg"} == {name} | variants


def test_a_part_of_a_picture_is_similar_to_it(album):
    name, _, library = album
    (group,) = [g for g in _names(library, Tier.SIMILAR) if name in g]
    assert group >= {name, "copy.jpg", "small.jpg", "poor.jpg", "bright.jpg", "cropped.jpg"}


def test_the_best_copy_has_most_pixels_and_then_the_largest_file(album):
    _, _, library = album
    with Library.open(library, read_only=True) as opened:
        (group,) = find_duplicates(opened, Tier.SAME)
    ranked = [(copy.width * copy.height, copy.size) for copy in group.pictures]
    assert ranked == sorted(ranked, reverse=True)
    assert group.pictures[-1].path.name == "small.jpg"


def test_the_command_lists_groups_for_people_and_for_scripts(album):
    _, _, library = album
    fields = answered("duplicates", "--library", library)
    assert fields["tier"] == "same"
    (group,) = fields["groups"]
    said = run("duplicates", "--library", library).stdout.splitlines()
    assert [line.split()[-1] for line in said] == [copy["path"] for copy in group]
    assert [" best " in line for line in said] == [n == 0 for n in range(len(group))]
    spare = run("duplicates", "-0", "--library", library).stdout.split("\0")
    assert spare == [copy["path"] for copy in group[1:]] + [""]


def test_a_library_without_any_says_so(home):
    result = run("duplicates", "--library", home)
    assert result.exit_code == 1
    assert "no duplicates" in result.stderr


@pytest.fixture
def home(colour_pictures, tmp_path):
    """A library of five pictures that differ."""
    with Library.create(tmp_path / "home", encoder="colour") as library:
        index_folder(library, colour_pictures)
    return tmp_path / "home"


def test_pictures_whose_hash_is_not_known_yet_are_not_alike_for_that():
    v_i = unit_rows(np.array([[1, 0], [0.9, 0.43]], np.float32))  # a cosine of 0.90
    rows = np.arange(2)
    assert len(_similar(np.zeros((2, 8), np.uint8), rows, v_i)) == 0
    assert len(_similar(np.ones((2, 8), np.uint8), rows, v_i)) == 1
    assert perceptual_hash(Image.new("RGB", (64, 48), "green")) == bytes(8)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(20, 95), st.floats(0.4, 1.0))
def test_a_hash_outlives_recompression_and_resizing(seed, quality, scale):
    """Of pictures with large shapes, as photographs have them."""
    shapes = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(shapes).resize((400, 300), Image.Resampling.BICUBIC)
    packed = io.BytesIO()
    smaller = image.resize((round(400 * scale), round(300 * scale)))
    smaller.save(packed, "JPEG", quality=quality)
    hashes = [perceptual_hash(im) for im in (image, Image.open(packed).convert("RGB"))]
    differing = int.from_bytes(hashes[0]) ^ int.from_bytes(hashes[1])
    assert differing.bit_count() <= SAME_BITS


def test_tier_may_be_named(colour_library):
    named = find_duplicates(colour_library, "identical")
    assert named == find_duplicates(colour_library, Tier.IDENTICAL)
    with pytest.raises(InputError, match="no tier 'alike'; use identical, same, similar"):
        find_duplicates(colour_library, "alike")
