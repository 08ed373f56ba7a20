"""A library of colours and its copy in a file of milvus-lite, made once."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults import decoding_here
from PIL import Image

from indexer import IndexOptions, Library, index_folder
from indexer.captions import digest
from indexer.encoders import registry
from indexer.library.address import address_of
from indexer.milvus.connection import Connection
from indexer.milvus.loading import load
from indexer.milvus.sources import load_of_library

COLOURS = ("red", "green", "blue", "black", "yellow", "white", "purple", "orange")
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmp:Rating="{rating}" exif:GPSLatitude="48,{minutes}N" exif:GPSLongitude="16,22.2E"
 exif:DateTimeOriginal="20{year}-06-12T10:00:00">
<dc:subject><rdf:Bag><rdf:li>{keyword}</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@dataclass(frozen=True)
class Published:
    """A local library, and the address of its collection."""

    library: Path
    collection: str


def paint_all(folder: Path) -> None:
    for number in range(40):
        colour = COLOURS[number % len(COLOURS)]
        other = COLOURS[number // len(COLOURS)]
        path = folder / ("holidays" if number % 3 else "work") / f"{colour}-{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (16 + number, 12 if number % 2 else 60), colour)
        image.paste(other, (0, 0, 4 + number % 5, 12))
        image.save(path)
        if number % 4:
            said = f"a {colour} boat" if number % 5 else f"Anna and a {other} dog, {number}"
            path.with_suffix(".txt").write_text(said)
        if number % 3 == 1:
            keyword = ("Kenya", "snow fall", "Ärger")[number % 9 // 3]
            facts = {"rating": number % 5 + 1, "minutes": number, "year": 10 + number % 9}
            xmp = XMP.format(keyword=keyword, **facts)
            path.with_suffix(".xmp").write_text(xmp)
        os.utime(path, (1_600_000_000 + 86_400 * number,) * 2)


def run(steps):
    """The result of a generator of progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def publish(library: Path, collection: str, **options):
    connection = Connection(address_of(collection))
    try:
        with Library.open(library, read_only=True) as opened:
            return run(load(connection, load_of_library(opened), **options))
    finally:
        connection.close()


def make(root: Path) -> Published:
    """The library and its collection below a folder."""
    pytest.importorskip("pymilvus", reason="the extra 'cluster' is not installed")
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    with pytest.MonkeyPatch.context() as patch, decoding_here():
        patch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
        patch.setattr(digest, "GRANULE", 0)
        patch.setattr(digest, "AHEAD", 0)
        paint_all(root / "pictures")
        with Library.create(root / "library", encoder="colour") as made:
            index_folder(made, root / "pictures", options=IndexOptions(workers=1))
        collection = f"milvus://{root}/lite.db/colours"
        report = publish(root / "library", collection)
    assert report.added == 40
    return Published(root / "library", collection)
