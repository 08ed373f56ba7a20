"""Layouts of caption files as other programs write them: one line for each."""

import io
import json
import sys

import pyarrow
import pyarrow.parquet as parquet
import pytest

from indexer.captions import find_captions
from indexer.captions.named_columns import NamedColumns
from indexer.errors import CaptionFileError, InputError

COCO = "COCO_val2014_000000000042.jpg"
PICTURES = ["a.jpg", "IMG_2.JPG", "my lion.jpg", "deep/b.png", COCO]


def layout(folder, files):
    """The captions of `PICTURES` in a folder with these files, by picture."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = find_captions(folder, [name.encode() for name in PICTURES])
    said = {name.decode(): [c.text for c in each] for name, each in found.captions.items()}
    return said, found


def as_parquet(**columns):
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue().to_pybytes()


def as_excel(*rows):
    book = pytest.importorskip("openpyxl").Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file := io.BytesIO())
    return file.getvalue()


LLAVA = [
    {
        "image": "a.jpg",
        "conversations": [
            {"from": "human", "value": "<image> What is this?"},
            {"from": "gpt", "value": "a lion"},
        ],
    }
]
CHAT = [{"image": "a.jpg", "messages": [
    {"role": "user", "content": "?"},
    {"role": "assistant", "content": [{"type": "text", "text": "a lion"}]}]}]  # fmt: skip

OF_A = {
    "Excel's first line": ("c.csv", "sep=;\r\nfile;caption\r\na.jpg;a lion\r\n"),
    "a sign that Excel names": ("c.csv", "sep=|\nfile|caption\na.jpg|a lion\n"),
    "a title above": ("c.csv", "My pictures of 2019\n\nfile,caption\na.jpg,a lion\n"),
    "a remark above": ("c.csv", "# made by hand\nfile,caption\na.jpg,a lion\n"),
    "a header behind a sign": ("c.tsv", "#file\tcaption\na.jpg\ta lion\n"),
    "no header": ("c.csv", 'a.jpg,a lion\n"my lion.jpg",another\n'),
    "German words": ("c.csv", "Dateiname;Beschreibung\na.jpg;a lion\n"),
    "French words": ("c.csv", "fichier;légende\na.jpg;a lion\n"),
    "an id": ("c.csv", "image_id,caption\na.jpg,a lion\n"),
    "an id without suffix": ("c.csv", "id,caption\na,a lion\n"),
    "a name": ("c.csv", "name,alt\na.jpg,a lion\n"),
    "a URL": ("c.csv", "URL,TEXT\nhttps://example.org/x/a.jpg?w=800,a lion\n"),
    "exiftool's table": ("c.csv", "SourceFile,Description\n./a.jpg,a lion\n"),
    "exiftool's JSON": ("c.json", '[{"SourceFile": "a.jpg", "XMP:Description": "a lion"}]'),
    "keywords": ("c.csv", "Filename,Keywords\na.jpg,a lion\n"),
    "text by name": ("c.json", '{"a.jpg": "a lion"}'),
    "texts by name": ("c.json", '{"a.jpg": ["a lion"]}'),
    "entries by stem": ("c.json", '{"a": {"caption": "a lion"}, "gone": {"caption": "x"}}'),
    "prompts by name": ("c.json", '{"a.jpg": {"p": "a lion", "se": 1}}'),
    "tags by name": ("c.json", '{"a": {"tags": "a lion"}}'),
    "a list below data": ("c.json", '{"data": [{"image_id": "a", "caption_str": "a lion"}]}'),
    "results of COCO": ("c.json", '[{"image_id": "a", "caption": "a lion"}]'),
    "text and address": ("Train_GCC.tsv", "a lion\thttp://example.org/x/a.jpg\n"),
    "a conversation": ("c.json", json.dumps(LLAVA)),
    "a chat": ("c.json", json.dumps(CHAT)),
    "Parquet": ("c.parquet", as_parquet(file_name=["a.jpg"], text=["a lion"])),
    "Parquet of several": ("c.parquet", as_parquet(image=["a.jpg"], captions=[["a lion"]])),
    "Parquet with pictures": (
        "c.parquet", as_parquet(image=[{"bytes": b"?", "path": "a.jpg"}], text=["a lion"])),
    "descript.ion": ("descript.ion", 'a.jpg a lion\r\n"no picture.pdf" a letter\r\n'),
    "Cyrillic": ("c.csv", "file,caption\na.jpg,Лев спит\n".encode("cp1251")),
    "Japanese": ("c.csv", "file,caption\na.jpg,ライオン太郎\n".encode("shift_jis")),
    "gallery-dl": ("a.jpg.json", '{"category": "x", "content": "a lion", "tags": []}'),
    "a booru": ("a.json", '{"tag_string": "lion", "rating": "g"}'),
    "osxphotos": ("a.jpg.json", '[{"SourceFile": "a.jpg", "XMP:Description": "a lion"}]'),
    "a trainer's file": ("a.caption", "a lion\n"),
    "a double suffix": ("a.jpg.caption.txt", "a lion\n"),
    "a double suffix of a stem": ("a.caption.txt", "a lion\n"),
    "other letters": ("c.csv", "file,caption\nA.JPG,a lion\n"),
    "another suffix": ("c.csv", "file,caption\na.CR2,a lion\n"),
    "a file URL": ("c.csv", "file,caption\nfile:///home/me/a.jpg,a lion\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_A)
def test_layout_is_read(tmp_path, name):
    file, content = OF_A[name]
    said, scan = layout(tmp_path, {file: content})
    assert said["a.jpg"] in (["a lion"], ["lion"], ["Лев спит"], ["ライオン太郎"])
    assert not scan.problems


@pytest.mark.parametrize(
    ("file", "content", "picture"),
    [
        ("captions/b.txt", "a walrus", "deep/b.png"),
        ("img_2.txt", "a walrus", "IMG_2.JPG"),
        ("c.csv", "file,caption\nimg_2.jpg,a walrus\n", "IMG_2.JPG"),
        ("c.csv", "file,caption\nmy%20lion.jpg,a walrus\n", "my lion.jpg"),
        ("c.csv", "file,caption\nB,a walrus\n", "deep/b.png"),
        ("c.json", '[{"image_id": 42, "caption": "a walrus"}]', COCO),
        ("c.json", '{"annotations": [{"image_id": 42, "caption": "a walrus"}]}', COCO),
    ],
)
def test_names_that_differ_in_spelling_match_where_one_picture_is_meant(
    tmp_path, file, content, picture
):
    said, _ = layout(tmp_path, {file: content})
    assert said == {picture: ["a walrus"]}


def test_record_of_exiftool_says_when_where_and_who(tmp_path):
    record = {"SourceFile": "a.jpg", "XMP:PersonInImage": ["Leandro"], "IPTC:Keywords": "zoo",
              "EXIF:DateTimeOriginal": "2019:07:27 09:16:49", "EXIF:GPSLatitude": -2.33,
              "EXIF:GPSLongitude": 34.83}  # fmt: skip
    _, scan = layout(tmp_path, {"a.jpg.json": json.dumps([record])})
    assert {(fact.field, fact.value) for fact in scan.facts[b"a.jpg"]} == {
        ("person", "Leandro"), ("keyword", "zoo"), ("keywords", "zoo"),
        ("taken", "2019-07-27T09:16:49"), ("point", "-2.330000,34.830000"),
    }  # fmt: skip


def test_one_text_belongs_to_all_pictures_of_a_post(tmp_path):
    (tmp_path / "2019-08-03_UTC.txt").write_text("a frog")
    pictures = [b"2019-08-03_UTC_1.jpg", b"2019-08-03_UTC_2.jpg", b"2019-08-04_UTC_1.jpg"]
    found = find_captions(tmp_path, pictures).captions
    assert {name: [c.text for c in each] for name, each in found.items()} == {
        name: ["a frog"] for name in pictures[:2]
    }


def test_loose_names_are_not_guessed_where_two_pictures_may_be_meant(tmp_path):
    (tmp_path / "c.csv").write_text("file,caption\nA.tif,a lion\n")
    found = find_captions(tmp_path, [b"a.jpg", b"a.png"])
    assert not found.captions
    assert found.files[0].unmatched == 1


def test_exact_name_wins_over_one_in_other_letters(tmp_path):
    (tmp_path / "c.csv").write_text("file,caption\na.jpg,small\nA.JPG,capital\n")
    found = find_captions(tmp_path, [b"a.jpg", b"A.JPG"])
    assert [c.text for c in found.captions[b"a.jpg"]] == ["small"]
    assert [c.text for c in found.captions[b"A.JPG"]] == ["capital"]


KNIPSE = {"nr": [1], "Knipse": ["a.jpg"], "Notiz": ["a lion"], "Ort": ["zoo"]}
NAMED = {  # a table whose header tells nothing, and how its columns are named
    "names": ("c.csv", "nr;Knipse;Notiz;Ort\n1;a.jpg;a lion;zoo\n", "file=knipse,caption=Notiz"),
    "numbers": ("c.tsv", "nr\tKnipse\tNotiz\n1\ta.jpg\ta lion\n", "file=2,caption=3"),
    "numbers without a header": ("c.csv", "7,a.jpg,a lion\n", "file=2, caption=3"),
    "a title above": ("c.csv", "Zoo\n\nnr,Knipse,Notiz\n1,a.jpg,a lion\n", "file=Knipse,caption=3"),
    "Parquet": ("c.parquet", as_parquet(**KNIPSE), "file=Knipse,caption=Notiz"),
    "JSON": ("c.json", '{"all": [{"k": "a.jpg", "n": "a lion"}]}', "file=k,caption=n"),
    "JSON lines": ("c.jsonl", '{"k": "a.jpg", "n": ["a lion"]}\n', "file=k,caption=n"),
    "a sidecar's name": ("a.txt", "Knipse,Notiz\na.jpg,a lion\n", "file=Knipse,caption=Notiz"),
}


@pytest.mark.parametrize("name", NAMED)
def test_table_is_read_by_the_columns_that_are_named(tmp_path, name):
    file, content, columns = NAMED[name]
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    named = {"explicit": [tmp_path / file], "columns": NamedColumns.parse(columns)}
    found = find_captions(tmp_path, [b"a.jpg"], **named)
    assert [caption.text for caption in found.captions[b"a.jpg"]] == ["a lion"]
    lost = NamedColumns.parse("file=gone,caption=9")
    with pytest.raises(CaptionFileError, match=r"no column 'gone'; its columns are|these keys"):
        find_captions(tmp_path, [b"a.jpg"], explicit=named["explicit"], columns=lost)


def test_several_columns_of_captions_are_named_in_a_spreadsheet(tmp_path):
    sheet = as_excel([*KNIPSE], [each[0] for each in KNIPSE.values()])
    (tmp_path / "c.xlsx").write_bytes(sheet)
    columns = NamedColumns.parse("file=Knipse,caption=Notiz,caption=4")
    found = find_captions(tmp_path, [b"a.jpg"], explicit=[tmp_path / "c.xlsx"], columns=columns)
    assert [caption.text for caption in found.captions[b"a.jpg"]] == ["a lion", "zoo"]


@pytest.mark.parametrize(
    "columns",
    ["", "file=a", "caption=a", "file=a,caption=", "a,b", "file=a,text=b", "file=a\nb,caption=c"],
)
def test_columns_that_are_named_in_another_way_are_refused(columns):
    with pytest.raises(InputError, match="as in file=NAME,caption=NAME"):
        NamedColumns.parse(columns)


GUESSED = {
    "cp1252": {"c.csv": "file,caption\na.jpg,Löwe\n".encode("cp1252")},
    "cp1251": {"c.json": '{"a.jpg": "Лев спит"}'.encode("cp1251")},
    "shift_jis": {"c.jsonl": '{"file": "a.jpg", "text": "ライオン太郎"}\n'.encode("shift_jis")},
    "mac_roman": {f"{name}.txt": "Löwe".encode("mac_roman") for name in ("a", "IMG_2")},
}


@pytest.mark.parametrize("character_set", GUESSED)
def test_guessed_character_set_is_told(tmp_path, character_set):
    files = GUESSED[character_set]
    _, scan = layout(tmp_path, files)
    (guess,) = scan.guesses
    assert (guess.character_set, guess.files) == (character_set, len(files))
    assert guess.first.name in files


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("people.csv", "id,name,comment\n1,Anna,nice\n2,Bert,tall\n"),
        ("settings.json", '{"theme": {"description": "dark"}, "x.jpg": 3}'),
        ("links.csv", "url,title\nhttps://example.org/,Example\n"),
        ("people.json", '[{"id": 1, "name": "Anna", "description": "tall"}]'),
        ("log.jsonl", '{"id": 1, "text": "started"}\n'),
    ],
)
def test_table_of_something_else_is_left_alone(tmp_path, file, content):
    said, scan = layout(tmp_path, {file: content})
    assert (said, scan.files, scan.problems) == ({}, (), ())


def test_spreadsheet_is_read_below_its_title(tmp_path):
    head = (["Pictures"], [], ["Datei", "Titel"])
    sheet = as_excel(*head, ["a.jpg", "a lion"], ["gone.jpg"], [None, "of nothing", "more"])
    said, scan = layout(tmp_path, {"captions.xlsx": sheet})
    assert (said, scan.files[0].unmatched) == ({"a.jpg": ["a lion"]}, 1)


def test_spreadsheet_is_told_what_reads_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    _, scan = layout(tmp_path, {"captions.xlsx": b"PK"})
    assert "pip install 'picfuse[xlsx]'" in scan.problems[0][1]


def test_parquet_that_is_none_is_a_problem(tmp_path):
    _, scan = layout(tmp_path, {"captions.parquet": b"PAR1?"})
    assert "not a readable Parquet file" in scan.problems[0][1]
