"""A corpus of odd files and what indexing must make of each: a table, made by script.

`make(folder)` writes all of it. An entry has a path of its own below the folder, something that
writes the file there (and perhaps others beside it), and an outcome. Reasons are the part that
must occur in what the user is told.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import odd_pictures as odd
from odd_raw import raw
from PIL import Image

QUARTERS = "red lime blue white"
DAMAGED, CUT = "damaged: ", "truncated: the file ends before"
BEGINS = "damaged, cut short or unusual: it begins like "
NO_PICTURE = "not a picture (or damaged at its start)"
DRAWING = "not a picture that picfuse reads, but a vector drawing"


@dataclass(frozen=True)
class Indexed:
    """A picture with its size, the colours of its corners (row by row), and all its captions.

    `flaw` begins the warning about a file that lacks something.
    """

    width: int = 48
    height: int = 32
    corners: str | None = QUARTERS
    captions: tuple[str, ...] = ()
    flaw: str = ""


@dataclass(frozen=True)
class Failed:
    """A file that is known, and cannot be used for a reason."""

    reason: str


@dataclass(frozen=True)
class Problem:
    """Something that could not be looked at; no picture."""

    reason: str


@dataclass(frozen=True)
class Ignored:
    """Nothing that picfuse speaks of."""


Outcome: TypeAlias = Indexed | Failed | Problem | Ignored
Make: TypeAlias = Callable[[Path], object]  # bytes that it returns are written to the path


@dataclass(frozen=True)
class Odd:
    """An odd file: its path below the corpus, how it is made, and what must become of it."""

    path: bytes
    make: Make = field(compare=False)
    outcome: Outcome

    @property
    def name(self) -> str:
        """The path, printable."""
        return ascii(os.fsdecode(self.path))[1:-1][:80]


CORPUS: list[Odd] = []


def odd_file(path: str | bytes, outcome: Outcome, make: Make) -> None:
    """Add an entry to the corpus."""
    CORPUS.append(Odd(os.fsencode(path), make, outcome))


def make(folder: Path) -> None:
    """Write the corpus below a folder."""
    for entry in CORPUS:
        path = folder / os.fsdecode(entry.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = entry.make(path)
        if isinstance(content, bytes):
            path.write_bytes(content)


def good(_: Path) -> bytes:
    """An ordinary picture: the file's name or its neighbours are what is odd."""
    return odd.encoded("PNG")


# Every format: whole, cut, with a bit changed, empty, and no picture at all

WHOLE: dict[str, tuple[Callable[[], bytes], Outcome]] = {
    "jpg": (lambda: odd.encoded("JPEG", quality=95, subsampling=0), Indexed()),
    "png": (lambda: odd.encoded("PNG"), Indexed()),
    "webp": (lambda: odd.encoded("WEBP", lossless=True), Indexed()),
    "gif": (lambda: odd.encoded("GIF"), Indexed()),
    "tif": (lambda: odd.encoded("TIFF"), Indexed()),
    "bmp": (lambda: odd.encoded("BMP"), Indexed()),
    "avif": (lambda: odd.encoded("AVIF", quality=95), Indexed()),
    "heic": (odd.heic_bytes, Indexed(128, 96)),
    "jp2": (lambda: odd.encoded("JPEG2000"), Indexed()),
    "qoi": (lambda: odd.encoded("QOI"), Indexed()),
    "ppm": (lambda: odd.encoded("PPM"), Indexed()),
}
NOISE = {"jpg": "JPEG", "tif": "TIFF", "heic": "HEIF", "jp2": "JPEG2000"}
# What half a file is called: some decoders only say that they cannot begin.
HALF = {"jp2": DAMAGED, "webp": "damaged: it ends early", "avif": BEGINS + "AVIF"}
SIGNATURE = {"avif": 4, "heic": 4}  # where the bytes are by which a format is known


def _formats() -> None:
    for suffix, (whole, outcome) in WHOLE.items():
        odd_file(f"whole/a.{suffix}", outcome, lambda _, whole=whole: whole())
        odd_file(f"capitals/A.{suffix.upper()}", outcome, lambda _, whole=whole: whole())
        name, at = NOISE.get(suffix, suffix.upper()), SIGNATURE.get(suffix, 0)
        half = Failed(HALF.get(suffix, CUT))
        odd_file(f"half/a.{suffix}", half, lambda _, name=name: odd.half(odd.noise(name)))
        flipped = lambda _, whole=whole, at=at: odd.flipped(whole(), at)  # noqa: E731
        odd_file(f"flipped/a.{suffix}", Failed(NO_PICTURE), flipped)
        odd_file(f"empty/a.{suffix}", Failed("empty file"), lambda _: b"")
        odd_file(f"text/a.{suffix}", Failed(NO_PICTURE), lambda _: b"Dear diary, no pictures.")


_formats()

# JPEG

JPEG: dict[str, tuple[Outcome, Callable[[], bytes]]] = {
    "progressive": (Indexed(), lambda: odd.encoded("JPEG", progressive=True, quality=95)),
    "grey": (
        Indexed(corners="gray silver black white"),
        lambda: odd.encoded("JPEG", odd.greys(), quality=95),
    ),
    "cmyk": (Indexed(), lambda: odd.encoded("JPEG", odd.quarters().convert("CMYK"), quality=95)),
    "ycck": (Indexed(), odd.ycck),
    "trailing": (Indexed(), lambda: WHOLE["jpg"][0]() + b"garbage\xff\xd8" * 999),
    "no-end": (Indexed(), lambda: WHOLE["jpg"][0]()[:-2]),
    "no-end-noise": (Indexed(60, 40, None), lambda: odd.noise("JPEG")[:-2]),
    "no-end-progressive": (
        Indexed(60, 40, None),
        lambda: odd.noise("JPEG", progressive=True)[:-2],
    ),
    "no-end-turned": (
        Indexed(32, 48, "blue red white lime"),
        lambda: odd.encoded("JPEG", exif=odd.held(6), quality=95)[:-2],
    ),
    "nearly-whole": (Indexed(60, 40, None, flaw="cut short"), lambda: odd.noise("JPEG")[:-40]),
    "nearly-whole-progressive": (Failed(CUT), lambda: odd.noise("JPEG", progressive=True)[:-400]),
    "bit-in-pixels": (
        Indexed(60, 40, None),
        lambda: odd.flipped(odd.noise("JPEG"), len(odd.noise("JPEG")) // 2),
    ),
    "header-only": (Failed(BEGINS + "JPEG"), lambda: b"\xff\xd8\xff\xe0"),
    "wrong-exif": (Indexed(), lambda: odd.with_segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")),
    "looping-exif": (
        Indexed(32, 48, "blue red white lime"),
        lambda: odd.with_segment(0xE1, odd.looping_exif()),
    ),
    "long-comment": (Indexed(), lambda: odd.with_segment(0xFE, b"c" * 65_000)),
    "short-adobe": (Indexed(), lambda: odd.with_segment(0xEE, b"Adobe")),
    "short-jfif": (Indexed(), lambda: odd.with_segment(0xE0, b"JFIF\0")),
    "short-profile": (Indexed(), lambda: odd.with_segment(0xE2, b"ICC_PROFILE\0\1")),
    "wrong-profile": (Indexed(), lambda: odd.with_segment(0xE2, b"ICC_PROFILE\0\1\1junk")),
    "short-photoshop": (Indexed(), lambda: odd.with_segment(0xED, b"Photoshop 3.0\x008BIM\4\4")),
    "wrong-mpf": (Indexed(), lambda: odd.with_segment(0xE2, b"MPF\0junk")),
    "mpo": (Indexed(), lambda: odd.frames("MPO", quality=95, subsampling=0)),
    "really-a-png": (Indexed(), lambda: odd.encoded("PNG")),
    "eps": (
        Failed(DRAWING),
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ),
    "svg": (
        Failed(DRAWING),
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    ),
    "pdf": (Failed("but a document"), lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"),
    "html": (Failed("but a web page (download"), lambda: b"<!DOCTYPE html><html></html>"),
    "lfs": (Failed("git lfs pull"), lambda: b"version https://git-lfs.github.com/spec/v1\noid x"),
    "mp4": (Failed("but a video"), lambda: b"\0\0\0\x18ftypmp42" + bytes(500)),
    "jp2": (Indexed(), lambda: odd.encoded("JPEG2000")),
    "psd": (Indexed(corners="red red red red"), lambda: odd.psd("red")),
    "psd-cut": (Failed(CUT), lambda: odd.half(odd.psd("red"))),
    "raw": (Indexed(480, 360, "red red red red"), raw),
    "tga": (Indexed(), lambda: odd.encoded("TGA")),
}
TURNED = {5: "red blue lime white", 6: "blue red white lime", 7: "white lime blue red",
          8: "lime white red blue"}  # fmt: skip

for _name, (_outcome, _bytes) in JPEG.items():
    odd_file(f"jpeg/{_name}.jpg", _outcome, lambda _, content=_bytes: content())
for _orientation, _corners in TURNED.items():
    odd_file(
        f"jpeg/turned-{_orientation}.jpg",
        Indexed(32, 48, _corners),
        lambda _, held=_orientation: odd.encoded("JPEG", exif=odd.held(held), quality=95),
    )
odd_file("jpeg/really.png", Indexed(), lambda _: WHOLE["jpg"][0]())

# PNG

GREYS = Indexed(corners="gray silver black white")
PNG: dict[str, tuple[Outcome, Callable[[], bytes]]] = {
    "interlaced": (Indexed(), odd.interlaced_png),
    "1-bit": (
        Indexed(corners="black white black white"),
        lambda: odd.encoded("PNG", odd.quarters().convert("1", dither=Image.Dither.NONE)),
    ),
    "16-bit": (Indexed(), odd.deep_png),
    "16-bit-grey": (GREYS, lambda: odd.encoded("PNG", odd.deep_greys())),
    "grey-with-alpha": (GREYS, lambda: odd.encoded("PNG", odd.greys().convert("LA"))),
    "palette-transparent": (
        Indexed(corners="white lime blue white"),
        lambda: odd.encoded("PNG", odd.palette(), transparency=0),
    ),
    "transparent-colour": (
        Indexed(corners="white lime blue white"),
        lambda: odd.encoded("PNG", transparency=(255, 0, 0)),
    ),
    "no-gamma": (Indexed(), lambda: odd.with_chunk(b"gAMA", b"\0\0\0\0")),
    "short-gamma": (Indexed(), lambda: odd.with_chunk(b"gAMA", b"\0")),
    "empty-profile": (Indexed(), lambda: odd.with_chunk(b"iCCP", b"")),
    "wrong-profile": (Indexed(), lambda: odd.with_chunk(b"iCCP", b"x\0\0junk")),
    "large-profile": (Indexed(), lambda: odd.with_chunk(b"iCCP", odd.packed(2 * 2**20))),
    "profile-bomb": (Indexed(), lambda: odd.with_chunk(b"iCCP", odd.packed(32 * 2**20))),
    "large-text": (Indexed(), lambda: odd.with_chunk(b"zTXt", odd.packed(2 * 2**20))),
    "text-bomb": (Indexed(), lambda: odd.with_chunk(b"zTXt", odd.packed(32 * 2**20))),
    "many-texts": (Indexed(), lambda: odd.with_chunks(*[(b"zTXt", odd.packed(2**23))] * 10)),
    "short-transparency": (Indexed(), lambda: odd.with_chunk(b"tRNS", b"\0")),
    "short-resolution": (Indexed(), lambda: odd.with_chunk(b"pHYs", b"\0")),
    "checksum-of-text": (Indexed(), lambda: odd.with_chunk(b"tEXt", b"Title\0x", crc=b"----")),
    "checksum-of-pixels": (Indexed(), lambda: odd.flipped(odd.encoded("PNG"), -14)),
    "checksum-of-header": (
        Failed(BEGINS + "PNG"),
        lambda: odd.flipped(odd.encoded("PNG"), 30),
    ),
    "bit-in-pixels": (
        Failed("damaged: "),
        lambda: odd.flipped(odd.noise("PNG"), len(odd.noise("PNG")) // 2),
    ),
    "no-end": (Indexed(), lambda: odd.encoded("PNG")[:-12]),
    "animated": (Indexed(), lambda: odd.frames("PNG")),
    "1x1": (Indexed(1, 1, None), lambda: odd.encoded("PNG", odd.quarters(1, 1))),
    "1x20000": (Indexed(1, 20_000, None), lambda: odd.encoded("PNG", odd.quarters(1, 20_000))),
    "20000x1": (Indexed(20_000, 1, None), lambda: odd.encoded("PNG", odd.quarters(20_000, 1))),
}
odd_file(
    "png/claims-huge.png",
    Failed("50000 x 50000 pixels is over the limit"),
    lambda path: odd.png_claiming(path, 50_000, 50_000),
)
for _name, (_outcome, _bytes) in PNG.items():
    odd_file(f"png/{_name}.png", _outcome, lambda _, content=_bytes: content())

# GIF, WebP, TIFF, BMP, AVIF, HEIC

PIXELS = bytes(256)
SQUARE = Indexed(32, 32)
GREY = Indexed(16, 16, "black black black black")
TOP = 16 * (16 * b"\0\0\xff" + 16 * b"\0\xff\0")  # rows of a BMP: red and lime
BOTTOM = 16 * (16 * b"\xff\0\0" + 16 * b"\xff\xff\xff")
RLE = 16 * b"\x10\3\x10\0\0\0" + 16 * b"\x10\1\x10\2\0\0" + b"\0\1"
OTHERS: dict[str, tuple[Outcome, Callable[[], bytes]]] = {
    "animated.gif": (Indexed(), lambda: odd.frames("GIF")),
    "frame-without-size.gif": (
        Failed(DAMAGED),
        lambda: odd.gif(4, 4, frame=(0, 0), data=b"\x84\x51"),
    ),
    "screen-without-size.gif": (
        Indexed(4, 4, "red red red red"),
        lambda: odd.gif(0, 0, data=b"\x84\x8f\xa9\xcb\x05"),
    ),
    "wrong-lzw.gif": (Failed(DAMAGED), lambda: odd.gif(4, 4, data=b"\xff" * 9)),
    "no-pixels.gif": (Failed(CUT), lambda: odd.gif(4, 4)),
    "no-end.gif": (Indexed(), lambda: odd.encoded("GIF")[:-1]),
    "animated.webp": (Indexed(), lambda: odd.frames("WEBP", lossless=True)),
    "lossy.webp": (Indexed(48, 32, None), lambda: odd.encoded("WEBP", quality=80)),
    "several-pages.tif": (Indexed(), lambda: odd.frames("TIFF")),
    "tiled.tif": (GREY, lambda: odd.tiff(odd.TILED_TIFF, PIXELS)),
    "lzw.tif": (Indexed(), lambda: odd.encoded("TIFF", compression="tiff_lzw")),
    "jpeg.tif": (Indexed(), lambda: odd.encoded("TIFF", compression="jpeg", quality=95)),
    "float.tif": (
        Indexed(corners="gray silver black white"),
        lambda: odd.encoded("TIFF", odd.float_greys()),
    ),
    "directory-beyond-the-end.tif": (
        Failed(BEGINS + "TIFF"),
        lambda: odd.tiff(odd.GREY_TIFF, PIXELS, first=9_999),
    ),
    "pixels-beyond-the-end.tif": (
        Failed(CUT),
        lambda: odd.tiff(odd.GREY_TIFF | {273: 99_999}, PIXELS),
    ),
    "looping.tif": (GREY, lambda: odd.tiff(odd.GREY_TIFF, PIXELS, following=8)),
    "huge.tif": (Failed("over the limit"), lambda: odd.tiff(odd.GREY_TIFF | {256: 2**31}, PIXELS)),
    "no-rows.tif": (Failed(DAMAGED), lambda: odd.tiff(odd.GREY_TIFF | {278: 0}, PIXELS)),
    "unknown-compression.tif": (
        Failed(BEGINS + "TIFF"),
        lambda: odd.tiff(odd.GREY_TIFF | {259: 4_242}, PIXELS),
    ),
    "top-down.bmp": (SQUARE, lambda: odd.bmp(-32, TOP + BOTTOM)),
    "bottom-up.bmp": (SQUARE, lambda: odd.bmp(32, BOTTOM + TOP)),
    "rle.bmp": (
        Indexed(32, 32, "red lime blue black"),
        lambda: odd.bmp(32, RLE, compression=1, bits=8),
    ),
    "rle-cut.bmp": (Failed(CUT), lambda: odd.bmp(32, RLE[:90], compression=1, bits=8)),
    "1-bit.bmp": (
        Indexed(corners="black white black white"),
        lambda: odd.encoded("BMP", odd.quarters().convert("1", dither=Image.Dither.NONE)),
    ),
    "cut-late.avif": (Failed(CUT), lambda: odd.noise("AVIF")[:-99]),
    "cut-late.heic": (Failed(CUT), lambda: odd.heic_bytes()[:-99]),
}
for _name, (_outcome, _bytes) in OTHERS.items():
    odd_file(f"others/{_name}", _outcome, lambda _, content=_bytes: content())

# Names

NAMES: list[tuple[str | bytes, Outcome]] = [
    ("line\nbreak.png", Indexed()),
    ("tab\there.png", Indexed()),
    (b"caf\xe9.png", Indexed()),
    (b"\xff\xfe\xed\xa0\x80.png", Indexed()),
    ("\N{CAT FACE}\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}.png", Indexed()),
    ("x" * 251 + ".png", Indexed()),
    ("-rf.png", Indexed()),
    ("--json.png", Indexed()),
    (" . . .png", Indexed()),
    ("space .png", Indexed()),
    ("spaced.png ", Indexed()),
    ("...png", Ignored()),
    (".png", Ignored()),
    ("png", Indexed()),
    ("two.png.jpg", Indexed()),
    ("\u202egnp.exe.png", Indexed()),
    ("\x1b[31mred\x1b[0m\x07.png", Indexed()),
    ('it\'s "a\\b" $(c) `d` *?[e].png', Indexed()),
    ("Case.png", Indexed()),
    ("case.PNG", Indexed()),
    ("stra\xdfe.png", Indexed()),
    ("STRASSE.png", Indexed()),
]
for _path, _outcome in NAMES:
    odd_file(b"names/" + os.fsencode(_path), _outcome, good)
odd_file(b"deep/" + (b"d" * 254 + b"/") * 15 + b"a.png", Indexed(), good)


def _too_deep(path: Path) -> None:
    """Nest folders beyond what any path can name, with a picture in the last."""
    path.mkdir()
    inner = os.open(path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("e" * 250, dir_fd=inner)
        outer, inner = inner, os.open("e" * 250, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(os.open("a.png", os.O_CREAT, dir_fd=inner))
    os.close(inner)


odd_file("beyond", Problem("File name too long"), _too_deep)

# What the file system can hold besides files


def sparse(size: int) -> Make:
    """Write a file of nothing that takes no room."""

    def write(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return write


def link(target: str) -> Make:
    """Write a link."""
    return lambda path: path.symlink_to(target)


def _closed(path: Path) -> None:
    path.write_bytes(good(path))
    path.chmod(0)


def _two_names(path: Path) -> None:
    path.write_bytes(good(path))
    os.link(path, path.with_name("second.png"))


CLOSED = b"files/closed.png"  # an ordinary file to root

odd_file("files/pipe.jpg", Problem("not a regular file"), os.mkfifo)
odd_file(
    "files/socket.jpg",
    Problem("not a regular file"),
    lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
)
odd_file("files/folder.jpg", Ignored(), lambda path: path.mkdir())
odd_file("files/album.jpg/a.png", Indexed(), good)
odd_file("files/loop.jpg", Problem("a link to itself"), link("loop.jpg"))
odd_file("files/dangling.jpg", Problem("a broken link"), link("gone.jpg"))
odd_file("files/dangling", Ignored(), link("gone"))
odd_file("files/link.png", Indexed(), link("first.png"))
odd_file("files/first.png", Indexed(), _two_names)
odd_file("files/second.png", Indexed(), lambda _: None)
odd_file("files/up", Ignored(), link(".."))
odd_file("files/device.jpg", Problem("not a regular file"), link("/dev/zero"))
odd_file(CLOSED, Failed("permission denied"), _closed)
odd_file("files/sparse.jpg", Failed(NO_PICTURE), sparse(300 * 2**20))
odd_file("files/huge.jpg", Failed("3.0 GiB is over the limit"), sparse(3 * 2**30))

# Captions


def captioned(
    folder: str, file: str, content: str | bytes | object, *captions: str, problem: str = ""
) -> None:
    """Add a picture `a.png` and a caption file beside it, in a folder of their own."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    written = content if isinstance(content, bytes) else content.encode()
    odd_file(f"captions/{folder}/a.png", Indexed(captions=captions), good)
    outcome = Problem(problem) if problem else Ignored()
    odd_file(f"captions/{folder}/{file}", outcome, lambda _: written)


HTML = "<b>bold</b> & <script>alert(1)</script> <img src=x onerror=alert(1)>"
MARKDOWN = "# [a](javascript:alert(1)) ![b](http://127.0.0.1/c.png) `d` **e** :red[f] $g$"
WORDS = "word " * 200_000
DEEP = b"[" * 100_000
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><d>&h;</d></x:xmpmeta>""" % b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 99) for name in b"bcdefgh"
)
EXTERNAL = b"""<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><d>&a;</d></x:xmpmeta>"""
LINES = b'{"file_name": "a.png", "text": "a red door"}\nnot json\n'

captioned("html", "a.txt", HTML, HTML)
captioned("markdown", "a.txt", MARKDOWN, MARKDOWN)
captioned("ansi", "a.txt", "\x1b[31ma red\x1b[0m wall\x1b]0;title\x07 \x9b1m\x08", "a red wall")
captioned("bidi", "a.txt", "left \u202eright\u202c", "left \u202eright\u202c")
captioned("latin-1", "a.txt", b"caf\xe9 at night", "caf\xe9 at night")
captioned("utf-16", "a.txt", "caf\xe9 at night".encode("utf-16"), "caf\xe9 at night")
captioned("nul", "a.txt", b"a red\0wall", problem="NUL characters")
captioned("surrogates", "a.json", b'{"caption": "a red\\ud800 \\udfffwall"}', "a red wall")
captioned("nul-in-json", "a.json", {"caption": "a red\0wall"}, "a red wall")
captioned("megabyte", "a.txt", WORDS, WORDS[:1999])
captioned("beyond-megabyte", "a.txt", WORDS + "!", problem="larger than 1,000,000 bytes")
captioned("labelme", "a.json", {"shapes": [{"label": "dog"}], "imageData": "A" * 1_100_000})
captioned("long-json", "a.json", {"caption": WORDS + "!"}, problem="larger than 1,000,000 bytes")
captioned("archive", "captions.csv", b"PK\3\4" + bytes(99), problem="save it as CSV")
captioned("laughs", "a.xmp", LAUGHS, problem="declares entities")
captioned("external", "a.xmp", EXTERNAL, problem="declares entities")
captioned("wrong-xml", "a.xmp", b"<x:xmpmeta><rdf:RDF>", problem="not valid XMP")
captioned("deep", "a.json", b'{"caption": ' + DEEP, problem="nested too deeply")
captioned("deep-list", "all.json", b'[{"caption": ' + DEEP, problem="nested too deeply")
captioned("deep-other", "a.json", DEEP)
captioned("cut-json", "a.json", b'{"caption": "a red', problem="not valid JSON")
captioned("number", "a.json", {"caption": 1e999, "text": ["a red wall", 7, None]}, "a red wall")
captioned("lines", "metadata.jsonl", LINES, "a red door", problem="line 2 is not a JSON object")
captioned("deep-line", "metadata.jsonl", LINES[:45] + DEEP, "a red door", problem="line 2")
captioned("nul-in-table", "captions.csv", b"file,caption\na.png,a\0b\n", problem="NUL characters")
captioned("long-cell", "captions.csv", b"file,caption\na.png,%s\n" % (b"x" * 200_000), "x" * 2_000)
captioned("unrelated", "other.txt", "nothing about the picture")

for _kind, _packet in {"laughs": LAUGHS, "external": EXTERNAL, "nothing": b"\0"}.items():
    odd_file(
        f"embedded/{_kind}.jpg",
        Indexed(),
        lambda _, xmp=_packet: odd.encoded("JPEG", quality=95, subsampling=0, xmp=xmp),
    )

# The same letters spelt in two ways are two files, and a table may name either.
for _spelling, _text in (("\xe9", "composed"), ("e\u0301", "combining")):
    odd_file(f"accents/{_spelling}.png", Indexed(captions=(_text,)), good)
odd_file(
    "accents/captions.csv",
    Ignored(),
    lambda _: "file,caption\n\xe9.png,composed\ne\u0301.png,combining\n".encode(),
)
