"""Any pixel format that Pillow decodes, as sRGB with eight bits a channel."""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from indexer.pictures.colour_codes import ColourCodes, from_codes

CODES = "picfuse: colour codes"  # in the facts of an opened picture
_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
_LAB = ImageCms.createProfile("LAB")


def to_srgb(image: Image.Image) -> Image.Image:
    """Return a decoded picture in sRGB, on white where it is transparent.

    Integers of 16 bits are scaled, not clipped. Other numbers are taken as 0 to 1, 0 to 255 or 0
    to 65535, the first range that holds them all, otherwise stretched from least to greatest. An
    embedded colour profile is applied if it fits the pixels, and ignored otherwise. Without one,
    the code points count that `image.info[CODES]` holds: HDR and wide colours become sRGB.
    """
    codes = image.info.get(CODES)
    profile = image.info.get("icc_profile")
    opaque = _opaque(image)
    converter = _converter(profile, opaque.mode) if profile or opaque.mode == "LAB" else None
    if converter is not None:
        converted = ImageCms.applyTransform(opaque, converter)
        assert converted is not None  # it is None only for work in place
        return converted
    rgb = opaque if opaque.mode == "RGB" else opaque.convert("RGB")
    if isinstance(codes, ColourCodes) and codes.differ and not profile:
        return from_codes(rgb, codes)
    return rgb


def _opaque(image: Image.Image) -> Image.Image:
    """Return RGB, L, CMYK or LAB pixels without transparency."""
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image)
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode in _SPACES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    premultiplied = {"RGBa": "RGBA", "La": "LA"}.get(image.mode)
    layered = (image.convert(premultiplied) if premultiplied else image).convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layered, mask=layered.getchannel("A"))
    return white


def _eight_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    return Image.fromarray(_scaled(values.astype(np.float32)))


def _scaled(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535:
        top = (high - low) or 1.0
    else:
        low = 0.0
        top = next(top for top in (1.0, 255.0, 65535.0) if high <= top)
    scaled: NDArray[np.float32] = np.rint((values - low) * (255.0 / top))
    return scaled.astype(np.uint8)


@lru_cache(maxsize=16)  # a folder's pictures share a few profiles; building one takes milliseconds
def _converter(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the conversion of a profile to sRGB; None if it is needless or unsafe."""
    try:
        source = _LAB if mode == "LAB" else _profile(profile or b"", mode)
        if source is None:
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # a broken profile is no reason to lose the picture


def _profile(content: bytes, mode: str) -> ImageCms.ImageCmsProfile | None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    if profile.profile.xcolor_space.strip() != _SPACES[mode]:
        return None
    already = (profile.profile.profile_description or "").startswith("sRGB")
    return None if already else profile
