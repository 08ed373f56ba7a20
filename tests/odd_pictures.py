"""Odd and bad picture files, made by script: nothing binary is stored with the tests."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

ORIENTATION = 0x0112


def gradient(width: int, height: int) -> Image.Image:
    """Make a picture whose four corners differ, smooth enough to survive lossy formats."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([x, y, 255 - x]).astype(np.uint8))


def jpeg(path: Path, width: int = 64, height: int = 48, **options: object) -> Path:
    """Write an ordinary JPEG."""
    gradient(width, height).save(path, "JPEG", **options)
    return path


def oriented(path: Path, orientation: int) -> Path:
    """Write a picture of 3 x 2 pixels, red top left, whose EXIF says how it was held."""
    pixels = np.full((2, 3, 3), 255, np.uint8)
    pixels[0, 0] = 255, 0, 0
    pixels[1, 0] = 0, 0, 255
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def taken(path: Path, when: str) -> Path:
    """Write a JPEG that says when it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = when
    gradient(40, 30).save(path, "JPEG", exif=exif)
    return path


def truncated_jpeg(path: Path) -> Path:
    """Write the first half of a JPEG."""
    jpeg(path, 200, 150)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def png_claiming(path: Path, width: int, height: int, *, rows: int = 0) -> Path:
    """Write a tiny 1-bit PNG whose header claims a size; `rows` of it are there, all black."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + (width + 7) // 8) * rows))
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def heic(path: Path, image: Image.Image) -> Path:
    """Write a HEIC as a phone does."""
    pillow_heif.from_pillow(image).save(path, quality=95)
    return path


def animation(path: Path, *colours: str) -> Path:
    """Write an animation of plain frames; the suffix decides the format."""
    frames = [Image.new("RGB", (16, 12), colour) for colour in colours]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    return path
