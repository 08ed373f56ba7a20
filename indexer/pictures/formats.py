"""The picture formats that are read: their suffixes and names."""

import os

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".avif", ".heic", ".heif"}) | frozenset(
    {".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
)
BYTE_SUFFIXES = frozenset(os.fsencode(suffix) for suffix in SUFFIXES)  # as paths of bytes have them

# Only these decoders run: Pillow knows others that start programs (EPS) or are seldom tested.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
