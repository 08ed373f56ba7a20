"""Pictures in tar archives: found, decoded, searched and refused without being unpacked."""

import io
import json
import tarfile

import pytest
from PIL import Image
from test_pipeline import captions, encoded, index, numbers

from indexer.captions.writing import write_caption
from indexer.errors import InputError
from indexer.kinds.members import is_member
from indexer.pictures import images
from search import Searcher
from search.duplicates import Tier, find_duplicates
from search.export.folder import put_into
from search.query.pictures import read_query_picture


def picture(colour):
    Image.new("RGB", (16, 12), colour).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


SHARD = {
    "000001.png": picture("red"), "000001.txt": b"a red wall",
    "000001.json": json.dumps({"caption": "a red wall", "url": "x"}).encode(),
    "./000002.png": picture("blue"), "000002.cls": b"door", "000002.npy": b"\x93NUMPY",
    "sub/green.png": picture("green"), "sub/green.cls": b"7",
    "../out.png": picture("black"), "/abs.png": picture("black"), ".hidden/a.png": picture("black"),
}  # fmt: skip
NAMES = ["shard.tar/000001.png", "shard.tar/000002.png", "shard.tar/sub/green.png"]


def shard(path, files=SHARD):
    """Write an archive of these files, and of links to the first of them."""
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "000001.png")):
            info = tarfile.TarInfo(f"link-{kind.decode()}.png")
            info.type, info.linkname = kind, target
            tar.addfile(info)
    return path


@pytest.fixture
def archived(library, pictures):
    """A library of an archive of three pictures."""
    shard(pictures / "shard.tar")
    assert numbers(index(library, pictures)) == (3, 0, 0, 0, 0)
    return library


def paths(library, pictures, query, **options):
    hits = Searcher(library).search(query, **options).hits
    return [str(hit.path.relative_to(pictures)) for hit in hits]


def test_pictures_of_an_archive_are_searched_with_the_captions_beside_them(archived, pictures):
    assert captions(archived) == {
        "000001.png": ("a red wall",),
        "000002.png": ("door",),
        "green.png": (),
    }
    assert paths(archived, pictures, "green")[0] == NAMES[2]
    assert sorted(paths(archived, pictures, "red", where="folder: shard.tar")) == NAMES
    assert paths(archived, pictures, "red", where="folder: shard.tar/sub") == [NAMES[2]]
    assert sorted(each.name for each in pictures.iterdir()) == ["shard.tar"]
    assert images.decode(pictures / NAMES[1]).getpixel((0, 0)) == (0, 0, 255)
    assert len(list(archived.thumbnails.rglob("*.*"))) == 3
    passed = {path.name: kind for path, kind, _ in archived.passed_over.everything()}
    assert list(passed) == ["000002.npy"]


def test_changed_archive_is_read_again_and_only_what_is_new_is_encoded(archived, pictures):
    assert numbers(index(archived)) == (0, 3, 0, 0, 0)
    encoded(archived)
    shard(
        pictures / "shard.tar", SHARD | {"000001.txt": b"a wall", "000003.png": picture("yellow")}
    )
    assert numbers(index(archived)) == (1, 2, 1, 0, 0)
    assert encoded(archived)[0] == 1
    assert captions(archived)["000001.png"] == ("a wall", "a red wall")
    (pictures / "shard.tar").unlink()
    assert numbers(index(archived))[3] == 4


def test_cut_archive_gives_what_is_whole_and_is_told(library, pictures):
    whole = shard(pictures / "shard.tar").read_bytes()
    (pictures / "shard.tar").write_bytes(whole[: whole.index(picture("green")) + 5])
    (pictures / "none.tar").write_bytes(b"no archive")
    report = index(library, pictures)
    assert numbers(report)[0] == 2
    assert "cut short after 6 members" in report.problems[0].reason
    assert report.passed_over["archive"] == 1


def test_archive_is_excluded_in_whole_or_in_part(library, pictures):
    shard(pictures / "shard.tar"), shard(pictures / "other.tar")
    index(library, pictures, exclude=["other.tar", "sub/"])
    assert len(captions(library)) == 2


def test_what_cannot_be_done_in_an_archive_is_refused(archived, pictures, tmp_path, paint):
    paint("red.png")
    index(archived)
    assert is_member(pictures / NAMES[0])
    found = find_duplicates(archived, Tier("same"), read_again=True)
    assert not found
    assert {one.reason for one in found.left_out} == {
        "inside an archive, from which nothing can be deleted"
    }
    for how in ("copy", "symlink"):
        list(put_into([pictures / NAMES[0]], tmp_path / how, how))
    assert (tmp_path / "copy" / "000001.png").read_bytes() == SHARD["000001.png"]
    assert not any((tmp_path / "symlink").iterdir())
    with pytest.raises(InputError, match="in an archive, which is only read"):
        write_caption(pictures / NAMES[0], "a red wall")


def test_picture_in_an_archive_is_a_query(archived, pictures):
    path = str(pictures / NAMES[1])
    assert read_query_picture(path) == SHARD["./000002.png"]
