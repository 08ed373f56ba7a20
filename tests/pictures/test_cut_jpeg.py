"""JPEGs that end early: indexed with a flaw if hardly anything is missing, otherwise refused."""

import io

import numpy as np
import pytest
from PIL import Image

from indexer.errors import PictureError
from indexer.pictures.images import missing_of, open_picture, upright_rgb


def jpeg(mode="RGB", **options) -> bytes:
    shape = (240, 160) if mode == "L" else (240, 160, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


KINDS = {"plain": jpeg(), "progressive": jpeg(progressive=True), "grey": jpeg("L")}


def decoded(content: bytes, share: float, min_side: int):
    picture = open_picture(io.BytesIO(content[: int(len(content) * (1 - share))]))
    return upright_rgb(picture, min_side=min_side), missing_of(picture)


@pytest.mark.parametrize("min_side", [0, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_little_is_decoded_and_known_to_lack_it(kind, min_side):
    image, missing = decoded(KINDS[kind], 0.03, min_side)
    whole, none = decoded(KINDS[kind], 0, min_side)
    assert none == 0 < missing < 0.2
    top = np.asarray(image)[: image.height // 2], np.asarray(whole)[: image.height // 2]
    assert np.abs(top[0].astype(int) - top[1].astype(int)).mean() < 8


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_more_than_a_fifth_is_refused(kind, share):
    with pytest.raises(PictureError, match="truncated"):
        decoded(KINDS[kind], share, 0)
