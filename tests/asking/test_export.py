"""`picfuse export`: metadata, embeddings and pictures, whole or not at all."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from command_line import SAMPLE, answered, command, index_colours, refusal, run, sample_library
from hypothesis import given
from hypothesis import strategies as st

from indexer import Library
from indexer.library.records import FIELDS
from search.export import writing
from search.export.folder import put_into
from search.export.tables import table
from search.export.writing import Files, export_records


@pytest.fixture
def home(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "library")
    return tmp_path / "library"


def lines(*words, **options):
    return [json.loads(line) for line in run("export", *words, **options).stdout.splitlines()]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_everything_is_written_to_standard_output_as_json_lines(home, colour_pictures):
    rows = lines("--library", home)
    assert [list(row) for row in rows] == [list(FIELDS)] * 5
    assert {row["path"] for row in rows} == {str(path) for path in colour_pictures.glob("*.png")}
    (black,) = [row for row in rows if row["path"].endswith("black.png")]
    assert (black["caption"], black["captions"]) == ("black cat", ["black cat"])
    assert (black["width"], black["height"], black["format"]) == (16, 12, "PNG")
    assert black["size"] == (colour_pictures / "black.png").stat().st_size
    assert black["folder"] == str(colour_pictures)


def test_hits_of_a_query_come_in_their_order_with_rank_and_score(home):
    hits = answered("search", "blue", "--library", home)["hits"]
    rows = lines("blue", "--library", home)
    assert [(row["rank"], row["path"]) for row in rows] == [(h["rank"], h["path"]) for h in hits]
    assert [row["score"] for row in rows] == pytest.approx([h["score"] for h in hits], abs=1e-3)
    assert len(lines("blue", "-k", 2, "--library", home)) == 2


def test_marks_refine_what_is_exported(home, colour_pictures):
    marks = ("--like", colour_pictures / "green.png", "--unlike", colour_pictures / "red.png")
    for words in (("blue", *marks), marks):
        hits = answered("search", *words, "--library", home)["hits"]
        rows = lines(*words, "--library", home)
        assert [row["path"] for row in rows] == [hit["path"] for hit in hits]
        assert len(rows) == 3
        assert {row["confidence"] for row in rows} == {None}


@pytest.mark.parametrize("query", ["two dogs at a window", "qwertz asdf"])
def test_doubtful_hits_are_exported_only_on_request(tmp_path_factory, tmp_path, query):
    """The hits that `picfuse search` shows are written, with the same probabilities."""
    sample = sample_library(tmp_path_factory)
    words = (query, "--library", sample)
    for extra, few in (((), True), (("--all",), False)):
        shown = run("search", *words, *extra, "--jsonl", "--no-fold").stdout.splitlines()
        hits = [json.loads(line) for line in shown]
        result = run("export", *words, *extra, "--into", tmp_path / "hits")
        rows = lines(*words, *extra)
        assert [(r["rank"], r["path"]) for r in rows] == [(h["rank"], h["path"]) for h in hits]
        sure = [row["confidence"] for row in rows]
        assert sure == pytest.approx([hit["confidence"] for hit in hits], abs=1e-3)
        assert (len(hits) < 10) == few
        assert ("--all shows" in result.stderr) == few
        assert result.exit_code == (0 if hits else 1)


def test_words_alone_export_what_has_them_in_caption_or_name(home):
    rows = lines("boat", "--mode", "words", "--library", home)
    assert [row["caption"] for row in rows] == ["blue boat"]
    assert len(lines("boat", "--library", home)) > 1


def test_mode_without_a_query_is_refused(home):
    result = run("export", "--mode", "words", "--library", home)
    assert result.exit_code == 2
    assert "--mode words needs terms to search for" in result.stderr


def test_a_condition_without_a_query_writes_all_that_fulfil_it(home):
    rows = lines("--where", "has: caption", "--library", home)
    assert {row["caption"] for row in rows} == {"black cat", "blue boat"}
    assert run("export", "--where", "format: gif", "--library", home).exit_code == 1


def test_three_formats_say_the_same(home, tmp_path):
    for suffix in ("jsonl", "csv", "parquet"):
        result = run("export", "red", "--library", home, "--output", tmp_path / f"o.{suffix}")
        assert (result.exit_code, result.stdout) == (0, "")
    said = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    packed = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert [{**row, "tags": dict(row["tags"])} for row in packed] == said
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [row["path"] for row in said]
    assert [json.loads(row["captions"]) for row in rows] == [row["captions"] for row in said]
    assert [float(row["score"]) for row in rows] == [row["score"] for row in said]
    assert {row["confidence"] for row in rows} == {""}


@given(st.text(max_size=12).filter(lambda text: "\0" not in text))
def test_no_text_in_csv_begins_like_a_formula_and_all_come_back(text):
    file = io.BytesIO()
    lines = table(file, "csv", ("caption", "latitude"))
    text = text.encode("utf-8", "replace").decode()
    lines.add([{"caption": text, "latitude": -12.5}])
    lines.close()
    _, (cell, latitude) = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert latitude == "-12.5"


@pytest.mark.parametrize("kind", ["picture", "caption", "fused"])
@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_embeddings_are_in_the_order_of_the_metadata(home, tmp_path, kind, suffix, monkeypatch):
    monkeypatch.setattr(writing, "BATCH_PICTURES", 2)
    target = tmp_path / f"rows{suffix}"
    asked = ("--embeddings", target, "--kind", kind, "--output", tmp_path / "o.jsonl")
    assert answered("export", "red", *asked, "--library", home)["pictures"] == 5
    ids = [json.loads(line)["id"] for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    if suffix == ".npy":
        rows = np.load(target)
    else:
        packed = parquet.read_table(target).to_pydict()
        assert packed["id"] == ids
        width = next(len(row) for row in packed["embedding"] if row is not None)
        rows = np.array([row or [np.nan] * width for row in packed["embedding"]], np.float32)
    with Library.open(home, read_only=True) as library:
        for key, row in zip(ids, rows, strict=True):
            found = library.embedded([key])
            if kind == "fused":
                expected = library.fused([key])[1][0]
            elif kind == "picture":
                expected = found.v_i[0]
            else:
                expected = found.v_t[0] if found.has_caption[0] else np.full(5, np.nan)
            assert np.allclose(row, expected, atol=1e-6, equal_nan=True)


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(home, tmp_path):
    target = tmp_path / "o.csv"
    target.write_text("precious")
    said = refusal("export", "--output", target, "--library", home, status=2)
    assert str(target) in said
    assert "--overwrite" in said
    assert target.read_text() == "precious"
    assert run("export", "--output", target, "--overwrite", "--library", home).exit_code == 0
    assert target.read_text().startswith("id,")


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.parquet"])
def test_interrupt_leaves_no_file_and_the_one_before(home, tmp_path, name, monkeypatch):
    monkeypatch.setattr(writing, "BATCH_PICTURES", 2)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "rows.npy").write_bytes(b"before")
    with Library.open(home, read_only=True) as library:
        files = Files(folder / name, name.rpartition(".")[2], folder / "rows.npy")
        steps = export_records(library, library.catalogue.present_ids(), files)
        assert [next(steps).done for _ in range(2)] == [0, 2]
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt())
    assert names(folder) == ["rows.npy"]
    assert (folder / "rows.npy").read_bytes() == b"before"


def test_parquet_and_unknown_suffixes_want_to_be_named(home, tmp_path):
    assert run("export", "--format", "parquet", "--library", home).exit_code == 2
    said = refusal("export", "--output", tmp_path / "o.xls", "--library", home, status=2)
    assert "--format" in said
    said = refusal("export", "--embeddings", tmp_path / "o.txt", "--library", home, status=2)
    assert ".npy" in said


def test_a_file_that_cannot_be_written_is_said_in_a_line(home, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for option in ("--output", "--embeddings"):
        target = (
            tmp_path / "file" / "o.npy" if option == "--embeddings" else tmp_path / "file/o.csv"
        )
        said = refusal("export", option, target, "--library", home, status=2)
        assert "cannot be written" in said
    said = refusal("export", "--into", tmp_path / "file" / "x", "--library", home, status=2)
    assert "cannot be created" in said


# Pictures in a folder


@pytest.mark.parametrize("how", ["copy", "symlink"])
def test_hits_are_put_into_a_folder_and_originals_stay(home, colour_pictures, tmp_path, how):
    before = {path: path.read_bytes() for path in colour_pictures.iterdir()}
    asked = ("red", "-k", 2, "--into", tmp_path / "out", "--link", how, "--library", home)
    assert answered("export", *asked)["added"] == 2
    assert set(names(tmp_path / "out")) >= {"red.png"}
    for path in (tmp_path / "out").iterdir():
        assert path.is_symlink() == (how == "symlink")
        assert path.read_bytes() == before[colour_pictures / path.name]
    assert {path: path.read_bytes() for path in colour_pictures.iterdir()} == before
    again = answered("export", *asked)
    assert (again["added"], again["there"]) == (0, 2)


@pytest.mark.parametrize("how", ["copy", "symlink"])
def test_names_that_are_taken_get_a_number_and_nothing_is_overwritten(tmp_path, how):
    paths = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / "a.b.jpg")
        paths[-1].write_text(f"picture {number}")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.b.jpg").write_text("precious")
    steps = list(put_into(paths, out, how))
    assert [step.done for step in steps] == [0, 1, 2, 3]
    assert names(out) == ["a.b-2.jpg", "a.b-3.jpg", "a.b-4.jpg", "a.b.jpg"]
    assert (out / "a.b.jpg").read_text() == "precious"
    assert [(out / f"a.b-{n}.jpg").read_text() for n in (2, 3, 4)] == [
        f"picture {n}" for n in range(3)
    ]


def test_a_dangling_link_in_the_folder_is_not_written_through(tmp_path):
    (tmp_path / "a.jpg").write_text("picture")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    list(put_into([tmp_path / "a.jpg"], out, "copy"))
    assert names(out) == ["a-2.jpg", "a.jpg"]
    assert not (tmp_path / "elsewhere.jpg").exists()


@pytest.mark.parametrize("links", [True, False])
def test_copy_that_is_interrupted_when_it_gets_its_name_leaves_nothing(
    tmp_path, monkeypatch, links
):
    def interrupted(*_):
        raise KeyboardInterrupt

    def impossible(*_):
        raise PermissionError

    (tmp_path / "a.jpg").write_text("picture")
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        patched.setattr(Path, "hardlink_to", interrupted if links else impossible)
        with pytest.raises(KeyboardInterrupt):
            list(put_into([tmp_path / "a.jpg"], out, "copy"))
    assert names(out) == []
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", impossible)
    list(put_into([tmp_path / "a.jpg"], out, "copy"))
    assert names(out) == ["a.jpg"]
    assert (out / "a.jpg").read_text() == "picture"


def test_a_picture_that_went_is_named_and_the_others_are_put(home, colour_pictures, tmp_path):
    (colour_pictures / "red.png").unlink()
    asked = ("export", "red", "--into", tmp_path / "out", "--library", home)
    fields = answered(*asked, status=1)
    assert fields["added"] == 4
    assert [f["path"] for f in fields["failed"]] == [str(colour_pictures / "red.png")]
    assert not any(name.startswith(".") for name in names(tmp_path / "out"))


def test_an_indexed_folder_is_meant_only_when_that_is_said(home, colour_pictures, tmp_path):
    inside = colour_pictures / "best"
    asked = ("export", "red", "-k", 1, "--into", inside, "--library", home)
    assert "--into-indexed" in refusal(*asked, status=2)
    assert not inside.exists()
    (tmp_path / "way").symlink_to(colour_pictures)
    assert "indexed" in refusal(*asked[:5], tmp_path / "way" / "best", *asked[6:], status=2)
    assert run(*asked, "--into-indexed").exit_code == 0
    assert names(inside) == ["red.png"]
    assert "library itself" in refusal(*asked[:5], home / "x", *asked[6:], status=2)


# Photographs, and a process of its own


def test_photographs_are_exported_with_what_is_known_of_them(tmp_path_factory, tmp_path):
    library = sample_library(tmp_path_factory)
    asked = ("--output", tmp_path / "o.parquet", "--embeddings", tmp_path / "o.npy")
    assert answered("export", *asked, "--library", library)["pictures"] == 61
    rows = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    embeddings = np.load(tmp_path / "o.npy")
    assert embeddings.shape == (61, 512)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1, abs=1e-3)
    horses = [row["path"] for row in rows].index(str(SAMPLE / "brown-horses.jpg"))
    assert "horse" in rows[horses]["caption"].lower()
    nearest = int(np.argsort(embeddings @ embeddings[horses])[-2])
    similar = answered("similar", SAMPLE / "brown-horses.jpg", "--weight", 1, "--library", library)
    assert rows[nearest]["path"] in [hit["path"] for hit in similar["hits"][:3]]


def test_ctrl_c_while_copying_leaves_only_whole_pictures(tmp_path, subprocess_environment):
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    for number in range(20):
        shutil.copy(next(SAMPLE.rglob("*.jpg")), pictures / f"{number}.jpg")
        with (pictures / f"{number}.jpg").open("ab") as file:
            file.write(bytes(10_000_000) + bytes([number]))
    index_colours(pictures, tmp_path / "library")
    words = ("export", "--into", out, "--library", tmp_path / "library")
    running = subprocess.Popen(command(*words), env=subprocess_environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (out.is_dir() and os.listdir(out)) and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) in (130, 0)
    for path in out.iterdir():
        assert path.stat().st_size == (pictures / path.name).stat().st_size


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("--link", "symlink"), "--into"),
        (("--into-indexed",), "--into"),
        (("--kind", "fused"), "--embeddings"),
    ],
)
def test_how_to_write_what_nothing_asks_for_is_wrong_usage(home, words, missing):
    result = run("export", *words, "--library", home)
    assert result.exit_code == 2
    assert f"{words[0]} needs {missing}\n" in result.stderr
    assert result.stdout == ""
