"""Albums: searches with a name that stay current, and lose nothing by what happens to a library."""

import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from command_line import SAMPLE, answered, index_colours, refusal, run, sample_library
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder
from indexer.catalogue.database import FILE
from indexer.doctor import examine
from indexer.doctor.rescue import rescue
from indexer.errors import InputError, LibraryDamaged, PlacedError, QueryError
from search import Query, Searcher, Term
from search.albums import album_pictures, delete_album, named_album, save_album
from search.query.options import AUTO

QUICK = IndexOptions(workers=1)


def shown(library, name):
    """The names of an album's pictures now."""
    found = album_pictures(Searcher(library), named_album(library, name))
    return [hit.path.name for hit in found.answer.hits]


def test_album_stays_current_as_pictures_come_and_go(colour_library, paint, colour_pictures):
    save_album(colour_library, "reds", Query.of("red", weight=1.0), least=0.9)
    assert shown(colour_library, "reds") == ["red.png"]
    paint("red-2.png", (250, 0, 0))
    index_folder(colour_library, options=QUICK)
    assert set(shown(colour_library, "reds")) == {"red.png", "red-2.png"}
    (colour_pictures / "red.png").unlink()
    index_folder(colour_library, options=QUICK)
    assert shown(colour_library, "reds") == ["red-2.png"]


def test_pictures_that_an_album_asks_with_are_its_first(colour_library, colour_pictures):
    query = Query((Term(text="blue"), Term(picture=str(colour_pictures / "green.png"))), 1.0)
    marks = {
        "like": [str(colour_pictures / "black.png")],
        "unlike": [str(colour_pictures / "red.png")],
    }
    save_album(colour_library, "mine", query, k=3, **marks)
    found = shown(colour_library, "mine")
    assert set(found[:2]) == {"green.png", "black.png"}
    assert found[2] == "blue.png"
    assert len(found) == 3


def test_album_finds_by_what_the_search_did(colour_library, paint):
    """The caption "blue boat" and the name "blue.png" have the word; by meaning, red comes too."""
    query = Query.of("blue", weight=1.0)
    for mode in ("words", "vector", "auto"):
        save_album(colour_library, mode, query, mode=mode)
        asked = Searcher(colour_library).search(query, mode=mode, k=5).hits
        assert shown(colour_library, mode) == [hit.path.name for hit in asked]
    assert set(shown(colour_library, "words")) == {"blue.png", "yellow.png"}
    assert len(shown(colour_library, "vector")) == 5


def test_album_of_words_has_the_name_of_a_file_as_a_word(colour_library):
    query = Query((Term(picture="yellow.png"), Term(text="cat")))
    save_album(colour_library, "named", query, mode="words", k=2)
    assert shown(colour_library, "named") == ["yellow.png", "black.png"]
    assert named_album(colour_library, "named").contents == []


def test_album_takes_words_as_literally_as_the_search_did(colour_library):
    for literal in (True, False):
        query = Query.parse("red", literal=literal)
        album = save_album(colour_library, "a", query, replace=True)
        (term,) = album_pictures(Searcher(colour_library), album).answer.query.terms
        (kept,) = named_album(colour_library, "a").terms
        assert (term.literal, kept.literal) == (literal, literal)


@pytest.mark.parametrize("options", [{"like": [1]}, {"least": 0.5}])
def test_album_of_words_takes_neither_marks_nor_a_score(colour_library, options):
    with pytest.raises(QueryError, match="leave the mode at 'auto'"):
        save_album(colour_library, "a", Query.of("red"), mode="words", **options)


def test_album_that_names_no_mode_asks_in_any_way(colour_library):
    """As those do that were saved before albums had a mode."""
    save_album(colour_library, "old", Query.of("blue"), mode="words")
    with closing(sqlite3.connect(colour_library.path / FILE)) as connection:
        (asked,) = connection.execute("SELECT asked FROM albums").fetchone()
        before = {key: said for key, said in json.loads(asked).items() if key != "mode"}
        connection.execute("UPDATE albums SET asked = ?", (json.dumps(before),))
        connection.commit()
    assert named_album(colour_library, "old").mode == AUTO
    assert len(shown(colour_library, "old")) == 5


@pytest.mark.parametrize("k", [None, 1, 3, 4, 9])
@pytest.mark.parametrize("ranked", [True, False])
def test_pages_of_an_album_are_the_album(colour_library, colour_pictures, ranked, k):
    options = {"k": k} if k else {}
    if ranked:
        marks = {"like": [str(colour_pictures / "green.png")]}
        save_album(colour_library, "a", Query.of("red"), **options, **marks)
    else:
        save_album(colour_library, "a", Query(()), **options, where="format: png")
    searcher, album = Searcher(colour_library), named_album(colour_library, "a")
    offset, pages = 0, []
    while offset is not None:
        answer = album_pictures(searcher, album, k=2, offset=offset).answer
        pages.append([hit.path.name for hit in answer.hits])
        offset = answer.next_offset
    assert [name for page in pages for name in page] == shown(colour_library, "a")
    assert {len(page) for page in pages[:-1]} <= {2}
    assert pages[-1]
    assert album_pictures(searcher, album, k=2, offset=10).answer.hits == ()


def test_number_and_least_score_hold(colour_library):
    save_album(colour_library, "two", Query.of("red"), k=2)
    save_album(colour_library, "none", Query.of("red", weight=1.0), least=1.5)
    save_album(colour_library, "all", Query.of("red"))
    assert [len(shown(colour_library, name)) for name in ("two", "none", "all")] == [2, 0, 5]


def test_album_of_conditions_alone_lists_what_fulfils_them(colour_library):
    save_album(colour_library, "said", Query(()), where="has: caption")
    assert set(shown(colour_library, "said")) == {"black.png", "yellow.png"}


def test_album_asks_as_the_search_did(colour_library, colour_pictures):
    paths = [str(colour_pictures / name) for name in ("green.png", "black.png")]
    query = Query.of("red and blue", weight=0.3)
    save_album(colour_library, "a", query, like=paths[:1], unlike=paths[1:])
    answer = Searcher(colour_library).search(query, like=paths[:1], unlike=paths[1:])
    found = album_pictures(Searcher(colour_library), named_album(colour_library, "a")).answer.hits
    assert found[0].path.name == "green.png"
    assert [(h.path, h.score) for h in found[1:]] == [(h.path, h.score) for h in answer.hits]


def test_album_works_when_the_files_it_was_made_with_are_gone(colour_library, paint, tmp_path):
    other = paint("green-other.png", (0, 250, 5)).rename(tmp_path / "other.png")
    save_album(colour_library, "greens", Query((Term(picture=str(other)),), 1.0), k=1)
    save_album(colour_library, "bytes", Query((Term(picture=other.read_bytes()),), 1.0), k=1)
    other.unlink()
    forget_counts(colour_library)
    assert shown(colour_library, "greens") == shown(colour_library, "bytes") == ["green.png"]
    assert colour_library.encoder.images == 0


def test_marks_outlive_forgetting_the_folder_of_their_pictures(colour_library, pictures, tmp_path):
    """Prune takes the library's own embeddings of pictures that are gone; albums have theirs."""
    path = pictures / "red.png"
    save_album(colour_library, "reds", Query((), 1.0), like=[str(path)], k=1)
    path.unlink()
    index_folder(colour_library, options=IndexOptions(workers=1, prune=True))
    found = album_pictures(Searcher(colour_library), named_album(colour_library, "reds"))
    assert found.lost == ()
    assert found.answer.hits[0].path.name == "yellow.png"  # half of it is red


def moved(library, **options):
    """The library, moved to an encoder of another space."""
    index_folder(library, options=IndexOptions(workers=1, model="colour:2", **options))
    assert library.encoder.name == "colour:2"


def test_album_moves_to_another_encoder_with_its_library(colour_library, pictures, paint, tmp_path):
    """Words, pictures of the library and files that are still there are embedded anew."""
    other = paint("blue-other.png", (5, 0, 250)).rename(tmp_path / "other.png")
    marks = {"like": [str(pictures / "green.png"), str(other)]}
    save_album(colour_library, "mixed", Query.of("red", weight=1.0), **marks, k=4)
    before = shown(colour_library, "mixed")
    moved(colour_library, prune=True)
    found = album_pictures(Searcher(colour_library), named_album(colour_library, "mixed"))
    assert found.lost == ()
    assert [hit.path.name for hit in found.answer.hits] == before
    assert "albums" in {finding.check for finding in examine(colour_library)}
    assert not [f for f in examine(colour_library) if f.check == "albums" and f.serious]


def test_what_is_lost_in_a_move_is_said(colour_library, pictures, paint, tmp_path):
    other = paint("blue-other.png", (5, 0, 250)).rename(tmp_path / "other.png")
    save_album(colour_library, "half", Query.of("red", weight=1.0), like=[str(other)], k=1)
    save_album(colour_library, "whole", Query((), 1.0), like=[str(other)], k=1)
    moved(colour_library)
    other.unlink()
    found = album_pictures(Searcher(colour_library), named_album(colour_library, "half"))
    assert len(found.lost) == 1
    assert [hit.path.name for hit in found.answer.hits] == ["red.png"]  # by the words alone
    with pytest.raises(QueryError, match="all pictures it was saved with are lost"):
        album_pictures(Searcher(colour_library), named_album(colour_library, "whole"))
    (finding,) = [f for f in examine(colour_library) if f.check == "albums"]
    assert (finding.serious, finding.examples) == (False, ("half", "whole"))
    index_folder(colour_library, options=IndexOptions(workers=1, model="colour"))
    assert shown(colour_library, "whole") == ["blue.png"]  # moving back finds what was kept


def test_name_is_taken_once_and_replaced_only_on_request(colour_library):
    save_album(colour_library, "a  b ", Query.of("red"), k=1)
    with pytest.raises(InputError, match="album 'a b' already exists; replace it"):
        save_album(colour_library, "a b", Query.of("blue"), k=1)
    save_album(colour_library, "a b", Query.of("blue", weight=1.0), k=1, replace=True)
    assert shown(colour_library, "a b") == ["blue.png"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\x1b[31m"])
def test_name_that_cannot_be_shown_is_refused(colour_library, name):
    with pytest.raises(InputError, match="not a valid album name"):
        save_album(colour_library, name, Query.of("red"))


def test_what_cannot_be_asked_is_not_saved(colour_library):
    with pytest.raises(PlacedError):
        save_album(colour_library, "a", Query.of("red"), where="colour: red")
    with pytest.raises(QueryError):
        save_album(colour_library, "a", Query.of("red"), like=["nowhere.jpg"])
    assert colour_library.albums.names() == []


def test_deleting_an_album_deletes_no_picture(colour_library, colour_pictures):
    save_album(colour_library, "a", Query.of(picture=str(colour_pictures / "red.png")))
    delete_album(colour_library, "a")
    assert colour_library.albums.names() == []
    assert colour_library.catalogue.number_present() == 5
    with closing(sqlite3.connect(colour_library.path / FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM album_pictures").fetchone() == (0,)
    with pytest.raises(InputError, match="no album 'a'; existing albums: none yet"):
        delete_album(colour_library, "a")


def test_rescue_carries_albums_along(colour_library, colour_pictures):
    marks = {"like": [str(colour_pictures / "green.png")]}
    save_album(colour_library, "a", Query.of("red"), **marks, k=3)
    before = shown(colour_library, "a")
    kept = named_album(colour_library, "a")
    colour_library.close()
    found = rescue(colour_library.path)
    assert (found.rows["albums"], found.rows["album_pictures"]) == (1, 1)
    with Library.open(colour_library.path, read_only=True) as opened:
        assert shown(opened, "a") == before
        assert named_album(opened, "a") == kept


@pytest.mark.parametrize("asked", ["", "[]", "{}", '{"terms": [{"weight": "x"}]}'])
def test_damaged_album_is_found_by_the_doctor_and_costs_only_itself(colour_library, asked):
    save_album(colour_library, "bad", Query.of("red"), k=1)
    save_album(colour_library, "good", Query.of("red", weight=1.0), k=1)
    with closing(sqlite3.connect(colour_library.path / FILE)) as connection:
        connection.execute("UPDATE albums SET asked = ? WHERE name = 'bad'", (asked,))
        connection.commit()
    with pytest.raises(LibraryDamaged, match="album 'bad' cannot be read"):
        named_album(colour_library, "bad")
    (finding,) = [f for f in examine(colour_library) if f.check == "albums"]
    assert (finding.serious, finding.examples) == (True, ("bad",))
    assert shown(colour_library, "good") == ["red.png"]
    said = answered("album", "--library", colour_library.path)["albums"]
    assert [entry["pictures"] for entry in said] == [None, 1]
    assert run("album", "bad", "--delete", "--library", colour_library.path).exit_code == 0


# The command


@pytest.fixture
def library(tmp_path, colour_pictures, request):
    """The path of a library that the command made; an opened one for the tests above."""
    path = tmp_path / "library"
    if "colour_library" not in request.fixturenames:
        assert index_colours(colour_pictures, path).exit_code == 0
        yield path
        return
    with Library.create(path, encoder="colour") as made:
        yield made


def names(answer):
    return [hit["path"].rpartition("/")[2] for hit in answer["hits"]]


def test_like_and_unlike_refine_a_search(library, colour_pictures):
    words = ("search", "red", "--weight", 1, "--library", library)
    assert names(answered(*words))[0] == "red.png"
    like = ("--like", colour_pictures / "blue.png", "--unlike", colour_pictures / "red.png")
    found = names(answered(*words, *like))
    assert not {"red.png", "blue.png"} & set(found)
    alone = ("search", "--like", colour_pictures / "blue.png", "--library", library)
    assert names(answered(*alone))[0] == "yellow.png"  # it says blue
    similar = ("similar", colour_pictures / "red.png", *like[:2], "--library", library)
    assert not {"red.png", "blue.png"} & set(names(answered(*similar)))


def test_mark_that_is_no_picture_is_status_2(library):
    said = refusal("search", "red", "--like", "nowhere.jpg", "--library", library, status=2)
    assert said.endswith("nowhere.jpg: no such picture here or in the library; check the name")
    said = refusal(
        "search", "--unlike", SAMPLE / "koala-in-tree.jpg", "--library", library, status=2
    )
    assert "nothing to search for" in said


def test_album_is_saved_listed_shown_and_deleted(library, colour_pictures):
    place = ("--library", library)
    result = run("album", "reds", "red", "--least", 0.9, "--weight", 1, *place)
    assert (result.exit_code, result.stdout) == (0, "saved: reds, 1 picture at present\n")
    result = run("album", "reds", *place)
    assert result.stdout.split() == ["1", "1.000", str(colour_pictures / "red.png")]
    assert run("album", *place).stdout == "      1  reds\n"
    result = run("album", "reds", "--delete", *place)
    assert (result.exit_code, result.stdout) == (0, "deleted: reds; its pictures are not touched\n")
    result = run("album", *place)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (colour_pictures / "red.png").exists()


def test_album_for_scripts(library, colour_pictures):
    place = ("--library", library)
    like = ("--like", colour_pictures / "green.png", "--where", "format: png", "-k", 2)
    saved = answered("album", "a", "red", "-", "2:blue", *like, *place)
    assert saved["asked"] == {
        "terms": [{"weight": 1.0, "text": "red"}, {"weight": -2.0, "text": "blue"}],
        "weight": None,
        "like": [str(colour_pictures / "green.png")],
        "unlike": [],
        "tags": [],
        "where": "format: png",
        "k": 2,
        "least": None,
        "min_confidence": None,
        "date_order": "DMY",
        "mode": "auto",
    }
    again = answered("album", "a", *place)
    assert again == saved
    assert names(saved)[0] == "green.png"
    assert answered("album", *place)["albums"] == [
        {"album": "a", "pictures": 2, "lost": 0, "asked": saved["asked"]}
    ]
    lines = run("album", "a", "--jsonl", *place).stdout.splitlines()
    assert [json.loads(line) for line in lines] == saved["hits"]
    assert run("album", "a", "-0", *place).stdout.count("\0") == 2
    assert len(answered("album", "a", "-k", 1, *place)["hits"]) == 1
    assert answered("album", "a", "--delete", *place) == {"album": "a", "deleted": True}
    assert answered("album", *place, status=1) == {"albums": []}


def test_album_of_words_is_saved_by_the_command(library):
    saved = answered("album", "a", "blue", "--mode", "words", "--library", library)
    assert saved["asked"]["mode"] == "words"
    assert answered("album", "a", "--library", library)["hits"] == saved["hits"]
    assert set(names(saved)) == {"blue.png", "yellow.png"}
    assert {hit["score"] for hit in saved["hits"]} == {None}


def test_empty_album_is_saved_and_shows_nothing_yet(library):
    place = ("--library", library)
    assert run("album", "a", "red", "--least", 2, *place).exit_code == 0
    result = run("album", "a", *place)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no picture of the library matches this album now" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "no album 'nope'; existing albums: none yet"),
        (["a", "--least", 0.3], "nothing to search for"),
        (["a", "red", "--delete"], "--delete takes only the name"),
        (["--like", "x.jpg"], "album: no name; give one first"),
        (["a", "--mode", "words"], "nothing to search for"),
        (["a", "red", "--mode", "words", "--least", 0.3], "a search by words has no scores"),
        (["--jsonl"], "give its name"),
    ],
)
def test_wrong_use_is_status_2(library, words, message):
    assert message in refusal("album", *words, "--library", library, status=2)


def test_album_of_a_library_that_cannot_be_written_is_still_shown(library):
    run("album", "a", "red", "-k", 1, "--library", library)
    library.chmod(0o555)
    try:
        assert len(answered("album", "a", "--library", library)["hits"]) == 1
    finally:
        library.chmod(0o755)


def test_album_leaves_out_what_the_search_would_hide(tmp_path_factory, tmp_path):
    path = tmp_path / "library"
    shutil.copytree(sample_library(tmp_path_factory), path)
    with Library.open(path) as library:
        searcher = Searcher(library)
        for query, least in (("asdkjh qwertz", None), ("a steam train", None), ("a cat", -1.0)):
            album = save_album(library, query, Query.of(query), k=50, least=least)
            found = album_pictures(searcher, album).answer.hits
            answer = searcher.search(query, k=50)
            wanted = answer.without_doubtful() if least is None else answer
            assert [h.picture_id for h in found] == [h.picture_id for h in wanted.hits]
        assert not album_pictures(searcher, named_album(library, "asdkjh qwertz")).answer.hits


def test_album_asks_for_something(colour_library):
    wrong = colour_library.catalogue.present_ids()[:1]
    with pytest.raises(QueryError, match="nothing to search for"):
        save_album(colour_library, "nothing", Query(()), unlike=wrong)
    assert save_album(colour_library, "words", "red", k=1).name == "words"


def test_name_that_is_not_text_is_no_album(colour_library):
    named = ("album", os.fsdecode(b"bad\xff"), "--library", colour_library.path)
    said = refusal(*named, status=2)
    assert "no album" in said
