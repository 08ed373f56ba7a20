"""Limits on a picture: bytes, pixels, seconds, memory, and how much may be missing."""

GIB = 2**30

MAX_BYTES = 2 * GIB  # of a file: a larger one is a disk image, a film, or nonsense
MAX_PIXELS = 250_000_000  # a phone's 200 megapixels pass; decoded, this is 1 GB
MEMORY_LIMIT = 4 * GIB  # four times what the pixels of MAX_PIXELS take
TIME_LIMIT = 60.0  # seconds per picture
MAX_MISSING = 0.2  # of a JPEG's file, at its end: viewers show it nearly whole
