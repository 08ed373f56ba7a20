"""Limits on a picture: bytes, pixels, seconds and memory."""

GIB = 2**30

MAX_BYTES = 2 * GIB  # of a file: what holds more is a disk image, a film, or nothing at all
MAX_PIXELS = 250_000_000  # a phone's 200 megapixels pass; decoded, this is 1 GB
MEMORY_LIMIT = 4 * GIB  # four times what the pixels of MAX_PIXELS take
TIME_LIMIT = 60.0  # seconds for one picture
