"""Sources are cut into pieces: always the same way, whatever kind of storage they lie in."""

import io
import tarfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexer.cluster.addresses import asked_at
from indexer.cluster.crew import crew_of
from indexer.cluster.folders import contents_of_folder, runs
from indexer.cluster.listing import Listing
from indexer.cluster.pieces import Piece, cut
from indexer.cluster.places import Place
from indexer.cluster.report import EncodeOptions
from indexer.cluster.sources import sources_of
from indexer.cluster.told import Told
from indexer.cluster.trees import LocalTree
from indexer.cluster.wanted import wanted_of
from indexer.errors import InputError

NAMES = st.lists(st.sampled_from([b"%d" % n for n in range(60)]), max_size=80).map(sorted)
ELSEWHERE = Path("/nowhere")


def first(name: bytes) -> bytes:
    return name[:1]


def picture(path: Path, colour="red") -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), colour).save(path)
    return path.read_bytes()


def listed(source: object, size: int = 100) -> tuple[list[Piece], Told]:
    """The pieces of a source, and all that is told of it."""
    pieces, told = [], Told("all")
    for one in sources_of([str(source)]):
        for value in Listing(size, Place(str(ELSEWHERE)), ()).of(one, lambda count: None):
            if isinstance(value, Piece):
                pieces.append(value)
            else:
                told.problems += value.problems
                told.passed_over += value.passed_over
    return pieces, told


def read(source: object, folder: Path, size: int = 100) -> dict[str, list]:
    """Name, contents and captions of each picture of a source."""
    found = {}
    for number, piece in enumerate(listed(source, size)[0]):
        scratch = folder / str(number)
        scratch.mkdir(parents=True)
        for wanted in wanted_of(piece.content, scratch, Told("")):
            texts = [caption.text for caption in wanted.captions]
            found[wanted.asked.relative.decode()] = texts
    return found


@given(NAMES, st.integers(1, 12))
def test_parts_hold_every_item_once_and_divide_no_group(names, size):
    parts = list(cut(names, first, size))
    assert [name for part in parts for name in part] == names
    groups = [set(map(first, part)) for part in parts]
    assert all(
        len(part) <= size or len(group) == 1 for part, group in zip(parts, groups, strict=True)
    )
    assert all(one.isdisjoint(after) for one, after in pairwise(groups))


@given(st.integers(0, 999), st.integers(4, 40))
def test_one_item_more_changes_only_the_parts_around_it(place, size):
    names = [b"%04d" % n for n in range(1000)]
    more = [*names[:place], b"%04da" % place, *names[place:]]
    before = {tuple(part) for part in cut(names, bytes, size)}
    after = {tuple(part) for part in cut(more, bytes, size)}
    assert len(after - before) <= 12


def test_a_piece_is_the_same_until_its_pictures_change(pictures):
    for number in range(9):
        picture(pictures / f"{number}.png")
    before = {piece.name for piece in listed(pictures, 3)[0]}
    assert before == {piece.name for piece in listed(pictures, 3)[0]}
    picture(pictures / "4.png", (1, 2, 3))
    (pictures / "4.png").touch()
    assert len(before & {piece.name for piece in listed(pictures, 3)[0]}) == len(before) - 1


def test_a_storage_is_read_as_a_folder_of_this_machine_is(pictures, tmp_path):
    picture(pictures / "dogs" / "a.png")
    (pictures / "dogs" / "a.txt").write_text("beside it")
    picture(pictures / "b.png")
    picture(pictures / "@eaDir" / "c.png")
    picture(pictures / "private" / "d.png")
    (pictures / "private" / ".nomedia").touch()
    (pictures / "b.cr2").write_bytes(b"II*\0")
    (pictures / "captions.csv").write_text("file,caption\nb.png,in a table\n")
    here = read(pictures, tmp_path / "here")
    assert here == {"b.png": ["in a table"], "dogs/a.png": ["beside it"]}
    assert read(f"fsspec+file://{pictures}", tmp_path / "there") == here
    assert read(f"file://{pictures}", tmp_path / "uri") == here
    passed_over = listed(pictures)[1].passed_over
    assert passed_over["folder with .nomedia"] == 1
    assert listed(f"fsspec+file://{pictures}")[1].passed_over == passed_over


def test_captions_reach_their_pictures_in_whatever_piece(pictures, tmp_path):
    rows = ["file,caption"]
    for number in range(20):
        picture(pictures / f"{number % 3}" / f"{number:02}.png")
        (pictures / f"{number % 3}" / f"{number:02}.txt").write_text(f"beside {number}")
        rows.append(f"{number % 3}/{number:02}.png,in a table {number}")
    (pictures / "captions.csv").write_text("\n".join(rows))
    found = read(pictures, tmp_path / "x", size=4)
    assert len(found) == 20
    for name, texts in found.items():
        number = int(Path(name).stem)
        assert texts == [f"beside {number}", f"in a table {number}"]


def test_a_large_folder_is_walked_in_runs_with_the_tables_above_them(pictures):
    for folder in "abcd":
        for number in range(3):
            picture(pictures / folder / f"{folder}{number}.png")
    (pictures / "z.csv").write_text(
        "file,caption\n" + "".join(f"{f}{n}.png,says {f}{n}\n" for f in "abcd" for n in range(3))
    )
    tree, told = LocalTree(pictures, ELSEWHERE), Told("")
    assert [len(run.pictures) for run in runs(tree, told, 4)] == [6, 6]
    parts = contents_of_folder(Place(str(pictures)), tree, 100, told, most=4)
    captions = {name: c[0].text for part in parts for name, c in part.captions.items()}
    assert len(captions) == 12
    assert captions[b"a/a1.png"] == "says a1"


def test_a_list_names_pictures_anywhere(pictures, tmp_path):
    picture(pictures / "a.png")
    picture(tmp_path / "other" / "b.png")
    names = pictures / "list.txt"
    names.write_text(
        f"a.png\n\n{tmp_path}/other/b.png\nhttps://host/x//c.png?d=1\ns3://bucket/e.png\n"
    )
    [piece] = listed(names)[0]
    known = [(a.folder.decode(), a.relative.decode()) for a in piece.content.asked]
    assert known == [
        (str(pictures), "a.png"),
        (str(tmp_path / "other"), "b.png"),
        ("https://host/x/", "c.png?d=1"),
        ("s3://bucket", "e.png"),
    ]


@pytest.mark.parametrize(
    ("text", "relative"),
    [("./a.png", b"a.png"), (".a/../.b.png", b".b.png"), ("../a.png", b"a.png")],
)
def test_a_list_in_a_storage_names_pictures_of_its_folder(text, relative):
    asked = asked_at(text, Place("s3://bucket/list"), 0)
    assert (asked.folder, asked.relative) == (b"s3://bucket/list", relative)


@pytest.mark.parametrize("size", [2, 100])
def test_parquet_holds_bytes_or_names_files(pictures, tmp_path, size):
    data = picture(pictures / "a.png")
    table = pa.table(
        {
            "image": [{"bytes": data, "path": "x/a.png"}] * 3,
            "caption": ["one", ["two", "2"][0], "three"],
        }
    )
    pq.write_table(table, pictures / "hf.parquet", row_group_size=2)
    found = read(pictures / "hf.parquet", tmp_path / "1", size)
    assert found == {
        "hf.parquet/row0/a.png": ["one"],
        "hf.parquet/row1/a.png": ["two"],
        "hf.parquet/row2/a.png": ["three"],
    }
    pq.write_table(pa.table({"URL": ["a.png"], "TEXT": ["red"]}), pictures / "urls.parquet")
    assert read(pictures / "*ls.parquet", tmp_path / "2", size) == {"a.png": ["red"]}
    # In a folder, a table with bytes is a source, and one with names tells captions.
    assert read(pictures, tmp_path / "3", size) == {**found, "a.png": ["red"]}


@pytest.mark.parametrize("address", ["{}", "fsspec+file://{}"])
def test_webdataset(pictures, tmp_path, address):
    data = picture(tmp_path / "a.png")
    with tarfile.open(pictures / "0.tar", "w") as tar:
        for name, content in (("1.png", data), ("1.txt", b"red"), ("2.png", data)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    expected = {"0.tar/1.png": ["red"], "0.tar/2.png": []}
    assert read(address.format(pictures), tmp_path / "1") == expected
    assert read(address.format(pictures / "0.tar"), tmp_path / "2") == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "no such file or folder"),
        ("gone/*.parquet", "no such file or folder"),
        ("*.parquet", "no file fits"),
        ("a.png", "neither a list nor a table"),
        ("https://host/pictures/", "cannot be listed"),
        ("nonsense://host/pictures", "no storage that picfuse can read"),
        ("fsspec+file:///gone", "no such file or folder"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(pictures, monkeypatch, name, said):
    picture(pictures / "a.png")
    monkeypatch.chdir(pictures)
    with pytest.raises(InputError, match=said):
        sources_of([name])


def test_a_table_without_pictures_is_a_problem_and_the_rest_goes_on(pictures):
    pq.write_table(pa.table({"x": [1]}), pictures / "a.parquet")
    (pictures / "b.parquet").write_bytes(b"PAR1 and no more")
    for name, said in (("a.parquet", "no column of pictures"), ("b.parquet", "not a readable")):
        pieces, told = listed(pictures / name)
        assert not pieces
        assert said in told.problems[0].reason


def test_actors_fit_the_machines():
    def machines(*sizes):
        return [{"Alive": True, "Resources": {"CPU": c, "GPU": g}} for c, g in sizes]

    assert crew_of(machines((8, 0), (0, 0), (4, 0)), EncodeOptions()) == (3, 4)
    assert crew_of(machines((8, 0)), EncodeOptions(actors=2)) == (2, 4)
    assert crew_of(machines((8, 0), (8, 0)), EncodeOptions(cpus=3)) == (4, 3)
    assert crew_of(machines((8, 2), (8, 1)), EncodeOptions(gpus=0.5)) == (6, 2)
    for wrong in (EncodeOptions(gpus=1), EncodeOptions(cpus=9)):
        with pytest.raises(InputError):
            crew_of(machines((8, 0)), wrong)
