"""Odd and bad picture files, made by script: nothing binary is stored with the tests."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
from hypothesis import strategies as st
from PIL import Image, ImageOps

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
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks))
    return path


def chunk(name: bytes, content: bytes) -> bytes:
    """Frame a chunk of a PNG."""
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


# Whole files as bytes


def quarters(width: int = 48, height: int = 32) -> Image.Image:
    """Make a picture of four plain quarters: red and lime above blue and white."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste("red", (0, 0, width // 2, height // 2))
    picture.paste("lime", (width // 2, 0, width, height // 2))
    picture.paste("blue", (0, height // 2, width // 2, height))
    return picture


def greys() -> Image.Image:
    """Make a picture of four greys: 128 and 192 above black and white."""
    picture = Image.new("L", (48, 32), 255)
    for grey, corner in ((128, (0, 0)), (192, (24, 0)), (0, (0, 16))):
        picture.paste(grey, (*corner, corner[0] + 24, corner[1] + 16))
    return picture


def deep_greys() -> Image.Image:
    """Make `greys` with 16 bits."""
    return Image.fromarray(np.asarray(greys()).astype(np.uint16) * 257)


def float_greys() -> Image.Image:
    """Make `greys` of numbers from 0 to 1."""
    return Image.fromarray(np.asarray(greys()).astype(np.float32) / 255)


def palette() -> Image.Image:
    """Make `quarters` with a palette whose first colour is red."""
    picture = quarters().quantize(4)
    order = sorted(range(4), key=lambda n: picture.getpalette()[3 * n : 3 * n + 3] != [255, 0, 0])
    return picture.remap_palette(order)


def held(orientation: int) -> Image.Exif:
    """Make EXIF that says how a picture was held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def encoded(format: str, picture: Image.Image | None = None, **options: object) -> bytes:
    """Encode a picture (`quarters` by default) as any format that Pillow writes."""
    with io.BytesIO() as buffer:
        (picture or quarters()).save(buffer, format, **options)
        return buffer.getvalue()


def noise(format: str, **options: object) -> bytes:
    """Encode a picture that no format can make small."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    return encoded(format, Image.fromarray(pixels), **options)


def half(content: bytes) -> bytes:
    """Cut a file in the middle."""
    return content[: len(content) // 2]


def flipped(content: bytes, position: int) -> bytes:
    """Change one bit of a file."""
    changed = bytearray(content)
    changed[position] ^= 0x10
    return bytes(changed)


def with_chunk(name: bytes, content: bytes, *, crc: bytes | None = None) -> bytes:
    """Encode a PNG with one more chunk behind its header, perhaps with a wrong checksum."""
    png = encoded("PNG")
    added = chunk(name, content)
    return png[:33] + (added[:-4] + crc if crc else added) + png[33:]


def with_chunks(*parts: tuple[bytes, bytes]) -> bytes:
    """Encode a PNG with more chunks behind its header."""
    png = encoded("PNG")
    return png[:33] + b"".join(chunk(*part) for part in parts) + png[33:]


def packed(size: int) -> bytes:
    """Make a named and compressed text or profile of nothing."""
    return b"name\0\0" + zlib.compress(bytes(size))


def with_segment(marker: int, content: bytes) -> bytes:
    """Encode a JPEG with one more segment at its start."""
    jpg = encoded("JPEG", quality=95, subsampling=0)
    return jpg[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + jpg[2:]


def looping_exif() -> bytes:
    """Make EXIF whose directory says "turn me" and is its own successor and its own child."""
    turned = struct.pack(">HHIHH", ORIENTATION, 3, 1, 6, 0)
    child = struct.pack(">HHII", 0x8769, 4, 1, 8)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + turned + child + struct.pack(">I", 8)


def ycck() -> bytes:
    """Encode a JPEG as Photoshop does for print: YCbCr and black, all inverted."""
    bands = ImageOps.invert(quarters()).convert("YCbCr").split()
    stored = Image.merge("CMYK", [*map(ImageOps.invert, bands), Image.new("L", (48, 32))])
    jpg = encoded("JPEG", stored, quality=95)
    transform = jpg.index(b"Adobe") + 11
    return jpg[:transform] + b"\2" + jpg[transform + 1 :]


def interlaced_png() -> bytes:
    """Make a PNG that is stored in Adam7's seven passes, as `quarters`."""
    pixels = np.asarray(quarters())
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2),
              (1, 2, 0, 1))  # fmt: skip
    rows = [
        b"\0" + row.tobytes()
        for top, down, left, right in passes
        for row in pixels[top::down, left::right]
    ]
    header = struct.pack(">IIBBBBB", 48, 32, 8, 2, 0, 0, 1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def deep_png() -> bytes:
    """Make a PNG of 16 bits a channel, as `quarters`."""
    pixels = np.asarray(quarters()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(">u2"))
    header = struct.pack(">IIBBBBB", 48, 32, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def gif(width: int, height: int, *, frame: tuple[int, int] = (4, 4), data: bytes = b"") -> bytes:
    """Make a GIF of two colours whose screen, frame and compressed pixels need not agree."""
    screen = struct.pack("<6sHHBBB6s", b"GIF89a", width, height, 0x80, 0, 0, b"\xff\0\0\0\0\xff")
    image = struct.pack("<BHHHHBB", 0x2C, 0, 0, *frame, 0, 2)
    return screen + image + (bytes([len(data)]) + data if data else b"") + b"\0;"


def tiff(tags: dict[int, int], data: bytes = b"", *, following: int = 0, first: int = 8) -> bytes:
    """Make a TIFF from the numbers in its directory; its pixels lie at `TIFF_DATA`."""
    fields = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    head = struct.pack("<2sHIH", b"II", 42, first, len(tags)) + fields
    return (head + struct.pack("<I", following)).ljust(TIFF_DATA, b"\0") + data


TIFF_DATA = 512
GREY_TIFF = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: TIFF_DATA, 277: 1, 278: 16, 279: 256}
TILED_TIFF = {tag: GREY_TIFF[tag] for tag in (256, 257, 258, 259, 262, 277)} | {
    322: 16,
    323: 16,
    324: TIFF_DATA,
    325: 256,
}


def bmp(height: int, pixels: bytes, *, compression: int = 0, bits: int = 24) -> bytes:
    """Make a BMP of 32 x |height| pixels; with 8 bits, colours 0 to 3 are black and `quarters`."""
    palette = struct.pack("<4I", 0, 0xFF0000, 0x00FF00, 0x0000FF) if bits == 8 else b""
    start = 54 + len(palette)
    head = struct.pack("<2sIII", b"BM", start + len(pixels), 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, 32, height, 1, bits, compression, len(pixels), 0, 0,
                       len(palette) // 4, 0)  # fmt: skip
    return head + info + palette + pixels


def heic_bytes() -> bytes:
    """Encode `quarters` as HEIC."""
    with io.BytesIO() as buffer:
        pillow_heif.from_pillow(quarters(128, 96)).save(buffer, quality=95)
        return buffer.getvalue()


def frames(format: str, **options: object) -> bytes:
    """Encode `quarters` and a black picture as one file."""
    black = [Image.new("RGB", (48, 32))]
    return encoded(format, save_all=True, append_images=black, **options)


def close(image: Image.Image, expected: Image.Image, tolerance: float) -> bool:
    """Whether two pictures have one size and differ by little in the mean."""
    difference = np.asarray(image).astype(float) - np.asarray(expected)
    return image.size == expected.size and float(np.abs(difference).mean()) <= tolerance


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """The content cut off somewhere, or with some bits of it turned over."""
    if draw(st.booleans()):
        return content[: draw(st.integers(0, len(content) - 1))]
    changed = bytearray(content)
    for place in draw(st.sets(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        changed[place] ^= draw(st.integers(1, 255))
    return bytes(changed)


def plain(format: str, colour: str) -> bytes:
    """Encode a picture of one colour."""
    return encoded(format, Image.new("RGB", (48, 32), colour))


def heic_of(colour: str) -> bytes:
    """Encode a HEIC of one colour."""
    with io.BytesIO() as buffer:
        pillow_heif.from_pillow(Image.new("RGB", (64, 64), colour)).save(buffer, quality=95)
        return buffer.getvalue()


def psd(colour: str) -> bytes:
    """Make a Photoshop file of one colour, without layers: Pillow cannot write one."""
    pixels = np.asarray(Image.new("RGB", (48, 32), colour)).transpose(2, 0, 1)
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 32, 48, 8, 3)
    return head + bytes(12) + struct.pack(">H", 0) + pixels.tobytes()
