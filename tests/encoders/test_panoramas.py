"""Panoramas and scrolls: looked at in overlapping parts, of which one embedding is made."""

from itertools import pairwise

import numpy as np
import pytest
from colour_encoder import ColourEncoder
from PIL import Image

from indexer import IndexOptions, index_folder
from indexer.catalogue.values import unpack
from indexer.embedding import IMAGE
from indexer.encoders.parts import encode_with_parts, of_parts
from indexer.pictures.parts import NO_PARTS, parts_of, transformed_parts
from search import Searcher

ENCODER = ColourEncoder("colour", "1")


def numbered(width: int, height: int) -> Image.Image:
    """A picture whose pixels along the longer side tell their place, from 0 to 255."""
    long = max(width, height)
    line = (np.arange(long) * 255 // (long - 1)).astype(np.uint8)
    pixels = np.tile(line, (min(width, height), 1))
    return Image.fromarray(pixels if width >= height else pixels.T).convert("RGB")


@pytest.mark.parametrize(
    ("size", "number"),
    [
        ((200, 200), 0), ((250, 100), 0), ((100, 250), 0), ((251, 100), 5), ((400, 100), 7),
        ((100, 400), 7), ((100, 1000), 16), ((20_000, 100), 16), ((20_000, 1), 0), ((300, 40), 0),
    ],
)  # fmt: skip
def test_parts_overlap_and_cover_the_picture(size, number):
    parts = parts_of(numbered(*size))
    assert len(parts) == number
    spans = [np.asarray(part)[..., 0] for part in parts]
    if spans:
        assert (spans[0].min(), spans[-1].max()) == (0, 255)
    for one, next_one in pairwise(spans):
        middle = (int(one.min()) + int(one.max())) / 2
        assert next_one.min() <= middle + 2
    assert all(min(part.size) == min(size) for part in parts)


def test_picture_of_ordinary_shape_has_no_parts():
    assert transformed_parts(ENCODER.transform, numbered(200, 100)) is NO_PARTS


def test_part_that_differs_counts_more_than_the_others():
    rows = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    plain = rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0))
    row = of_parts(rows)
    assert row[1] > 2 * plain[1]
    assert np.linalg.norm(row) == pytest.approx(1)


def test_only_pictures_with_parts_are_encoded_by_them():
    pixels = np.zeros((2, 8, 8, 3), np.uint8)
    pixels[0, ..., 0] = 255
    parts = np.zeros((3, 8, 8, 3), np.uint8)
    parts[:, ..., 2] = 255
    rows = encode_with_parts(ENCODER, pixels, [NO_PARTS, parts])
    assert np.array_equal(rows[0], ENCODER.encode_images(pixels[:1])[0])
    assert rows[1] == pytest.approx([0, 0, 1, 0, 0])


@pytest.fixture
def panorama(pictures):
    """A long picture in blue with something red in it."""
    image = Image.new("RGB", (800, 100), "blue")
    image.paste("red", (500, 0, 600, 100))
    image.save(pictures / "panorama.png")
    return pictures / "panorama.png"


def test_something_small_in_a_panorama_is_found(library, panorama, paint):
    paint("violet.png", (70, 0, 185))
    index_folder(library, panorama.parent, options=IndexOptions(workers=1))
    assert Searcher(library).search("red").hits[0].path == panorama


def test_query_and_library_see_a_panorama_alike(library, panorama):
    index_folder(library, panorama.parent, options=IndexOptions(workers=1))
    (info,) = library.catalogue.pictures(library.catalogue.present_ids()).values()
    found = library.embeddings.of_contents(library.encoder_id, IMAGE, [info.content_hash])
    (stored,) = unpack(list(found.values()), 5)
    image = Image.open(panorama)
    parts = transformed_parts(ENCODER.transform, image)
    row = encode_with_parts(ENCODER, ENCODER.transform(image)[None], [parts])[0]
    assert stored == pytest.approx(row, abs=1e-3)
