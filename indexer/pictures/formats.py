"""The supported picture formats: their suffixes and names."""

import os

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".avif", ".heic", ".heif"}) | frozenset(
    {".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
)
BYTE_SUFFIXES = frozenset(os.fsencode(suffix) for suffix in SUFFIXES)  # for paths in bytes

# Only these decoders run: Pillow has others that start programs (EPS) or are rarely tested.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
