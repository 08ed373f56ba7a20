"""Rows of a store are those that indexing makes."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from indexer import Library, index_folder
from indexer.cluster.encoding import PieceEncoder
from indexer.cluster.listing import Listing
from indexer.cluster.pieces import Piece
from indexer.cluster.places import Place
from indexer.cluster.sources import sources_of
from indexer.cluster.told import Told
from indexer.encoders import load_encoder
from indexer.pictures.pool import DecodingPool
from indexer.shards.reading import records_of_library

RATED = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
)
COLOURS = ("red", "green", "blue", "yellow", "purple", "white", "black")


@pytest.fixture
def varied(pictures):
    """Pictures with captions and facts from tables, sidecars, metadata and names; one is broken."""
    rows = ["file,caption"]
    for number in range(40):
        name = pictures / "2019-08 Rome" / f"{COLOURS[number % 7]}{number}.jpg"
        name.parent.mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[0x010E] = f"it carries {number}"
        Image.new("RGB", (40 + number, 30), COLOURS[number % 7]).save(name, exif=exif)
        rows.append(f"{name.name},a {COLOURS[number % 7]} wall")
        if number % 2:
            name.with_suffix(".txt").write_text(f"beside it {number}")
    Image.new("RGB", (900, 100), "green").save(pictures / "panorama.png")
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (pictures / "captions.csv").write_text("\n".join(rows))
    (pictures / "panorama.xmp").write_text(RATED)
    with tarfile.open(pictures / "0.tar", "w") as tar:
        stored = io.BytesIO()
        Image.new("RGB", (20, 20), "blue").save(stored, "PNG")
        for name, content in (("1.png", stored.getvalue()), ("1.txt", b"in a tar")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return pictures


def encoded(source: str, size: int):
    """The records of a source by relative path, and what was told of its pieces."""
    encoder, told, found = load_encoder("colour"), Told(""), []
    with DecodingPool(encoder.transform, None, workers=1, for_thumbnails=True) as pool:
        pieces = PieceEncoder(encoder, pool)
        [one] = sources_of([source])
        for value in Listing(size, Place("/nowhere"), ()).of(one, lambda count: None):
            if isinstance(value, Piece):
                found += [r for batch in pieces.records(value.content, told) for r in batch]
    assert len({record.relative for record in found}) == len(found)
    return {record.relative: record for record in found}, told


def indexed(folder, path):
    with Library.create(path, encoder="colour") as library:
        index_folder(library, folder)
        return {r.relative: r for batch in records_of_library(library) for r in batch}


@pytest.mark.parametrize("size", [7, 1000])
def test_records_are_those_of_a_library(varied, tmp_path, size):
    ours, told = encoded(str(varied), size)
    library = indexed(varied, tmp_path / "library")
    assert ours == library
    assert not told.problems
    for name, record in ours.items():
        if record.state == "failed":
            assert (name, record.v_i) == (b"broken.jpg", None)
            continue
        other = library[name]
        texts = zip(record.captions, other.captions, strict=True)
        for a, b in ((record.v_i, other.v_i), *((c.v_t, d.v_t) for c, d in texts)):
            assert np.allclose(a, b, atol=1e-3)
    assert ours[b"panorama.png"].rating == 4


def test_a_storage_gives_the_same_records_but_for_its_name(varied, tmp_path):
    ours, told = encoded(f"fsspec+file://{varied}", 9)
    library = indexed(varied, tmp_path / "library")
    assert ours.keys() == library.keys()
    for name, record in ours.items():
        other = library[name]
        assert record.captions == other.captions
        assert record.facts == other.facts
        assert (record.content_hash, record.pixels_hash) == (other.content_hash, other.pixels_hash)
        assert record.columns["taken"] == other.columns["taken"]
        assert record.size == other.size
    assert not told.problems


def test_what_cannot_be_fetched_is_a_row_with_the_reason(pictures):
    names = pictures / "list.txt"
    Image.new("RGB", (20, 20), "blue").save(pictures / "blue.png")
    names.write_text(
        "gone.jpg\nhttp://127.0.0.1:9/a.jpg\nhttp://127.0.0.1:9/a ü.jpg\nhttp://[h/b.jpg\n"
        "http://127.0.0.1:x/c.jpg\ns3://[h/d.jpg\nftp://h/e.jpg\nblue.png\n"
    )
    ours, _ = encoded(str(names), 10)
    assert ours.pop(b"blue.png").state == "present"
    assert {record.state for record in ours.values()} == {"failed"}
    assert len(ours) == 7
    for name in (b"a.jpg", "a ü.jpg".encode()):
        assert "refused" in ours[name].reason
    assert "no storage that picfuse can read" in ours[b"e.jpg"].reason
