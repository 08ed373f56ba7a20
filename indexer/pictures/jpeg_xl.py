"""JPEG XL, by libjxl (the extra `jxl`)."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from indexer.kinds.extras import JPEG_XL_EXTRA
from indexer.kinds.signatures import JPEG_XL
from indexer.pictures.optional import has_decoder, missing_decoder

FORMAT = "JXL"


def open_jpeg_xl(content: bytes, check_size: Callable[[int, int], None]) -> Image.Image:
    """Decode a JPEG XL upright; `check_size` is asked with width and height before.

    The decoder turns the pixels, so an orientation in the EXIF has no meaning.
    """
    if not has_decoder(JPEG_XL_EXTRA):
        raise missing_decoder(JPEG_XL, JPEG_XL_EXTRA)
    import pylibjxl

    facts = pylibjxl.probe(content)
    check_size(facts["width"], facts["height"])
    pixels, metadata = pylibjxl.decode(content, metadata=True)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels)
    image.format = FORMAT
    for name, key in (("icc", "icc_profile"), ("exif", "exif"), ("xmp", "xmp")):
        if metadata.get(name):
            image.info[key] = metadata[name]
    return image
