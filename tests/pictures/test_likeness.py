"""Likeness: light, size and compression make no difference, a small thing in one place does."""

import io

import numpy as np
import pytest
from command_line import SAMPLE
from PIL import Image, ImageDraw, ImageEnhance

from indexer.pictures.alignment import shared_parts
from indexer.pictures.likeness import difference, is_plain


@pytest.fixture(scope="module")
def photograph():
    with Image.open(SAMPLE / "chinese-pavilion.jpg") as image:
        return image.convert("RGB")


def with_thing(image):
    """A copy with a disc of a twentieth of the width."""
    copy = image.copy()
    left, top = image.width // 3, image.height // 2
    ImageDraw.Draw(copy).ellipse((left, top, left + image.width // 20, top + 25), "orange")
    return copy


def again(image, quality):
    with io.BytesIO() as packed:
        image.save(packed, "JPEG", quality=quality)
        return Image.open(packed).convert("RGB")


COPIES = {
    "saved again": lambda image: again(image, 40),
    "smaller": lambda image: image.resize((image.width // 2, image.height // 2)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "so bright that levels are cut off": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "in other colours": lambda image: Image.fromarray(
        (np.asarray(image) * [1.0, 0.9, 0.8]).astype(np.uint8)
    ),
}


@pytest.mark.parametrize("made", COPIES)
def test_copy_differs_in_no_part_and_a_small_thing_in_it_shows(photograph, made):
    copy = COPIES[made](photograph)
    assert difference(photograph, copy).none
    assert difference(copy, photograph).none
    assert not difference(photograph, COPIES[made](with_thing(photograph))).none


def test_grain_alone_makes_no_two_pictures_the_same():
    grain = [np.random.default_rng(n).normal(200, 3, (200, 300, 1)) for n in (1, 2)]
    one, other = (
        Image.fromarray(np.repeat(grey, 3, axis=2).clip(0, 255).astype(np.uint8)) for grey in grain
    )
    assert not difference(one, other).none
    assert difference(one, one).none


def test_pictures_of_other_proportions_cannot_be_compared(photograph):
    assert difference(photograph, photograph.resize((200, 300))) is None


def test_turned_shot_is_brought_to_the_same_place(photograph):
    turned = photograph.rotate(2, Image.Resampling.BICUBIC)
    edges = (24, 16, photograph.width - 24, photograph.height - 16)
    moved = turned.crop(edges)
    assert not difference(photograph, moved).none
    assert difference(*shared_parts(photograph, moved)).none
    parts = shared_parts(photograph, with_thing(photograph).rotate(2).crop(edges))
    assert not difference(*parts).none


def test_shots_without_a_shared_part_are_not_aligned(photograph):
    half = photograph.width // 2
    left = photograph.crop((0, 0, half, photograph.height))
    right = photograph.crop((half, 0, 2 * half, photograph.height))
    parts = shared_parts(left, right)
    assert parts is None or not difference(*parts).none


def test_pages_are_plain_and_photographs_are_not(photograph):
    page = Image.new("RGB", (300, 400), "white")
    for line in range(20):
        ImageDraw.Draw(page).line((40, 20 * line, 260, 20 * line), "black", 6)
    assert is_plain(page)
    assert not is_plain(photograph)
