"""Blocks of metadata, made by script: EXIF, IPTC and XMP of small pictures."""

import io
import struct

from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "xmpDM": "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
}


def xmp(body: str = "", attributes: str = "") -> bytes:
    """A packet with one description."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in SPACES.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {attributes}>{body}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def bag(name: str, *items: str) -> str:
    """A property that holds a list."""
    listed = "".join(f"<rdf:li>{item}</rdf:li>" for item in items)
    return f"<{name}><rdf:Bag>{listed}</rdf:Bag></{name}>"


def exif(
    zero: dict | None = None, camera: dict | None = None, gps: dict | None = None
) -> Image.Exif:
    """EXIF with tags of the picture, of the camera and of the receiver."""
    block = Image.Exif()
    for tag, value in (zero or {}).items():
        block[tag] = value
    block.get_ifd(0x8769).update(camera or {})
    block.get_ifd(0x8825).update(gps or {})
    return block


def sixtieths(degrees: int, minutes: int, seconds: int = 0, under: int = 1) -> tuple:
    """Degrees, minutes and seconds, the last over a number that may be 0."""
    return IFDRational(degrees), IFDRational(minutes), IFDRational(seconds, under)


def picture(format: str = "JPEG", **options: object) -> bytes:
    """A small picture with metadata, as Pillow saves them."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, format, **options)
    return stream.getvalue()


def png(**texts: str) -> bytes:
    """A PNG with texts by their keys."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    return picture("PNG", pnginfo=info)


def with_iptc(*fields: tuple[int, bytes]) -> bytes:
    """A JPEG with data sets of the second record of IPTC."""
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, n, len(v)) + v for n, v in fields)
    data += b"\0" * (len(data) % 2)
    block = b"Photoshop 3.0\x008BIM" + struct.pack(">HHI", 0x0404, 0, len(data)) + data
    jpeg = picture()
    return jpeg[:2] + struct.pack(">BBH", 0xFF, 0xED, len(block) + 2) + block + jpeg[2:]
