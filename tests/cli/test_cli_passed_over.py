"""What `picfuse index` passes over: counted by kind, listed by `status --skipped`, brought back."""

import io
import os
import tarfile
import zipfile

import odd_pictures as odd
import pytest
from command_line import answered, index_colours, refusal, run
from faults import decoding_here
from odd_raw import raw

from indexer.pictures import optional


def archive(kind: str) -> bytes:
    """An archive with a picture in it."""
    with io.BytesIO() as buffer:
        if kind == "zip":
            with zipfile.ZipFile(buffer, "w") as packed:
                packed.writestr("a.jpg", odd.encoded("JPEG"))
        else:
            with tarfile.open(fileobj=buffer, mode="w") as packed:
                packed.addfile(tarfile.TarInfo("a.jpg"))
        return buffer.getvalue()


OTHERS = [  # name, contents, kind
    ("clip.mp4", b"", "video"),
    ("IMG_1.MOV", b"", "video"),
    ("film", b"\0\0\0\x18ftypmp42" + bytes(99), "video"),
    ("film.unheard", b"\x1a\x45\xdf\xa3" + bytes(99), "video"),
    ("song.mp3", b"", "audio file"),
    ("memo", b"ID3\4" + bytes(99), "audio file"),
    ("00000.tar", b"", "archive"),
    ("comic.CBZ", b"", "archive"),
    ("backup", archive("zip"), "archive"),
    ("shard", archive("tar"), "archive"),
    ("paper.pdf", b"", "document"),
    ("paper", b"%PDF-1.7\n", "document"),
    ("logo.svg", b"", "vector drawing"),
    ("logo", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "vector drawing"),
    ("light.exr", b"", "picture of another format"),
    ("icon", b"\0\0\1\0" + bytes(99), "picture of another format"),
    ("photo.jpg.crdownload", odd.encoded("JPEG"), "unfinished download"),
    ("photo.png.part", odd.encoded("PNG")[:90], "unfinished download"),
    ("photo.jpg~", odd.encoded("JPEG"), "backup copy"),
    ("photo.jpg_original", odd.encoded("JPEG"), "backup copy"),
    (".IMG_7.HEIC.icloud", b"bplist00", "file that is only in the cloud"),
    ("page", b"<!DOCTYPE html><html>", "web page"),
    ("pointer", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ("run.py", b"", ".py file"),
    ("what.ever", b"nothing known", ".ever file"),
    ("noname", b"nothing known", "file without a suffix"),
    ("notes.txt", b"nothing about pictures", ".txt file"),
]
CAPTIONS = [  # name, contents, what is wrong
    ("captions.csv", b"sep=;\r\nfile;mood\r\nred.png;x\r\n", "no column of captions"),
    ("table.csv", b"number,caption\n7,x\n", "no column of file names"),
    ("meta.tsv", b"file\tmood\nred.png\tgood\n", "no column of captions"),
    ("export.csv", b"Datum;Laune\n2019;x\n", "no column of file names and none of"),
    ("list.csv", b"red.png\nblue.png\n", "no header of a table"),
    ("captions.json", b'{"red.png": 3}', "no list of objects"),
    ("llava.json", b'[{"image": "red.png", "conversations": []}]', "no list of objects"),
    ("val.json", b'{"data": [{"number": 1, "caption_str": "x"}]}', "no list of objects"),
    ("metadata.jsonl", b'{"id": 1}\n', "no list of objects"),
    ("red.captions", b"a red wall", "name it .txt"),
    ("captions.txt", b"red.png a wall\nblue.png a door\n", "no header of a table"),
    ("empty.csv", b"", "it is empty"),
]
LEFT_OUT = [  # folder, kind
    ("#recycle/Photos", "recycle bin"),
    ("$RECYCLE.BIN/S-1-5-21", "recycle bin"),
    ("@Recycle", "recycle bin"),
    ("RECYCLER", "recycle bin"),
    (".Trash-1000/files", "recycle bin"),
    (".Trashes/501", "recycle bin"),
    ("Network Trash Folder", "recycle bin"),
    ("Trash", "recycle bin"),
    ("#snapshot/GMT-2020", "snapshot"),
    ("@Recently-Snapshot", "snapshot"),
    (".zfs/snapshot", "snapshot"),
    (".snapshots/1", "snapshot"),
    ("Backups.backupdb", "snapshot"),
    ("@eaDir/a.jpg", "folder of derived pictures"),
    (".@__thumb", "folder of derived pictures"),
    (".thumbnails", "folder of derived pictures"),
    ("_thumbs", "folder of derived pictures"),
    ("iPod Photo Cache", "folder of derived pictures"),
    ("Lightroom Previews.lrdata/1", "folder of derived pictures"),
    ("My.photoslibrary/resources/derivatives", "folder of derived pictures"),
    ("Old.aplibrary/Thumbnails", "folder of derived pictures"),
    ("CaptureOne/Cache", "folder of derived pictures"),
    ("lost+found", "system folder"),
    ("System Volume Information", "system folder"),
    ("@tmp", "system folder"),
    ("Private", "folder with .nomedia"),
]


@pytest.fixture
def home(tmp_path):
    """Path for the library of a test; nothing is there yet."""
    return tmp_path / "library"


def skipped(home) -> dict[str, tuple[str, str]]:
    """Kind and reason of all that is not indexed, by name."""
    listed = answered("status", "--skipped", "--library", home)["skipped"]
    return {os.path.basename(one["path"]): (one["kind"], one["reason"]) for one in listed}


def test_other_files_are_counted_by_kind_and_listed(paint, pictures, home):
    paint("red.png")
    for name, content, _ in OTHERS:
        (pictures / name).write_bytes(content)
    (pictures / "desktop.ini").touch(), (pictures / ".DS_Store").touch()
    result = index_colours(pictures, home)
    assert result.exit_code == 0
    assert f"{len(OTHERS)} files were not indexed: 4 archives, 4 videos, " in result.stderr
    assert {name: kind for name, (kind, _) in skipped(home).items()} == {
        name: kind for name, _, kind in OTHERS
    }
    counts = answered("index", "--library", home)["passed_over"]
    assert counts == answered("status", "--library", home)["passed_over"]
    assert (counts["video"], sum(counts.values())) == (4, len(OTHERS))
    assert (
        f"skipped   {len(OTHERS)} (4 archives, 4 videos" in run("status", "--library", home).stdout
    )


def test_caption_files_that_cannot_be_used_are_named_with_what_is_wrong(paint, pictures, home):
    paint("red.png"), paint("blue.png")
    for name, content, _ in CAPTIONS:
        (pictures / name).write_bytes(content)
    result = index_colours(pictures, home)
    assert result.exit_code == 0
    number = f"{len(CAPTIONS)} caption files in an unknown layout ("
    assert number in result.stderr
    listed = skipped(home)
    for name, _, wrong in CAPTIONS:
        assert listed[name][0] == "caption file in an unknown layout"
        assert wrong in listed[name][1]
    told = answered("index", "--library", home)["unused_captions"]
    assert {os.path.basename(one["path"]) for one in told} == {name for name, *_ in CAPTIONS}


def test_table_in_an_odd_layout_is_told_how_to_name_its_columns(paint, pictures, home, tmp_path):
    paint("red.png")
    table = tmp_path / "mine.csv"
    table.write_bytes("Knipse;Notiz\nred.png;eine Käseglocke\n".encode("cp1252"))
    refused = index_colours(pictures, home, "--captions", str(table))
    assert refused.exit_code == 2
    assert (
        "its columns are 'Knipse', 'Notiz'; say which: --captions FILE --columns" in refused.stderr
    )
    said = ("--captions", str(table), "--columns", "file=Knipse,caption=Notiz")
    for words in (said, ()):  # it is remembered
        result = index_colours(pictures, home, *words)
        assert (result.exit_code, refused.stdout) == (0, "")
        assert "mine.csv was read as cp1252 (guessed)" in result.stderr
    status = answered("status", "--library", home)
    assert status["captions"] == 1
    assert [each["character_set"] for each in status["guesses"]] == ["cp1252"]
    assert index_colours(pictures, home, "--columns", "file=1,caption=2").exit_code == 2


def test_text_of_very_many_pictures_is_told_and_left_out_on_request(paint, pictures, home):
    for number in range(50):
        paint(f"red-{number}.png", caption="Taken by Hugo" if number < 6 else f"wall {number}")
    said = index_colours(pictures, home).stderr
    assert "'Taken by Hugo' is a caption of 6 of 50 pictures, probably a filler" in said
    assert "picfuse index --filler 'Taken by Hugo'" in said
    assert answered("status", "--library", home)["repeated"][0]["pictures"] == 6
    assert "filler" not in index_colours(pictures, home, "--filler", "taken by hugo").stderr
    status = answered("status", "--library", home)
    assert (status["captions"], status["fillers"]) == (44, ["taken by hugo"])
    assert "repeated" not in status
    index_colours(pictures, home, "--filler", "")
    assert answered("status", "--library", home)["captions"] == 50


def test_used_caption_files_are_not_counted(paint, pictures, home):
    paint("red.png", caption="a red wall"), paint("blue.png")
    (pictures / "captions.csv").write_text("file,caption\nblue.png,a blue door\n")
    (pictures / "blue.json").write_text("{}")
    (pictures / "ATTRIBUTION.tsv").write_text("picture\tauthor\nblue.png\tAnna\n")
    (pictures / "labels.csv").write_text("file,label\nblue.png,door\n")
    (pictures / "drafts").mkdir()
    (pictures / "drafts" / "other.csv").write_text("a,b\n")
    said = index_colours(pictures, home, "--exclude", "drafts").stderr
    assert "2 files were not indexed: 1 .csv file, 1 .tsv file;" in said


def test_folder_of_nothing_else_is_told(pictures, home):
    (pictures / "a.mp4").touch(), (pictures / "b.zip").touch()
    result = index_colours(pictures, home)
    assert result.exit_code == 1
    assert f"{pictures}: has no picture that could be indexed" in result.stderr
    assert "2 files were not indexed: 1 archive, 1 video" in result.stderr


@pytest.fixture
def bare(monkeypatch):
    """No optional decoder is installed; decoding runs in this process, which knows that."""
    with monkeypatch.context() as patch:
        patch.setattr(optional, "_MODULES", dict.fromkeys(optional._MODULES, "no_such_module"))
        with decoding_here():
            yield patch


def test_picture_without_a_decoder_is_told_with_what_reads_it(paint, pictures, home, bare):
    paint("red.png")
    (pictures / "DSC_1.NEF").write_bytes(raw("blue", preview=None))
    (pictures / "a.jxl").write_bytes(b"\xff\x0a" + bytes(40))
    result = index_colours(pictures, home)
    assert result.exit_code == 0
    assert "2 files were not indexed: 1 JPEG XL, 1 RAW without a preview" in result.stderr
    for extra in ("raw", "jxl"):
        assert f"to index 1 picture more: pip install 'picfuse[{extra}]'" in result.stderr
    assert set(skipped(home)) == {"DSC_1.NEF", "a.jxl"}
    assert answered("status", "--library", home)["failed"] == 0
    assert run("index", "--library", home).stderr == result.stderr


def test_folder_that_only_an_optional_decoder_reads_is_told(pictures, home, bare):
    (pictures / "DSC_1.NEF").write_bytes(raw("blue", preview=None))
    result = index_colours(pictures, home)
    assert result.exit_code == 1
    assert "has no picture that could be indexed" in result.stderr


def test_picture_is_read_once_its_decoder_is_installed(pictures, home, bare):
    pytest.importorskip("rawpy")
    (pictures / "DSC_1.NEF").write_bytes(raw("blue", preview=None))
    index_colours(pictures, home)
    bare.undo()
    assert "1 changed" in run("index", "--library", home).stdout
    assert answered("search", "blue", "--library", home)["hits"]


@pytest.mark.parametrize(("folder", "kind"), LEFT_OUT)
def test_folder_that_nobody_looks_into_is_left_out_and_brought_back(
    folder, kind, paint, pictures, home
):
    paint("red.png")
    paint(f"{folder}/blue.png")
    top = folder.split("/")[0]
    if kind.endswith(".nomedia"):
        (pictures / folder / ".nomedia").touch()
    first = index_colours(pictures, home)
    assert "1 added" in first.stdout
    assert f"1 folder was not indexed: 1 {kind};" in first.stderr
    assert "--include brings folders back" in first.stderr
    assert first.exit_code == 0
    inner = folder if top.endswith(("library", "CaptureOne")) else top
    inner = "/".join(inner.split("/")[:2])
    again = run("index", pictures, "--include", inner, "--library", home)
    assert "1 added" in again.stdout
    assert "not indexed" not in again.stderr
    assert "2 unchanged" in run("index", "--library", home).stdout


def test_originals_of_a_photo_library_are_indexed(paint, pictures, home):
    paint("My.photoslibrary/originals/A/red.png"), paint("Old.aplibrary/Masters/2010/blue.png")
    assert "2 added" in index_colours(pictures, home).stdout


def test_named_folder_with_nomedia_is_told_and_brought_back(paint, pictures, home):
    paint("red.png")
    (pictures / ".nomedia").touch()
    result = index_colours(pictures, home)
    assert result.exit_code == 1
    assert "1 folder was not indexed: 1 folder with .nomedia" in result.stderr
    assert "1 added" in run("index", pictures, "--include", ".", "--library", home).stdout


def test_folder_that_its_owner_leaves_out_is_named_with_what_helps(paint, pictures, home):
    paint("red.png"), paint("#recycle/Photos/blue.png")
    index_colours(pictures, home)
    words = ("index", pictures / "#recycle" / "Photos", "--library", home)
    said = refusal(*words, status=2)
    assert "leaves it out (recycle bin)" in said
    assert f"picfuse index {pictures} --include '#recycle'" in said
    assert "1 added" in run(*words, "--include", "#recycle").stdout
    assert run(*words).exit_code == 0


def test_folder_that_is_named_is_indexed_whatever_its_name(paint, pictures, home):
    paint("#recycle/blue.png")
    assert "1 added" in index_colours(pictures / "#recycle", home).stdout


def test_pattern_that_brings_nothing_back_is_named(paint, pictures, home):
    paint("red.png")
    said = index_colours(pictures, home, "--include", "#recycle").stderr
    assert "--include '#recycle' matches nothing" in said


PICTURES = [  # name, contents of a red picture
    ("DSC1.HIF", odd.heic_of("red")),
    ("a.heics", odd.heic_of("red")),
    ("b.avifs", odd.plain("AVIF", "red")),
    ("c.mpo", odd.plain("JPEG", "red")),
    ("d.jps", odd.plain("JPEG", "red")),
    ("e.pjpeg", odd.plain("JPEG", "red")),
    ("f.apng", odd.plain("PNG", "red")),
    ("photo.jpg?w=800", odd.plain("JPEG", "red")),
    ("twitter.jpg_large", odd.plain("JPEG", "red")),
    ("IMG_360.insp", odd.plain("JPEG", "red")),
    ("cache.bin", odd.plain("JPEG", "red")),
    ("no suffix", odd.plain("JPEG", "red")),
    ("8f14e45fceea167a5a36dedd4bea2543", odd.plain("WEBP", "red")),
    ("IMG.1234", odd.plain("PNG", "red")),
    ("g.jp2", odd.plain("JPEG2000", "red")),
    ("h.tga", odd.plain("TGA", "red")),
    ("i.qoi", odd.plain("QOI", "red")),
    ("j.ppm", odd.plain("PPM", "red")),
    ("k.psd", odd.psd("red")),
    ("l.nef", odd.plain("TIFF", "red")),
    ("m", odd.psd("red")),
    ("n", raw("red")),
]


def test_picture_is_known_by_its_contents(pictures, home):
    for name, content in PICTURES:
        (pictures / name).write_bytes(content)
    result = index_colours(pictures, home)
    assert result.stderr == ""
    hits = answered("search", "red", "--no-fold", "-k", 99, "--library", home)["hits"]
    assert {os.path.basename(hit["path"]) for hit in hits} == {name for name, _ in PICTURES}
    assert f"{len(PICTURES)} unchanged" in run("index", "--library", home).stdout


def test_file_of_unknown_suffix_is_read_once(pictures, paint, home, monkeypatch):
    paint("red.png")
    (pictures / "unknown").write_bytes(b"nothing known")
    (pictures / "picture").write_bytes(odd.plain("PNG", "red"))
    index_colours(pictures, home)
    monkeypatch.setattr("indexer.pictures.scan._read_kind", None)
    again = run("index", "--library", home)
    assert "2 unchanged" in again.stdout
    assert "1 file without a suffix" in again.stderr


def test_raw_beside_its_picture_is_one_picture(pictures, home):
    (pictures / "IMG_1.JPG").write_bytes(odd.plain("JPEG", "red"))
    (pictures / "img_1.cr2").write_bytes(raw("red"))
    (pictures / "IMG_2.CR2").write_bytes(raw("blue"))
    result = index_colours(pictures, home)
    assert "2 added" in result.stdout
    assert "1 file was not indexed: 1 RAW beside another picture" in result.stderr
    (pictures / "IMG_1.JPG").unlink()
    assert "1 added, 0 changed, 1 unchanged, 1 removed" in run("index", "--library", home).stdout


def test_raw_is_indexed_where_its_picture_is_excluded(pictures, home):
    (pictures / "IMG_1.JPG").write_bytes(odd.plain("JPEG", "red"))
    (pictures / "IMG_1.CR2").write_bytes(raw("red"))
    result = index_colours(pictures, home, "--exclude", "*.JPG")
    assert "1 added" in result.stdout
    assert "not indexed" not in result.stderr


def test_named_caption_file_beside_its_picture_is_refused(paint, pictures, home):
    paint("red.png")
    (pictures / "red.captions").write_text("a red wall")
    result = index_colours(pictures, home, "--captions", pictures / "red.captions")
    assert result.exit_code == 2
    assert not home.exists()
