"""Merging: libraries and stores become one library, as if all folders had been indexed into it."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from colour_tags import colour_head
from command_line import answered, refusal, run, sample_library
from PIL import Image

from indexer import IndexOptions, Library, index_folder
from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from indexer.shards.manifest import StoreEncoder
from indexer.shards.reading import records_of_library
from indexer.shards.sources import LibrarySource
from indexer.shards.store import Store
from search import Searcher
from search.albums import named_album, save_album
from search.browsing.picked import add_pictures, album_ids, favourites, set_favourites

COLOURS = ("red", "green", "blue", "black", "yellow", "purple", "white")


@pytest.fixture
def folders(tmp_path):
    """Two folders of coloured pictures; some have captions."""
    for folder, names in (("one", COLOURS[:4]), ("two", COLOURS[3:])):
        place = tmp_path / "pictures" / folder
        place.mkdir(parents=True)
        for n, name in enumerate(names):
            Image.new("RGB", (16, 12), name).save(place / f"{name}.png")
            if n % 2:
                (place / f"{name}.txt").write_text(f"a {COLOURS[n]} wall")
    return tmp_path / "pictures" / "one", tmp_path / "pictures" / "two"


@pytest.fixture
def home(tmp_path, folders):
    """Libraries of the first folder, of the second, and of both."""

    def made(name, *indexed):
        with Library.create(tmp_path / name, encoder="colour") as library:
            index_folder(library, *indexed)
        return tmp_path / name

    return made("a", folders[0]), made("b", folders[1]), made("both", *folders)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "merged"


def merged(*words, status=0):
    return answered("merge", *words, status=status)


def hits(path, text):
    with Library.open(path, read_only=True) as library:
        answer = Searcher(library).search(text, k=50)
        return [(hit.path, hit.score) for hit in answer.hits]


def as_records(path):
    with Library.open(path, read_only=True) as library:
        found = [each for batch in records_of_library(library) for each in batch]
    return sorted(found, key=lambda each: (each.folder, each.relative))


def contents(folder):
    """All files of a library except SQLite's own of those that read it now."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p: p.read_bytes() for p in files if not p.name.endswith(("-shm", "-wal"))}


@pytest.mark.parametrize("text", ["red", "a blue wall", "black"])
def test_merged_library_answers_like_one_that_indexed_all(home, target, text):
    a, b, both = home
    merged(a, b, "--library", target)
    assert hits(target, text) == hits(both, text)
    assert as_records(target) == as_records(both)
    assert run("doctor", "--library", target).exit_code == 0


def test_merging_again_changes_nothing_and_sources_never_change(home, target):
    a, b, _ = home
    before = contents(a), contents(b)
    first = merged(a, b, "--library", target)
    again = merged(a, b, "--library", target)
    assert (first["added"], first["unchanged"], first["thumbnails"]) == (8, 0, 7)
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 8)
    assert [each["unchanged"] for each in again["sources"]] == [4, 4]
    assert (again["thumbnails"], again["renamed"], again["problems"]) == (0, [], [])
    assert (contents(a), contents(b)) == before


def test_a_merge_adds_what_is_new_since_the_last_one(home, target, folders):
    a, b, _ = home
    merged(a, b, "--library", target)
    (folders[0] / "red.txt").write_text("a red door")
    Image.new("RGB", (9, 9), "white").save(folders[0] / "new.png")
    with Library.open(a) as library:
        index_folder(library)
    assert merged(a, b, "--library", target)["sources"][0] == {
        "place": str(a), "kind": "library", "added": 1, "changed": 1, "unchanged": 3,
    }  # fmt: skip


def test_indexing_after_a_merge_reads_nothing_again(home, target):
    a, b, _ = home
    merged(a, b, "--library", target)
    report = answered("index", "--library", target)
    assert (report["added"], report["changed"], report["unchanged"]) == (0, 0, 8)


def test_libraries_of_folders_inside_each_other_become_one_folder(home, target, folders):
    a, _, _ = home
    with Library.create(target.with_name("above"), encoder="colour") as above:
        index_folder(above, folders[0].parent, options=IndexOptions(exclude=["*.gif"]))
    report = merged(a, target.with_name("above"), "--library", target)
    assert (report["added"], report["unchanged"]) == (8, 4)
    with Library.open(target) as library:
        [folder] = library.catalogue.folders()
    assert (folder.path, json.loads(folder.exclude)) == (folders[0].parent, ["*.gif"])


def test_options_of_a_folder_come_with_it(tmp_path, home, target, folders):
    a, _, _ = home
    captions = tmp_path / "more.csv"
    captions.write_text("file,caption\nred.png,a boat\n")
    with Library.open(a) as library:
        index_folder(library, folders[0], options=IndexOptions([captions], ["drafts/"]))
        [there] = library.catalogue.folders()
    merged(a, "--library", target)
    with Library.open(target) as library:
        [here] = library.catalogue.folders()
    assert here == there


def test_thumbnails_come_along(home, target):
    a, _, _ = home
    merged(a, "--library", target)
    for record in as_records(target):
        assert read_thumbnail(thumbnail_path(target / "thumbnails", record.content_hash))


def test_albums_and_favourites_come_along(home, target):
    a, b, _ = home
    for place, text, names in ((a, "red", ["red.png"]), (b, "blue", ["white.png", "purple.png"])):
        with Library.open(place) as library:
            ids = {path.name: key for key, path in paths_of(library).items()}
            save_album(library, "Walls", text)
            save_album(library, "Dark", "black")
            add_pictures(library, "Trip", [ids[name] for name in names])
            set_favourites(library, [ids[names[0]]], on=True)
    report = merged(a, b, "--library", target)
    assert report["renamed"] == [
        {"what": "album", "name": name, "new": f"{name} 2"} for name in ("Walls", "Trip")
    ]
    assert merged(a, b, "--library", target)["renamed"] == []
    with Library.open(target) as library:
        names = {key: path.name for key, path in paths_of(library).items()}
        assert library.albums.names() == ["Dark", "Walls", "Walls 2"]
        assert named_album(library, "Walls 2").terms[0].text == "blue"
        trips = [[names[key] for key in album_ids(library, n)] for n in ("Trip", "Trip 2")]
        assert trips == [["red.png"], ["white.png", "purple.png"]]
        assert [names[key] for key in favourites(library)] == ["red.png", "white.png"]


def paths_of(library):
    infos = library.catalogue.pictures(library.catalogue.present_ids())
    return {key: info.path for key, info in infos.items()}


def test_an_album_that_grew_is_the_same_album(home, target):
    a, _, _ = home
    with Library.open(a) as library:
        ids = library.catalogue.present_ids()
        add_pictures(library, "Trip", ids[:2])
        merged(a, "--library", target)
        add_pictures(library, "Trip", ids[2:3])
    assert merged(a, "--library", target)["renamed"] == []
    with Library.open(target) as library:
        assert len(album_ids(library, "Trip")) == 3


def test_tag_heads_come_along_and_tag_all_pictures(home, target, tmp_path):
    a, b, _ = home
    head = colour_head(tmp_path / "colours.safetensors")
    with Library.open(b) as library:
        index_folder(library, options=IndexOptions(tags=[head]))
    merged(a, b, "--library", target)
    with Library.open(target) as library:
        ids = {path.name: key for key, path in paths_of(library).items()}
        assert "reddish" in library.tags.of([ids["red.png"]])[ids["red.png"]]


def test_a_store_is_merged_like_the_library_it_came_from(home, target, tmp_path):
    a, b, both = home
    place = stored(both, tmp_path / "store", 3)
    report = merged(place, "--library", target)
    assert (report["added"], report["sources"][0]["kind"]) == (8, "store")
    assert as_records(target) == as_records(both)
    assert hits(target, "red") == hits(both, "red")
    assert merged(a, b, "--library", target)["unchanged"] == 8
    assert run("doctor", "--library", target).exit_code == 0


def test_halves_of_the_sample_answer_like_the_whole(tmp_path_factory, tmp_path, target):
    whole = sample_library(tmp_path_factory)
    with closing(LibrarySource(whole)) as source:
        records, encoder = as_records(whole), source.encoder
    for number in (0, 1):
        store = Store.create(str(tmp_path / f"half-{number}"), encoder)
        store.write_shard("only", records[number::2])
        store.finish()
    merged(tmp_path / "half-0", tmp_path / "half-1", "--library", target)
    for text in ("a dog", "water -boat", "red flowers"):
        one, other = (dict(hits(library, text)) for library in (target, whole))
        assert list(one) == list(other)
        assert list(one.values()) == pytest.approx(list(other.values()), abs=1e-3)


def stored(library, place, size):
    """A store of a library's pictures, in shards of this size."""
    records = as_records(library)
    with Library.open(library, read_only=True) as opened:
        store = Store.create(str(place), StoreEncoder.of(opened.encoder))
    for start in range(0, len(records), size):
        store.write_shard(f"part-{start:03}", records[start : start + size])
    store.finish()
    return place


def test_a_damaged_shard_is_told_and_the_others_are_merged(home, target, tmp_path):
    place = stored(home[2], tmp_path / "store", 3)
    (place / "shards" / "part-003.parquet").write_bytes(b"PAR1")
    report = merged(place, "--library", target, status=1)
    assert report["added"] == 5
    assert "the shard part-003 is damaged or cut short" in report["problems"][0]["reason"]


def test_a_store_that_is_not_finished_is_refused(home, target, tmp_path):
    with Library.open(home[0], read_only=True) as opened:
        Store.create(str(tmp_path / "store"), StoreEncoder.of(opened.encoder))
    said = refusal("merge", tmp_path / "store", "--library", target, status=3)
    assert "only partly written" in said
    assert not target.exists()


def test_sources_of_two_encoders_are_refused_before_anything_is_made(home, target, folders):
    a, _, _ = home
    with Library.create(target.with_name("second"), encoder="colour:2") as second:
        index_folder(second, folders[1])
    said = refusal("merge", a, target.with_name("second"), "--library", target, status=3)
    assert "made with 'colour:2'" in said
    assert f"picfuse index --library {second.path} --model colour" in said
    assert not target.exists()
    assert f"but {second.path} with" in refusal("merge", a, "--library", second.path, status=3)


@pytest.mark.parametrize("what", ["nothing", "a folder", "itself"])
def test_what_is_no_source_is_named(home, target, folders, what):
    place = {"nothing": target, "a folder": folders[0], "itself": home[0]}[what]
    said = refusal("merge", place, "--library", home[0], status=2)
    assert str(place) in said


def test_a_locked_source_is_read_as_it_is(home, target):
    a, _, _ = home
    with closing(sqlite3.connect(a / "catalogue.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM pictures")
        assert merged(a, "--library", target)["added"] == 4


def test_an_interrupted_merge_goes_on(home, target, tmp_path, monkeypatch):
    place = stored(home[2], tmp_path / "store", 2)
    read = Store.records

    def stopping(store, name):
        if name == "part-004":
            os.kill(os.getpid(), signal.SIGINT)
        return read(store, name)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "records", stopping)
        report = merged(place, "--library", target, status=130)
    assert report["interrupted"]
    assert report["added"] == 6
    report = merged(place, "--library", target)
    assert (report["added"], report["unchanged"]) == (2, 6)
    assert as_records(target) == as_records(home[2])


def test_lines_for_people_name_sources_and_numbers(home, target):
    result = run("merge", home[0], home[1], "--library", target)
    assert result.exit_code == 0
    first, second, last = result.stdout.splitlines()
    assert first == f"{home[0]}: 4 added, 0 changed, 0 unchanged"
    assert second.startswith(f"{home[1]}: 4 added")
    assert last.startswith(f"merged into {target} in ")
    assert Path(target).is_dir()
