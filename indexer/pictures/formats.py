"""The supported picture formats: their suffixes and names."""

import os

from indexer.kinds.suffixes import RAW_SUFFIXES

_JPEG = "jpg jpeg jpe jfif jif pjpeg pjpg pjp mpo jps"
_HEIF = "heic heif heics heifs hif avif avifs avci"
_OTHERS = "png apng webp gif tif tiff bmp dib jp2 j2k jpf jpx j2c jpc jxl psd tga vda icb vst qoi"
_PORTABLE = "ppm pgm pbm pnm"

SUFFIXES = RAW_SUFFIXES | {
    f".{suffix}" for suffix in f"{_JPEG} {_HEIF} {_OTHERS} {_PORTABLE}".split()
}
BYTE_SUFFIXES = frozenset(os.fsencode(suffix) for suffix in SUFFIXES)  # for paths in bytes
BYTE_RAW_SUFFIXES = frozenset(os.fsencode(suffix) for suffix in RAW_SUFFIXES)

# Only these decoders run: Pillow has others that start programs (EPS) or are rarely tested.
FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF", "DIB"),
    *("JPEG2000", "PSD", "QOI", "PPM"),
)
NAMED = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC, JPEG 2000, JPEG XL, PSD, TGA, QOI, PPM, RAW"
