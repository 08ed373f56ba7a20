"""Thumbnails: small, without metadata, and known as damaged when they are."""

import tempfile
from pathlib import Path

import odd_pictures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_pictures import close, damaged
from PIL import Image

from indexer.pictures.thumbnails import read_thumbnail, save_thumbnail, thumbnail_path


def test_thumbnail_lies_in_a_folder_named_by_its_hash(tmp_path):
    picture = odd_pictures.gradient(640, 480)
    path = save_thumbnail(picture, tmp_path, bytes.fromhex("abcdef" + "00" * 13))
    assert path == tmp_path / "ab" / ("abcdef" + "00" * 13 + ".jpg")
    assert path == thumbnail_path(tmp_path, bytes.fromhex("abcdef" + "00" * 13))
    with Image.open(path) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 240))
        assert close(thumbnail, picture.resize((320, 240)), 4)
    assert list(tmp_path.rglob("*.*")) == [path]  # nothing temporary is left


def test_thumbnail_never_enlarges(tmp_path):
    path = save_thumbnail(odd_pictures.gradient(30, 20), tmp_path, b"\1" * 16)
    with Image.open(path) as thumbnail:
        assert thumbnail.size == (30, 20)


def test_thumbnail_carries_no_metadata(tmp_path):
    picture = odd_pictures.gradient(30, 20)
    picture.info = {"xmp": b"<x>where I live</x>", "comment": b"secret", "exif": b"Exif\0\0MM"}
    path = save_thumbnail(picture, tmp_path, b"\1" * 16)
    with Image.open(path) as thumbnail:
        assert not {"xmp", "comment", "exif"} & set(thumbnail.info)


def test_sound_thumbnail_is_kept(tmp_path):
    path = save_thumbnail(odd_pictures.gradient(30, 20), tmp_path, b"\1" * 16)
    before = path.read_bytes()
    assert save_thumbnail(odd_pictures.gradient(20, 30), tmp_path, b"\1" * 16) == path
    assert path.read_bytes() == before


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_damage_to_a_thumbnail_is_noticed_and_mended(data):
    with tempfile.TemporaryDirectory() as name:
        path = save_thumbnail(odd_pictures.gradient(30, 20), Path(name), b"\1" * 16)
        sound = path.read_bytes()
        path.write_bytes(data.draw(damaged(sound)))
        assert read_thumbnail(path) is None
        save_thumbnail(odd_pictures.gradient(30, 20), Path(name), b"\1" * 16)
        assert path.read_bytes() == sound


def test_thumbnail_is_read_as_the_jpeg_that_was_written(tmp_path):
    path = save_thumbnail(odd_pictures.gradient(30, 20), tmp_path, b"\1" * 16)
    content = read_thumbnail(path)
    assert content is not None
    assert content.startswith(b"\xff\xd8")
    assert content.endswith(b"\xff\xd9")


def test_missing_thumbnail_is_none(tmp_path):
    assert read_thumbnail(tmp_path / "none.jpg") is None


def test_failed_thumbnail_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        save_thumbnail(odd_pictures.gradient(30, 20), tmp_path, b"\1" * 16)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
