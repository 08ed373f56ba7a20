"""The reader of text: what it reads, what it does not take for text, and that it works offline."""

import socket
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from command_line import SAMPLE
from PIL import Image, ImageDraw, ImageFont

from indexer.errors import InputError, ModelError, PictureError
from indexer.pictures.hashes import hash_bytes
from indexer.recognition import models
from indexer.recognition.models import check_installed, model_files
from indexer.recognition.pool import ReadingPool
from indexer.recognition.reader import TextReader
from indexer.recognition.regions import regions_of

FONT = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def poster(text, size=(640, 480), *, at=(40, 60), height=32, ink="black", ground="white"):
    """A picture that shows a text."""
    image = Image.new("RGB", size, ground)
    font = ImageFont.truetype(str(FONT), height)
    ImageDraw.Draw(image).text(at, text, font=font, fill=ink)
    return image


@pytest.fixture(scope="module")
def reader():
    return TextReader()


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (poster("Platform 9\nto Vienna"), "Platform 9\nto Vienna"),
        (poster("INVOICE 2041", ink="white", ground="navy"), "INVOICE 2041"),
        (poster("Sale today").rotate(-15, fillcolor="white"), "Sale today"),
        (poster("Bakery").transpose(Image.Transpose.ROTATE_180), "Bakery"),
        (poster("Exit", (1600, 1200), at=(1000, 900), height=36), "Exit"),  # 3 % of the height
        (poster("9", height=200), "9"),
        (poster("--- ---"), ""),
        (Image.new("RGB", (300, 200), "teal"), ""),
        (Image.new("RGB", (1, 1)), ""),
        (Image.new("RGB", (9000, 2)), ""),
    ],
)
def test_text_is_read_line_by_line_and_nothing_else(reader, image, text):
    assert reader.read(image) == text


@pytest.mark.parametrize("glance", [True, False])
def test_photographs_without_text_are_read_as_such(reader, glance):
    for name in ("giant-panda.jpg", "sandy-beach.jpg"):
        assert reader.read(Image.open(SAMPLE / name).convert("RGB"), glance=glance) == ""


@pytest.mark.parametrize("turned", [False, True])
def test_very_long_picture_is_read_in_pieces(reader, turned):
    tall = Image.new("RGB", (240, 3000), "white")
    for number, word in enumerate(("morning", "midday", "evening")):
        tall.paste(poster(word, (240, 60), at=(20, 10), height=28), (0, 1400 * number + 20))
    image = tall.transpose(Image.Transpose.ROTATE_90) if turned else tall
    assert sorted(reader.read(image).split()) == ["evening", "midday", "morning"]


def test_reading_prints_nothing_and_uses_no_network(monkeypatch, capfd):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connects"))
    assert TextReader().read(poster("Quiet")) == "Quiet"
    assert capfd.readouterr() == ("", "")


def test_models_that_fail_are_a_reason_of_the_picture(monkeypatch):
    reader = TextReader()
    monkeypatch.setattr(reader, "_engine", lambda *_, **__: 1 / 0)
    with pytest.raises(PictureError, match=r"its text cannot be read \(ZeroDivisionError\)"):
        reader.read(poster("Fails"))


def test_models_are_those_that_picfuse_knows(tmp_path, monkeypatch):
    assert set(model_files()) == {"Det", "Rec", "Cls"}
    package = tmp_path / "rapidocr"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(models, "_PACKAGE", "another")
    with pytest.raises(InputError, match=r"pip install 'picfuse\[ocr\]'"):
        check_installed()
    monkeypatch.syspath_prepend(tmp_path)
    package.rename(tmp_path / "another")
    with pytest.raises(ModelError, match=r"PP-OCRv6_det_small.onnx: cannot be read"):
        model_files()
    (tmp_path / "another" / "models" / "PP-OCRv6_det_small.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the model that picfuse knows; install it again"):
        model_files()


def test_workers_read_files_and_say_why_not(tmp_path):
    files = {name: tmp_path / name for name in ("sign.png", "broken.jpg", "gone.jpg")}
    poster("Way out").save(files["sign.png"])
    files["broken.jpg"].write_bytes(b"\xff\xd8\xff no picture")
    items = [(name.encode(), bytes(path)) for name, path in files.items()]
    with ReadingPool(workers=1) as pool:
        texts = {text.key: text for text in pool.read_all(items)}
    sign, broken, gone = (texts[name.encode()] for name in files)
    assert (sign.text, sign.reason) == ("Way out", None)
    assert sign.content_hash == hash_bytes(files["sign.png"].read_bytes())
    assert broken.content_hash == hash_bytes(files["broken.jpg"].read_bytes())
    assert broken.reason
    assert gone.content_hash == b""
    assert gone.reason


def place(left, top, right, bottom):
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)


@pytest.mark.parametrize(
    ("places", "regions"),
    [
        ([], []),
        ([place(100, 100, 200, 120)], [(80, 80, 220, 140)]),
        ([place(100, 100, 200, 110)], [(84, 84, 216, 126)]),  # at least some margin
        ([place(0, 5, 60, 30), place(350, 270, 399, 299)], [(0, 0, 85, 55), (321, 241, 400, 300)]),
        (
            [place(100, 200, 200, 220), place(100, 60, 200, 80)],
            [(80, 40, 220, 100), (80, 180, 220, 240)],
        ),
        (
            [place(10, 50, 90, 70), place(120, 50, 200, 70), place(230, 50, 300, 70)],
            [(0, 30, 320, 90)],
        ),
    ],
)
def test_regions_have_all_places_and_never_overlap(places, regions):
    assert regions_of(places, 400, 300) == regions
