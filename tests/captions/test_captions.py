"""Caption files are found, read and matched to the pictures of a folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.captions import Caption, CaptionFile, CaptionScan, find_captions, united
from indexer.captions import finder as finder_module
from indexer.captions import json_files as json_files_module
from indexer.captions import sidecars as sidecars_module
from indexer.captions import text_files as text_files_module
from indexer.captions.caption import clean
from indexer.captions.tables import line_rows
from indexer.errors import CaptionFileError
from indexer.metadata.texts import MAX_CHARACTERS


def write(path: Path, content: str | bytes | object = b"") -> Path:
    """Write bytes or text as they are, and anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def scan(folder: Path, *pictures: str | bytes, explicit: tuple[Path, ...] = ()) -> CaptionScan:
    return find_captions(folder, [os.fsencode(p) for p in pictures], explicit=explicit)


def texts(found: CaptionScan, picture: str | bytes) -> list[str]:
    return [caption.text for caption in found.captions.get(os.fsencode(picture), ())]


def numbers(found: CaptionScan) -> list[tuple[str, str, int, int]]:
    return [(file.path.name, file.format, file.rows, file.unmatched) for file in found.files]


# --- sidecars


def test_sidecar_gives_one_caption_per_line(tmp_path):
    write(tmp_path / "dog.txt", "A dog runs.\n\n  It is   brown. \r\nA dog runs.\n")
    found = scan(tmp_path, "dog.jpg")
    assert found.captions == {
        b"dog.jpg": (Caption("A dog runs.", "sidecar"), Caption("It is brown.", "sidecar"))
    }
    assert found.files == ()


def test_sidecar_of_the_full_name_belongs_to_that_picture_alone(tmp_path):
    write(tmp_path / "a.jpg.txt", "the jpeg")
    write(tmp_path / "a.txt", "both")
    found = scan(tmp_path, "a.jpg", "a.png")
    assert sorted(texts(found, "a.jpg")) == ["both", "the jpeg"]
    assert texts(found, "a.png") == ["both"]


def test_sidecar_lies_in_the_same_folder_as_its_picture(tmp_path):
    write(tmp_path / "2024" / "a.TXT", "upper case suffix")
    write(tmp_path / "other" / "a.txt", "elsewhere")
    found = scan(tmp_path, "2024/a.jpg")
    assert texts(found, "2024/a.jpg") == ["upper case suffix"]


def test_text_file_without_a_picture_of_its_stem_is_no_caption(tmp_path):
    write(tmp_path / "README.txt", "Pictures, of my holidays")
    write(tmp_path / "dev.txt", "a.jpg\nb.jpg\n")
    assert scan(tmp_path, "a.jpg") == CaptionScan({}, (), ())


def test_boxes_of_a_detector_are_no_captions(tmp_path):
    write(tmp_path / "a.txt", "0 0.51 0.42 0.2 0.3\n12 0.1 0.1 1e-05 0.3\nRoute 66\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["Route 66"]


def test_img2dataset_sidecar_gives_its_caption(tmp_path):
    write(tmp_path / "00001.json", {"caption": "A red car", "url": "https://x/y.jpg", "width": 5})
    found = scan(tmp_path, "00001.jpg")
    assert found.captions[b"00001.jpg"] == (Caption("A red car", "img2dataset"),)


@pytest.mark.parametrize(
    "content", ['{"shapes": []}', "[1, 2]", "{broken", "", '{"caption": null}']
)
def test_json_sidecar_of_another_kind_is_silently_none(tmp_path, content):
    write(tmp_path / "a.json", content)
    assert scan(tmp_path, "a.jpg") == CaptionScan({}, (), ())


def test_broken_json_sidecar_with_a_caption_is_a_problem(tmp_path):
    path = write(tmp_path / "a.json", '{"caption": "A dog", ')
    ((where, why),) = scan(tmp_path, "a.jpg").problems
    assert where == path
    assert "not valid JSON" in why
    assert "correct it" in why


XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description rdf:about="">
<dc:description><rdf:Alt><rdf:li xml:lang="de">Ein Hund</rdf:li>
<rdf:li xml:lang="x-default">A dog &amp; a ball</rdf:li></rdf:Alt></dc:description>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Rex</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>dog</rdf:li><rdf:li>ball</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@pytest.mark.parametrize("name", ["a.xmp", "a.jpg.xmp"])
def test_xmp_sidecar_gives_description_title_and_keywords(tmp_path, name):
    write(tmp_path / name, XMP)
    found = scan(tmp_path, "a.jpg")
    assert texts(found, "a.jpg") == ["A dog & a ball", "Ein Hund", "Rex", "dog, ball"]
    assert {caption.source for caption in found.captions[b"a.jpg"]} == {"xmp"}


def test_xmp_sidecar_in_the_short_form(tmp_path):
    short = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:description="A cat"/></rdf:RDF>'
    )
    write(tmp_path / "a.xmp", short)
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["A cat"]


@pytest.mark.parametrize(
    "content",
    [
        "<x:xmpmeta",
        "",
        '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_damaged_or_hostile_xmp_sidecar_is_a_problem(tmp_path, content):
    path = write(tmp_path / "a.xmp", content)
    found = scan(tmp_path, "a.jpg")
    assert found.captions == {}
    assert [where for where, _ in found.problems] == [path]
    assert "not valid XMP" in found.problems[0][1]


def test_huge_sidecar_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars_module, "MAX_BYTES", 10)
    write(tmp_path / "a.txt", "eleven char")
    write(tmp_path / "b.txt", "ten chars!")
    found = scan(tmp_path, "a.jpg", "b.jpg")
    assert texts(found, "b.jpg") == ["ten chars!"]
    assert [path.name for path, _ in found.problems] == ["a.txt"]
    assert "larger than 10 bytes" in found.problems[0][1]


# --- tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("picture", "caption"),
    [("file", "caption"), ("file_name", "text"), ("Image Name", "Sentence"), ("path", "title")],
)
def test_table_is_read_by_its_header(tmp_path, delimiter, picture, caption):
    header = delimiter.join([picture, "label", caption, "author"])
    row = delimiter.join(["a.jpg", "n0144", "A tench", "Ann"])
    write(tmp_path / "data.csv", f"{header}\n{row}\n")
    found = scan(tmp_path, "a.jpg")
    source = "tsv" if delimiter == "\t" else "csv"
    assert found.captions[b"a.jpg"] == (Caption("A tench", source),)
    assert numbers(found) == [("data.csv", source, 1, 0)]


def test_several_caption_columns_give_several_captions(tmp_path):
    write(tmp_path / "a.csv", "file,caption_1,caption_2,caption_source\na.jpg,one,two,me\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["one", "two"]


def test_several_rows_for_a_picture_keep_their_order(tmp_path):
    write(tmp_path / "a.csv", "file,caption\na.jpg,zebra\nb.jpg,x\na.jpg,ant\na.jpg,ZEBRA\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["zebra", "ant"]


def test_table_of_labels_has_no_captions_and_is_no_problem(tmp_path):
    write(tmp_path / "labels.tsv", "file\tsynset\tlabel\na.jpg\tn01\ttench\n")
    assert scan(tmp_path, "a.jpg") == CaptionScan({}, (), ())


def test_unquoted_delimiters_lose_no_text(tmp_path):
    rows = 'image,caption\na.jpg,A man , in a hat , smiles\nb.jpg,"One, two"\nc.jpg,three\n'
    write(tmp_path / "captions.txt", rows)
    found = scan(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    assert texts(found, "a.jpg") == ["A man , in a hat , smiles"]
    assert texts(found, "b.jpg") == ["One, two"]
    assert texts(found, "c.jpg") == ["three"]


def test_unquoted_delimiters_before_other_columns_lose_no_text(tmp_path):
    write(tmp_path / "a.csv", "caption,image\nred, green and blue,a.jpg\nred,b.jpg,,\n")
    found = scan(tmp_path, "a.jpg", "b.jpg")
    assert texts(found, "a.jpg") == ["red, green and blue"]
    assert texts(found, "b.jpg") == ["red"]


@pytest.mark.parametrize(
    ("cell", "caption"),
    [
        ('"He said ""hi"""', 'He said "hi"'),
        ('"Stop" says the sign', '"Stop" says the sign'),
        ('"Never closed', '"Never closed'),
        ('A 5" disk', 'A 5" disk'),
        ('"Two\nlines"', "Two lines"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_quotes_right_or_wrong_swallow_no_other_row(tmp_path, cell, caption, delimiter):
    rows = [("file", "caption"), ("a.jpg", cell), ("b.jpg", "next"), ("c.jpg", 'a "c"')]
    write(tmp_path / "a.csv", "\n".join(delimiter.join(row) for row in rows))
    found = scan(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    assert [texts(found, p) for p in ("a.jpg", "b.jpg", "c.jpg")] == [
        [caption],
        ["next"],
        ['a "c"'],
    ]


def test_quote_closed_by_an_inch_sign_rows_later_swallows_no_row(tmp_path):
    write(tmp_path / "a.tsv", 'file\tcaption\na.jpg\t"Never closed\nb.jpg\tA disk of 5"\n')
    found = scan(tmp_path, "a.jpg", "b.jpg")
    assert texts(found, "a.jpg") == ['"Never closed']
    assert texts(found, "b.jpg") == ['A disk of 5"']


def test_thousands_of_open_quotes_are_read_row_by_row():
    lines = ["file,caption\n", *(f'{i}.jpg,"open {i}\n' for i in range(5_000))]
    rows = line_rows(iter(lines))
    assert rows is not None
    captions = [(name, caption.text) for name, caption in rows.rows]
    assert captions[-1] == ("4999.jpg", '"open 4999')
    assert len(captions) == 5_000


def test_flickr30k_table_is_read_with_its_flawed_row(tmp_path):
    rows = (
        "image_name| comment_number| comment\n"
        "a.jpg| 0| Two men | one dog .\n"
        "a.jpg| 4   A dog runs across the grass .\n"
    )
    write(tmp_path / "results.csv", rows)
    found = scan(tmp_path, "images/a.jpg")
    assert texts(found, "images/a.jpg") == ["Two men | one dog .", "A dog runs across the grass ."]


def test_row_that_ends_early_gives_no_caption(tmp_path):
    write(tmp_path / "a.csv", "file,author,caption\na.jpg,Ann\nb.jpg\n")
    assert scan(tmp_path, "a.jpg", "b.jpg").captions == {}


@pytest.mark.parametrize("cell", ['"[""a dog"", ""a cat""]"', "\"['a dog', 'a cat']\""])
def test_list_in_a_cell_gives_several_captions(tmp_path, cell):
    write(tmp_path / "flickr.csv", f"raw,filename\n{cell},a.jpg\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["a dog", "a cat"]


def test_bracketed_caption_that_is_no_list_stays_as_it_is(tmp_path):
    write(tmp_path / "a.csv", "file,caption\na.jpg,['quoted' words]\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["['quoted' words]"]


@pytest.mark.parametrize("name", ["Flickr8k.token.txt", "results_20130124.token", "list.txt"])
def test_token_file_is_recognised_whatever_its_name(tmp_path, name):
    write(tmp_path / name, "a#1.jpg#0\tA dog .\na#1.jpg#1\tA  brown dog .\nb.jpg#0\tgone\n")
    found = scan(tmp_path, "Images/a#1.jpg")
    assert found.captions[b"Images/a#1.jpg"] == (
        Caption("A dog .", "flickr8k"),
        Caption("A brown dog .", "flickr8k"),
    )
    assert numbers(found) == [(name, "flickr8k", 3, 1)]


def test_flawed_lines_of_a_token_file_are_reported_and_the_others_used(tmp_path):
    path = write(tmp_path / "x.token", "a.jpg#0\tA dog\n\nbroken\nbroken too\na.jpg#1\tA cat\n")
    found = scan(tmp_path, "a.jpg")
    assert texts(found, "a.jpg") == ["A dog", "A cat"]
    ((where, why),) = found.problems
    assert where == path
    assert why.startswith("line 3 is not 'name.jpg#0<TAB>caption' (2 such lines")


# --- JSON


COCO = {
    "info": {},
    "images": [{"id": 7, "file_name": "000007.jpg"}, {"id": 8, "file_name": "000008.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 7, "caption": "A bus\n on a street."},
        {"id": 2, "image_id": 7, "caption": "A red bus."},
        {"id": 3, "image_id": 8, "caption": "Not downloaded."},
        {"id": 4, "image_id": 9, "caption": "Of no picture."},
    ],
}


def test_coco_captions_reach_pictures_beside_the_annotations_folder(tmp_path):
    write(tmp_path / "coco" / "annotations" / "captions_train2017.json", COCO)
    found = scan(tmp_path, "coco/train2017/000007.jpg", "other/a.jpg")
    assert found.captions == {
        b"coco/train2017/000007.jpg": (
            Caption("A bus on a street.", "coco"),
            Caption("A red bus.", "coco"),
        )
    }
    assert numbers(found) == [("captions_train2017.json", "coco", 4, 2)]


def test_karpathy_splits_are_read(tmp_path):
    split = {
        "dataset": "coco",
        "images": [
            {"filename": "a.jpg", "filepath": "val2014", "sentences": [{"raw": "A cat."}]},
            {"filename": "a.jpg", "filepath": "train2014", "sentences": [{"raw": "A dog."}]},
            {"filename": "b.jpg", "sentences": [{"raw": "One."}, {"raw": "Two.", "tokens": []}]},
        ],
    }
    write(tmp_path / "dataset_coco.json", split)
    found = scan(tmp_path, "images/val2014/a.jpg", "images/train2014/a.jpg", "images/b.jpg")
    assert texts(found, "images/val2014/a.jpg") == ["A cat."]
    assert texts(found, "images/train2014/a.jpg") == ["A dog."]
    assert found.captions[b"images/b.jpg"] == (
        Caption("One.", "karpathy"),
        Caption("Two.", "karpathy"),
    )


def test_list_of_records_is_read(tmp_path):
    write(tmp_path / "blip.json", [{"image": "a.jpg", "caption": ["A dog.", "A pup."]}])
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["A dog.", "A pup."]


@pytest.mark.parametrize(
    "value",
    [
        {"name": "picfuse", "description": "a package", "version": "1"},
        {"images": [], "annotations": [{"image_id": 1, "bbox": [0, 0, 1, 1]}]},
        {"images": "no list", "annotations": {"caption": "x", "image_id": 1}},
        {"images": [{"sentences": 5}], "annotations": [5, {"image_id": [], "caption": {}}]},
        [{"text": "no picture"}],
        [1, "caption"],
        "caption",
    ],
)
def test_json_that_is_not_captions_is_silently_none(tmp_path, value):
    write(tmp_path / "package.json", value)
    found = scan(tmp_path, "a.jpg")
    assert found.captions == {}
    assert found.problems == ()


def test_words_of_a_format_are_seen_across_the_chunks_of_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_files_module, "_CHUNK", 16)
    write(tmp_path / "captions.json", COCO)
    assert len(texts(scan(tmp_path, "000007.jpg"), "000007.jpg")) == 2


def test_broken_json_of_a_known_format_is_a_problem(tmp_path):
    path = write(tmp_path / "captions.json", json.dumps(COCO)[:-1])
    ((where, why),) = scan(tmp_path, "000007.jpg").problems
    assert where == path
    assert "not valid JSON" in why


def test_json_nested_without_end_is_a_problem(tmp_path):
    marks = '{"images": "sentences", "deep": '
    path = write(tmp_path / "deep.json", marks + "[" * 200_000)
    assert [where for where, _ in scan(tmp_path).problems] == [path]


def test_metadata_jsonl_is_read(tmp_path):
    lines = [
        {"file_name": "a.jpg", "text": "A dog"},
        {"file_name": "sub/b.jpg", "text": "A cat"},
        {"file_name": "gone.jpg", "text": "Gone"},
        {"file_name": "a.jpg", "text": None},
    ]
    write(tmp_path / "train" / "metadata.jsonl", "\n".join(map(json.dumps, lines)))
    found = scan(tmp_path, "train/a.jpg", "train/sub/b.jpg")
    assert found.captions == {
        b"train/a.jpg": (Caption("A dog", "metadata.jsonl"),),
        b"train/sub/b.jpg": (Caption("A cat", "metadata.jsonl"),),
    }
    assert numbers(found) == [("metadata.jsonl", "metadata.jsonl", 3, 1)]


def test_flawed_lines_of_a_jsonl_are_reported_and_the_others_used(tmp_path):
    good = json.dumps({"file_name": "a.jpg", "text": "A dog"})
    path = write(tmp_path / "metadata.jsonl", f"{good}\n{{broken\n[1]\n")
    found = scan(tmp_path, "a.jpg")
    assert texts(found, "a.jpg") == ["A dog"]
    assert found.problems == ((path, found.problems[0][1]),)
    assert "line 2 is not a JSON object (2 such lines" in found.problems[0][1]


def test_jsonl_of_another_kind_is_silently_none(tmp_path):
    write(tmp_path / "log.jsonl", '{"event": "start"}\n' * 300)
    write(tmp_path / "objects.jsonl", '{"file_name": "a.jpg", "objects": [1]}\n')
    assert scan(tmp_path, "a.jpg") == CaptionScan({}, (), ())


# --- names


def test_names_resolve_against_the_caption_file_before_anything_else(tmp_path):
    write(tmp_path / "x" / "captions.csv", "file,caption\na.jpg,in x\n")
    found = scan(tmp_path, "a.jpg", "x/a.jpg", "x/deep/a.jpg")
    assert found.captions == {b"x/a.jpg": (Caption("in x", "csv"),)}


def test_base_name_that_is_not_unique_is_not_matched(tmp_path):
    write(tmp_path / "captions.csv", "file,caption\n1.jpg,which?\n2.jpg,sure\n")
    found = scan(tmp_path, "cats/1.jpg", "dogs/1.jpg", "dogs/2.jpg")
    assert found.captions == {b"dogs/2.jpg": (Caption("sure", "csv"),)}
    assert numbers(found) == [("captions.csv", "csv", 2, 1)]


def test_folder_in_a_name_tells_equal_base_names_apart(tmp_path):
    write(tmp_path / "captions.csv", "file,caption\nset/cats/1.jpg,cat\n./dogs/1.jpg,dog\n")
    found = scan(tmp_path, "images/cats/1.jpg", "images/dogs/1.jpg")
    assert texts(found, "images/cats/1.jpg") == ["cat"]
    assert texts(found, "images/dogs/1.jpg") == ["dog"]


def test_names_that_differ_only_in_a_missing_folder_are_not_guessed(tmp_path):
    write(tmp_path / "captions.csv", "file,caption\ntrain/1.jpg,one\nval/1.jpg,another\n")
    assert scan(tmp_path, "images/1.jpg").captions == {}
    assert texts(scan(tmp_path, "val/1.jpg"), "val/1.jpg") == ["another"]


def test_caption_file_with_pictures_of_its_own_reaches_no_other_folder(tmp_path):
    write(tmp_path / "a" / "captions.csv", "file,caption\n1.jpg,one\n7.jpg,seven of a\n")
    found = scan(tmp_path, "a/1.jpg", "b/7.jpg")
    assert found.captions == {b"a/1.jpg": (Caption("one", "csv"),)}


@pytest.mark.parametrize(
    "name", ["images\\a.jpg", "/mnt/set/images/a.jpg", "../set/images/a.jpg", "https://x.org/a.jpg"]
)
def test_names_from_other_machines_are_understood(tmp_path, name):
    write(tmp_path / "captions.csv", f"file,caption\n{name},A dog\n")
    assert texts(scan(tmp_path, "images/a.jpg"), "images/a.jpg") == ["A dog"]


def test_name_with_accents_matches_as_macos_spells_it(tmp_path):
    write(tmp_path / "captions.csv", "file,caption\ncaf\u00e9.jpg,A cup\n")
    spelled = "cafe\u0301.jpg".encode()
    assert texts(scan(tmp_path, spelled), spelled) == ["A cup"]


def test_name_that_is_not_utf8_matches_and_spoils_no_other_line(tmp_path):
    write(tmp_path / "captions.csv", b"file,caption\ncaf\xe9.jpg,A cup\nb.jpg,\xc3\x89clair\n")
    found = scan(tmp_path, b"caf\xe9.jpg", "b.jpg")
    assert texts(found, b"caf\xe9.jpg") == ["A cup"]
    assert texts(found, "b.jpg") == ["\u00c9clair"]


def test_sidecar_of_a_name_that_is_not_utf8_is_read(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9\n.txt")
    write(Path(os.fsdecode(name)), "A cup")
    assert texts(scan(tmp_path, b"caf\xe9\n.jpg"), b"caf\xe9\n.jpg") == ["A cup"]


def test_name_with_a_newline_matches_in_a_quoted_cell(tmp_path):
    write(tmp_path / "captions.csv", 'file,caption\n"a\nb.jpg",Two lines\n')
    assert texts(scan(tmp_path, "a\nb.jpg"), "a\nb.jpg") == ["Two lines"]


def test_rows_without_a_name_are_counted_as_unmatched(tmp_path):
    write(tmp_path / "captions.csv", "file,caption\n,No name\n.,Dot\na.jpg,A dog\n")
    found = scan(tmp_path, "a.jpg")
    assert numbers(found) == [("captions.csv", "csv", 3, 2)]


# --- encodings and bad bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_encodings(tmp_path, encoding):
    write(tmp_path / "captions.csv", "file,caption\na.jpg,Caf\u00e9\n".encode(encoding))
    write(tmp_path / "b.txt", "Gr\u00fc\u00dfe\n".encode(encoding))
    found = scan(tmp_path, "a.jpg", "b.jpg")
    assert texts(found, "a.jpg") == ["Caf\u00e9"]
    assert texts(found, "b.jpg") == ["Gr\u00fc\u00dfe"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark(tmp_path, encoding):
    write(tmp_path / "captions.json", json.dumps(COCO).encode(encoding))
    assert len(texts(scan(tmp_path, "000007.jpg"), "000007.jpg")) == 2


def test_byte_that_no_encoding_explains_costs_only_itself(tmp_path):
    write(tmp_path / "a.txt", b"A \x81 caf\xe9")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["A caf\u00e9"]


def test_nul_characters_in_a_caption_table_are_a_problem(tmp_path):
    table = write(tmp_path / "captions.csv", b"file,caption\na.jpg,A d\0g\n")
    side = write(tmp_path / "b.txt", b"A\0 dog")
    named = write(tmp_path / "captions.txt", "file,caption\n".encode("utf-16-le"))
    found = scan(tmp_path, "a.jpg", "b.jpg")
    assert found.captions == {}
    assert {path for path, _ in found.problems} == {table, side, named}
    assert all("NUL" in why and "UTF-8" in why for _, why in found.problems)


def test_binary_file_that_looks_like_no_captions_is_silently_none(tmp_path):
    write(tmp_path / "measurements.csv", bytes(range(256)) * 40)
    assert scan(tmp_path, "a.jpg").problems == ()


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".json", ".jsonl", ".token", ".xmp"])
def test_empty_files_are_silently_none(tmp_path, suffix):
    write(tmp_path / f"captions{suffix}")
    assert scan(tmp_path, "a.jpg") == CaptionScan({}, (), ())


def test_huge_caption_file_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files_module, "MAX_BYTES", 20)
    path = write(tmp_path / "captions.csv", "file,caption\na.jpg,A dog\n")
    ((where, why),) = scan(tmp_path, "a.jpg").problems
    assert where == path
    assert "split it" in why


# --- the walk


def test_hidden_and_thumbnail_folders_are_skipped(tmp_path):
    for folder in (".git", "@eaDir", "__MACOSX"):
        write(tmp_path / folder / "captions.csv", "file,caption\na.jpg,hidden\n")
    write(tmp_path / "._a.txt", "an AppleDouble file")
    assert scan(tmp_path, "a.jpg", "._a.jpg") == CaptionScan({}, (), ())


def test_link_loops_end(tmp_path):
    write(tmp_path / "a.txt", "A dog")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to("self.txt")
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["A dog"]


def test_linked_folder_is_entered_where_pictures_were_found_in_it(tmp_path):
    write(tmp_path / "elsewhere" / "a.txt", "A dog")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert texts(scan(folder, "link/a.jpg"), "link/a.jpg") == ["A dog"]


def test_pipe_with_the_name_of_a_sidecar_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    assert scan(tmp_path, "a.jpg").captions == {}


def test_file_that_cannot_be_opened_is_a_problem(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt", "A dog")

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(finder_module, "read_sidecar", refused)
    ((where, why),) = scan(tmp_path, "a.jpg").problems
    assert where == path
    assert "Permission denied" in why


def test_folder_that_vanished_is_a_problem(tmp_path):
    ((where, why),) = scan(tmp_path / "gone", "a.jpg").problems
    assert where == tmp_path / "gone"
    assert "does not exist" in why


def test_order_is_sidecars_then_tables_whatever_the_disk_says(tmp_path):
    write(tmp_path / "a.txt", "from txt")
    write(tmp_path / "a.json", {"caption": "from json"})
    write(tmp_path / "b.csv", "file,caption\na.jpg,from b\n")
    write(tmp_path / "a.csv", "file,caption\na.jpg,from a\n")
    assert texts(scan(tmp_path, "a.jpg"), "a.jpg") == ["from txt", "from json", "from a", "from b"]


# --- files named explicitly


def test_named_file_outside_resolves_against_the_folder_and_comes_first(tmp_path):
    named = write(tmp_path / "mine.lst", "file\tcaption\na.jpg\tmine\nsub/a.jpg\tdeep\n")
    write(tmp_path / "pictures" / "a.txt", "beside")
    found = scan(tmp_path / "pictures", "a.jpg", "sub/a.jpg", explicit=(named, named))
    assert texts(found, "a.jpg") == ["mine", "beside"]
    assert texts(found, "sub/a.jpg") == ["deep"]
    assert found.files == (CaptionFile(named, "tsv", 2, 0),)


def test_named_file_in_the_folder_is_read_once(tmp_path, monkeypatch):
    write(tmp_path / "captions.csv", "file,caption\na.jpg,A dog\n")
    write(tmp_path / "a.txt", "beside")
    monkeypatch.chdir(tmp_path)
    found = scan(tmp_path, "a.jpg", explicit=(Path("captions.csv"), Path("a.txt")))
    assert texts(found, "a.jpg") == ["A dog", "beside"]
    assert numbers(found) == [("captions.csv", "csv", 1, 0)]


def test_named_file_reached_through_a_link_resolves_against_its_own_folder(tmp_path):
    write(tmp_path / "real" / "sub" / "captions.csv", "file,caption\n1.jpg,of sub\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    named = tmp_path / "link" / "sub" / "captions.csv"
    found = scan(tmp_path / "real", "1.jpg", "sub/1.jpg", explicit=(named,))
    assert found.captions == {b"sub/1.jpg": (Caption("of sub", "csv"),)}
    assert len(found.files) == 1


def test_named_file_may_lie_in_a_hidden_folder(tmp_path):
    named = write(tmp_path / ".meta" / "captions.json", COCO)
    found = scan(tmp_path, "x/000007.jpg", explicit=(named,))
    assert len(texts(found, "x/000007.jpg")) == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("labels.tsv", "file\tlabel\na.jpg\tcat\n", "format is unknown"),
        ("notes.txt", "just a note", "format is unknown"),
        ("package.json", "{}", "format is unknown"),
        ("log.jsonl", '{"a": 1}\n', "no list of objects"),
        ("empty.csv", "", "it is empty"),
        ("cut.json", '{"images": [', "not valid JSON"),
        ("bytes.csv", b"file,caption\na.jpg,\0\n", "save it as UTF-8"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "save it as UTF-8"),
    ],
)
def test_named_file_that_cannot_be_used_is_an_error_with_its_name(tmp_path, name, content, reason):
    named = write(tmp_path / "elsewhere" / name, content)
    (tmp_path / "pictures").mkdir()
    with pytest.raises(CaptionFileError, match=reason) as error:
        scan(tmp_path / "pictures", "a.jpg", explicit=(named,))
    assert str(named) in str(error.value)


def test_named_file_that_is_missing_or_a_folder_is_an_error(tmp_path):
    with pytest.raises(CaptionFileError, match="does not exist; check the path"):
        scan(tmp_path, "a.jpg", explicit=(tmp_path / "gone.csv",))
    with pytest.raises(CaptionFileError, match="not a file; name the caption file itself"):
        scan(tmp_path, "a.jpg", explicit=(tmp_path,))


def test_error_about_a_name_that_is_not_utf8_can_be_printed(tmp_path):
    with pytest.raises(CaptionFileError) as error:
        scan(tmp_path, explicit=(Path(os.fsdecode(b"caf\xe9.csv")),))
    assert "caf\\xe9.csv" in str(error.value).encode("utf-8").decode()


# --- the texts


@pytest.mark.parametrize(
    "text",
    [
        *("OLYMPUS DIGITAL CAMERA", "olympus digital camera  ", "SONY DSC", "DIGITAL CAMERA"),
        *("KONICA MINOLTA DIGITAL CAMERA", "MINOLTA DIGITAL CAMERA", "DCIM", "Exif_JPEG_PICTURE"),
        *("SAMSUNG CAMERA PICTURES", "SAMSUNG DIGITAL CAMERA", "CASIO COMPUTER CO.,LTD."),
        *(
            "PENTAX IMAGE",
            "ASUS",
            "<Digimax S500 / Kenox S500>",
            "Processed with VSCO with a5 preset",
        ),
        *(
            "default",
            "Untitled",
            "untitled-3",
            "Screenshot",
            "Screenshot 2024-05-01 at 10.11.12 AM",
        ),
        *(
            "IMG_1234",
            "DSC00012.JPG",
            "Created with GIMP",
            "ImageJ=1.53c\nimages=3",
            '{"shape": [1]}',
        ),
        *("", " \t\n", "\0\0", "\ufeff"),
    ],
)
def test_what_cameras_and_programs_write_is_no_caption(text):
    assert clean(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "A black digital camera",
        "Screenshot of a game",
        "Default settings",
        "A dog",
        "Asus laptop",
        "7",
    ],
)
def test_captions_that_only_resemble_a_default_stay(text):
    assert clean(text) == text


def test_camera_defaults_are_ignored_in_tables_and_sidecars(tmp_path):
    write(tmp_path / "a.txt", "OLYMPUS DIGITAL CAMERA\nA dog\n")
    write(tmp_path / "t.csv", "file,caption\na.jpg,Sony DSC\na.jpg,A cat\n")
    found = scan(tmp_path, "a.jpg")
    assert texts(found, "a.jpg") == ["A dog", "A cat"]
    assert numbers(found) == [("t.csv", "csv", 1, 0)]


def test_text_is_composed_and_freed_of_control_characters():
    assert clean("Cafe\u0301\x00 \x07au\x1b\r\n lait\ud800") == "Caf\u00e9 au lait"


def test_emoji_keep_their_joiners():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 at the beach"
    assert clean(family) == family


def test_long_caption_is_cut_at_a_word():
    text = clean("word " * 1_000)
    assert MAX_CHARACTERS - 5 <= len(text) <= MAX_CHARACTERS
    assert text.endswith("word")
    assert clean("x" * 5_000) == "x" * MAX_CHARACTERS


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    once = clean(text)
    once.encode("utf-8")
    assert clean(once) == once


def test_united_captions_keep_the_first_source_of_equal_texts():
    first, second = Caption("A Dog", "sidecar"), Caption("a  dog", "exif")
    other = Caption("A cat", "exif")
    assert united([first], [second, other]) == (first, other)
    assert united() == ()


@given(st.binary(max_size=300), st.sampled_from([".txt", ".csv", ".json", ".jsonl", ".xmp"]))
def test_no_bytes_break_a_scan(tmp_path_factory, data, suffix):
    folder = tmp_path_factory.mktemp("bytes")
    for stem in ("a", "captions"):
        for head in (b"", b"file,caption\n", b'{"file_name": "a", "text": '):
            write(folder / f"{stem}{len(head)}{suffix}", head + data)
    scan(folder, "a0.jpg", "a13.jpg", "a27.jpg")


# --- as a whole


def test_caption_readers_import_nothing_heavy():
    code = (
        "import sys, indexer.captions; "
        "print(sorted({'torch', 'numpy', 'pandas', 'sqlalchemy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def data_set(name: str) -> tuple[Path, list[str]]:
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("PICFUSE_TEST_DATA", default)) / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not here; set PICFUSE_TEST_DATA")
    return folder, [f"images/{entry.name}" for entry in os.scandir(folder / "images")]


def test_flickr8k_gives_every_picture_its_captions():
    folder, pictures = data_set("flickr8k")
    found = scan(folder, *pictures)
    assert numbers(found) == [("Flickr8k.token.txt", "flickr8k", 5 * len(pictures), 0)]
    assert set(found.captions) == {os.fsencode(picture) for picture in pictures}
    assert found.problems == ()


def test_photos_take_only_the_caption_column():
    folder, pictures = data_set("photos")
    found = scan(folder, *pictures)
    assert [len(captions) for captions in found.captions.values()] == [1] * len(pictures)
    assert numbers(found) == [("attribution.tsv", "tsv", len(pictures), 0)]


def test_imagenet_labels_are_no_captions():
    folder, pictures = data_set("imagenet-samples")
    assert scan(folder, *pictures) == CaptionScan({}, (), ())
