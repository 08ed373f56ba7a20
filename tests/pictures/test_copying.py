"""Copying: a copy leaves nothing over, a change of a digit's size does."""

import io

import numpy as np
import pytest
from command_line import SAMPLE
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from indexer.pictures.copying import Exposure, remainder
from indexer.pictures.quantisation import NO_STEPS, steps_of, unexplained
from search.ranking.looks import exposed


@pytest.fixture(scope="module")
def photograph():
    with Image.open(SAMPLE / "chinese-pavilion.jpg") as image:
        return image.convert("RGB").resize((480, 320))


def page(text="Total 3071", grain=None):
    image = Image.new("RGB", (480, 640), (244, 244, 240))
    for line in range(18):
        said = text if line == 7 else f"{line * 7919 % 997} things {line * 37 % 50}.00"
        ImageDraw.Draw(image).text(
            (40, 30 + 32 * line), said, (40, 40, 40), ImageFont.load_default(20)
        )
    if grain is None:
        return image
    noise = np.random.default_rng(grain).normal(0, 9, (640, 480, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def snow(grain):
    noise = np.random.default_rng(grain).normal(0, 6, (320, 480, 1))
    return Image.fromarray((225 + noise).repeat(3, axis=2).clip(0, 255).astype(np.uint8))


def stamped(image, date):
    copy = image.copy()
    place = (image.width - 70, image.height - 26)
    ImageDraw.Draw(copy).text(place, date, "#ffe14d", ImageFont.load_default(13))
    return copy


def saved(image, quality=90, **options):
    with io.BytesIO() as file:
        image.save(file, "JPEG", quality=quality, **options)
        return file.getvalue()


def halved(image):
    return image.resize((image.width // 2, image.height // 2))


def sideways(image, quality=90):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a turn by 90 degrees clockwise
    return saved(image.transpose(Image.Transpose.ROTATE_90), quality, exif=exif)


COPIES = {
    "saved again": lambda image: saved(image, 50),
    "half the size": lambda image: saved(halved(image), 85),
    "by another filter": lambda image: saved(
        image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX), 90
    ),
    "darker": lambda image: saved(ImageEnhance.Brightness(image).enhance(0.7)),
    "so bright that levels are cut off": lambda image: saved(
        ImageEnhance.Brightness(image).enhance(1.3)
    ),
    "turned by EXIF": sideways,
}


@pytest.mark.parametrize("made", COPIES)
def test_copies_leave_nothing_over_and_another_date_in_them_does(photograph, made):
    one, other = (stamped(photograph, date) for date in ("'98 3 17", "'98 5 17"))
    first = exposed(saved(one, 92))
    with io.BytesIO(saved(one, 92)) as file:
        decoded = Image.open(file).convert("RGB")
    assert remainder(first, exposed(COPIES[made](decoded))).none
    assert not remainder(first, exposed(COPIES[made](other))).none


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (page(grain=1), page("Total 8071", grain=2)),
        (page(), page("Total 8071")),
        (snow(1), snow(2)),
    ],
    ids=["noisy scans", "pages", "snow"],
)
@pytest.mark.parametrize("quality", [50, 88])
@pytest.mark.parametrize("made", [halved, Image.Image.copy])
def test_another_digit_and_another_grain_are_no_copy(one, other, quality, made):
    first, again = saved(one, 92), saved(made(one), quality)
    assert not remainder(exposed(first), exposed(saved(made(other), quality))).none
    assert not remainder(exposed(again), exposed(saved(made(other), quality))).none


@pytest.mark.parametrize("image", [page(grain=1), snow(1)], ids=["noisy scan", "snow"])
@pytest.mark.parametrize("made", [halved, Image.Image.copy])
def test_copies_of_grain_are_found(image, made):
    with io.BytesIO(saved(image, 95)) as file:
        decoded = Image.open(file).convert("RGB")
    assert remainder(exposed(saved(image, 95)), exposed(saved(made(decoded), 85))).none


def test_too_few_and_too_coarsely_saved_pixels_cannot_exclude_a_change(photograph):
    small = photograph.resize((132, 88))
    first = exposed(saved(stamped(small, "'98"), 92))
    assert not remainder(first, exposed(saved(stamped(small, "'98"), 40))).none
    assert not remainder(exposed(saved(photograph)), exposed(saved(photograph.resize((20, 14)))))


def test_pictures_of_other_proportions_are_not_compared(photograph):
    one, other = (Exposure(image) for image in (photograph, photograph.resize((200, 300))))
    assert remainder(one, other) is None


def test_only_jpegs_have_steps_and_a_lower_quality_has_larger_ones(photograph):
    fine, coarse = (steps_of(Image.open(io.BytesIO(saved(photograph, n)))) for n in (90, 50))
    assert (coarse.grey >= fine.grey).all()
    assert coarse.coarseness > 4 * fine.coarseness
    assert fine.halved
    assert steps_of(photograph) is NO_STEPS


def test_rounding_explains_half_a_step_and_no_more():
    wave = np.cos(np.pi * (2 * np.arange(8) + 1) / 16)[None] * np.ones((8, 1))
    difference = np.float32(wave * 10 / np.sqrt(np.square(wave).sum()))  # one wave, 10 levels
    steps = np.full((8, 8), 16, np.float32)
    assert unexplained(difference, steps).item() == pytest.approx(
        (10 - 8 - 0.5) ** 2 / 64, rel=1e-3
    )
    assert unexplained(difference, 2 * steps).item() == 0
