"""Searching by words: captions, names and tags are found by their words, whatever changes."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from colour_tags import colour_head
from command_line import GOLDEN, answered, index_colours, run, sample_library
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from indexer import IndexOptions, Library, index_folder
from indexer.captions import Caption
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.tokens import forms, spread
from indexer.doctor import examine, repair
from indexer.doctor.rescue import rescue
from indexer.errors import InputError, QueryError
from indexer.pictures.facts import ContentFacts
from indexer.pipeline.relocating import relocate
from search import Query, Searcher, Term
from search.words.names import is_name, named_pictures
from search.words.vocabulary import FILE as VOCABULARY
from search.words.vocabulary import is_described

QUICK = IndexOptions(workers=1)


def names(answer):
    return [hit.path.name for hit in answer.hits]


def worded(library, *words, **options):
    """Pictures found by words alone."""
    return names(Searcher(library).search(Query.parse(words), mode="words", **options))


def agreeing(library):
    """Whether the index of words holds what the catalogue says, and nothing waits."""
    (waiting,) = library.words.rows("SELECT count(*) FROM stale_words")[0]
    return waiting == 0 and library.words.wrong(library.words.known()) == []


@pytest.fixture
def album(library, paint, pictures):
    """Pictures whose names, folders and captions hold names and numbers."""
    paint("IMG_2041.png", "red")
    paint("Sicily 2019/DSC00123.png", "blue", caption="Anna's birthday, O'Hara said \"cake\"")
    paint("Sicily 2019/20190704_121314.png", "green", caption="Zoë and Anna")
    paint("AnnaAtTheSea.png", "black")
    paint("yellow.png"), paint("purple.png")
    index_folder(library, pictures, options=QUICK)
    return library


# Tokens


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("IMG_2041.jpg", "2041"),
        ("IMG_2041.jpg", "img2041"),
        ("IMG2041.jpg", "IMG_2041"),
        ("IMG2041.jpg", "2041"),
        ("img2041.jpg", "img2041"),
        ("DSC00123.jpg", "123"),
        ("00123.jpg", "00123"),
        ("20190704_121314.jpg", "2019"),
        ("20190704_121314.jpg", "20190704"),
        ("AnnaAtTheSea.jpg", "sea"),
        ("iPhone", "iphone"),
        ("Zoe\u0308", "zoë"),
        ("Zoë", "zoe"),
        ("München 2019", "Muenchen"),
        ("MUENCHEN.jpg", "München"),
        ("Munchen", "münchen"),
        ("baerchen.png", "Bärchen"),
        ("AmGroßenSee.jpg", "grossen"),
        ("Hauptstrasse", "Hauptstraße"),
        ("A\u030arhus", "Aarhus"),
        ("dogs", "dog"),
        ("my T-shirt", "t-shirt"),
        ("東京タワー.jpg", "東京"),
        ("東京タワー.jpg", "京タワ"),
        ("田中さんと猫", "猫"),
        ("小猫2019", "小猫"),
        ("서울에서", "서울"),
        ("น้ำตก", "น้ำ"),
        ("ນະຄອນຫຼວງ", "ຫຼວງ"),
        ("ភ្នំពេញ", "ពេញ"),
        ("ရန်ကုန်မြို့", "မြို့"),
    ],
)
def test_a_word_is_found_in_what_holds_it(said, word):
    assert matches(said, word)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("IMG_20411.jpg", "2041"),
        ("693b08cb0e.jpg", "08"),
        ("Savannah", "anna"),
        ("a-b", "b-a"),
        ("a pot", "poet"),
        ("東京タワー", "京東"),
        ("มา", "ม้า"),
        ("東西 京", "東京"),
    ],
)
def test_a_word_is_not_found_in_what_only_looks_like_it(said, word):
    assert not matches(said, word)


def matches(said, word):
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute("CREATE VIRTUAL TABLE w USING fts5(t, tokenize = 'porter unicode61')")
        memory.execute("INSERT INTO w VALUES (?)", (spread(said),))
        asked = " OR ".join(f'"{form}"' for form in forms(word))
        return bool(memory.execute("SELECT 1 FROM w WHERE w MATCH ?", (asked,)).fetchall())


@pytest.mark.parametrize("word", ["", "!", '"', "+", "\u2603", "\0"])
def test_what_has_neither_letter_nor_digit_is_no_word(word):
    assert forms(word) == ()


# By words alone


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["2041"], ["IMG_2041.png"]),
        (["img_2041.png"], ["IMG_2041.png"]),
        (["DSC123"], []),
        (["123"], ["DSC00123.png"]),
        (["zoe"], ["20190704_121314.png"]),
        (["sicily"], ["20190704_121314.png", "DSC00123.png"]),
        (["birthday", "anna"], ["DSC00123.png", "20190704_121314.png", "AnnaAtTheSea.png"]),
        (["anna", "-", "zoë"], ["DSC00123.png", "AnnaAtTheSea.png"]),
        (["anna", "-", "zoë", "birthday"], ["DSC00123.png", "20190704_121314.png",
                                            "AnnaAtTheSea.png"]),
        (["the"], ["AnnaAtTheSea.png"]),
    ],
)  # fmt: skip
def test_words_find_captions_and_names(album, words, found):
    assert sorted(worded(album, *words)) == sorted(found)


def test_more_and_rarer_words_come_first(album):
    assert worded(album, "anna", "birthday")[0] == "DSC00123.png"


def test_hits_say_which_words_were_found_and_have_no_score(album):
    hits = Searcher(album).search("the anna birthday", mode="words").hits
    assert {hit.path.name: hit.words for hit in hits} == {
        "DSC00123.png": ("anna", "birthday"),
        "20190704_121314.png": ("anna",),
        "AnnaAtTheSea.png": ("anna",),
    }
    assert {(hit.score, hit.image_score, hit.caption_score) for hit in hits} == {(None,) * 3}


def test_words_keep_to_what_is_allowed(album):
    assert worded(album, "anna", where="has: caption", k=1) == ["20190704_121314.png"]
    first = Searcher(album).search("anna", mode="words", k=1).hits[0]
    assert first.path.name not in worded(album, "anna", exclude=[first.picture_id])
    assert len(worded(album, "anna", k=2, exclude=[first.picture_id])) == 2


def test_words_need_no_encoder(album, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("an encoder was opened")

    monkeypatch.setattr("indexer.library.library.load_encoder", refuse)
    with Library.open(album.path, read_only=True) as opened:
        assert worded(opened, "2041") == ["IMG_2041.png"]


def test_picture_has_no_words(album):
    for term in (Term(picture=b"bytes"), Term(picture="./x.png"), Term(picture="http://a/x.png")):
        with pytest.raises(QueryError, match="a picture has no words"):
            Searcher(album).search(Query((term,)), mode="words")
    with pytest.raises(QueryError, match="no words to search for"):
        Searcher(album).search("!?", mode="words")


def test_unknown_mode_is_refused(album):
    with pytest.raises(InputError, match="no mode 'fast'; use one of auto, vector"):
        Searcher(album).search("anna", mode="fast")


def test_unknown_option_is_refused(album):
    with pytest.raises(TypeError, match="unexpected keyword argument 'wheight'"):
        Searcher(album).search("anna", wheight=1.0)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=st.one_of(st.text(max_size=30), st.lists(st.sampled_from(
    ['"', "'", "AND", "OR", "NOT", "NEAR(", "*", "^", ":", "captions:", "{", "}", "-", "+", "(",
     ")", "anna", "\0", "\ud800", ","])).map(" ".join)))  # fmt: skip
def test_no_text_is_a_syntax_error(album, said):
    found = album.words.best(said.split())
    assert all(score > 0 for _, score in found) or not found
    assert {key for key, _ in found} == {k for w in said.split() for k in album.words.having(w)}


# Names and numbers in an ordinary search


@pytest.mark.parametrize(
    "word", ["2041", "IMG_2041", "Anna", "anna's", "Hochzeit", "A380", "sicily", "2019"]
)
def test_names_and_numbers_are_told(word):
    assert is_name(word)


@pytest.mark.parametrize(
    "word",
    ["dog", "Dogs", "running", "runners", "happiest", "2", "12", "4x4", "3d", "the", "yellow",
     "snowboarder", "T-shirt", "frisbee", "geese", "carried", "!", "au"],
)  # fmt: skip
def test_what_descriptions_are_made_of_is_no_name(word):
    assert not is_name(word)


def test_vocabulary_knows_the_words_of_the_sample_captions_and_no_forenames():
    with (ROOT / "data" / "sample" / "captions.csv").open(encoding="utf-8") as file:
        words = {word for row in csv.DictReader(file) for word in row["caption"].split()}
        words = {word for word in words if word[0].islower()}
    assert len(words) > 100
    assert [word for word in words if is_name(word)] == []
    assert not [name for name in ("anna", "emma", "thomas", "giulia") if is_described(name)]
    assert VOCABULARY.read_text().split() == sorted(set(VOCABULARY.read_text().split()))


def test_name_comes_first_and_meaning_decides_among_those_that_have_it(album):
    hits = Searcher(album).search("green Anna").hits
    assert names(Searcher(album).search("green Anna"))[0] == "20190704_121314.png"
    assert {hit.path.name for hit in hits[:3]} == {hit.path.name for hit in hits if hit.words}
    assert hits[3].path.name == "yellow.png"
    assert hits[3].words == ()
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("mode", ["auto", "words"])
def test_pages_of_words_neither_repeat_a_picture_nor_skip_one(album, mode):
    whole = names(Searcher(album).search("Anna Zoë", mode=mode))
    pages = [Searcher(album).search("Anna Zoë", mode=mode, k=1, offset=n) for n in range(6)]
    assert [name for page in pages for name in names(page)] == whole
    assert len(whole) == {"auto": 6, "words": 3}[mode]
    assert [page.next_offset for page in pages][: len(whole)] == [*range(1, len(whole)), None]


def test_more_names_come_before_fewer(album):
    assert names(Searcher(album).search("black Zoë Anna"))[0] == "20190704_121314.png"


def test_number_is_found_though_no_embedding_knows_it(album):
    by_meaning = names(Searcher(album).search("blue IMG_2041", mode="vector"))
    assert by_meaning[0] == "DSC00123.png"
    hits = Searcher(album).search("blue IMG_2041").hits
    assert (hits[0].path.name, hits[0].words) == ("IMG_2041.png", ("IMG_2041",))
    assert hits[0].score is not None


@pytest.mark.parametrize("query", ["red", "a blue wall", "the green sea", "2 cakes", "Thomas"])
def test_without_a_name_that_is_found_auto_is_the_vector_search(album, query):
    auto, vector = (Searcher(album).search(query, mode=mode) for mode in ("auto", "vector"))
    assert auto.hits == vector.hits
    assert {hit.words for hit in auto.hits} == {None}


def test_what_most_pictures_have_is_no_name(album):
    assert Searcher(album).search("png").hits == Searcher(album).search("png", mode="vector").hits


def test_names_keep_to_what_is_allowed(album):
    found = names(Searcher(album).search("Anna", where="not has: caption"))
    assert found[0] == "AnnaAtTheSea.png"
    assert sorted(found[1:]) == ["IMG_2041.png", "purple.png", "yellow.png"]
    taken = Searcher(album).search("Anna", k=1).hits[0]
    again = Searcher(album).search("Anna", k=4, exclude=[taken.picture_id])
    assert taken.path.name not in names(again)
    assert [bool(hit.words) for hit in again.hits] == [True, True, False, False]


PLACES = (GOLDEN / "places.txt").read_text().split()
PEOPLE = (GOLDEN / "first_names.txt").read_text().split()


@pytest.fixture
def travels(library):
    """A catalogue of 128 places and 63 people: each in a caption, and in the name of a folder."""
    said = [f"Our holiday in {name}, by the sea" for name in PLACES]
    said += [f"{name} with the parrot" for name in PEOPLE]
    said += 30 * ["a dog on the beach", "a nice bath", "a man will chase an orange dog"]
    files = [f"{n}.jpg" for n in range(len(said))]
    files += [f"{name} 2019/x.jpg" for name in (*PLACES, *PEOPLE)]
    content = ContentFacts(9, 9, "JPEG")
    facts = [PictureFacts(f.encode(), 1, 1, f"{f:>16}".encode(), content) for f in files]
    with library.writing() as batch:
        ids = batch.pictures.put(batch.folders.put(Path("/pictures")), facts)
        captions = {key: [Caption(text, "test")] for key, text in zip(ids, said, strict=False)}
        batch.pictures.put_captions(captions, embedded=False)
    return library


def of_name(library, query):
    """The captions, or else the folders, of the pictures with most names of a query."""
    counts = named_pictures(library.words, Query.of(query), 10**6).counts
    best = [key for key in counts if counts[key] == max(counts.values(), default=0)]
    found = library.catalogue.pictures(best).values()
    return {(*one.captions, one.path.parent.name)[0] for one in found}


def test_every_name_is_found_in_captions_and_folders_whatever_else_it_means(travels):
    assert (len(PLACES), len(PEOPLE)) == (128, 63)
    for query in ("{}", "a day in {}", "{} at home", "{}'s garden", "a dog and {}"):
        for name in (*PLACES, *PEOPLE):
            found = of_name(travels, query.format(name))
            assert f"{name} 2019" in found, query.format(name)
            assert all(name in one for one in found), query.format(name)


def test_names_need_no_capital_unless_they_are_words_of_descriptions_too(travels):
    for name in ("paris", "john", "berlin", "oliver", "japan"):
        assert f"{name.capitalize()} 2019" in of_name(travels, f"our holiday with {name}")
    for name in PLACES:  # where no description would end
        assert f"{name} 2019" in of_name(travels, f"a day in {name.lower()}")
    for query in ("a dog on the beach", "a nice dog", "a man in the bath", "an orange dog"):
        assert of_name(travels, query) in (set(), {query})


def test_capitals_of_a_title_tell_nothing(travels):
    assert of_name(travels, "A Nice Dog In The Bath") == set()


def test_text_of_a_files_name_is_found_before_what_looks_like_it(album, paint):
    paint("garden-party.png", "black"), paint("A.Room.With.A.View.01.png", "black")
    index_folder(album, options=QUICK)
    for query in ("garden-party", "garden party"):
        assert names(Searcher(album).search(query, k=1)) == ["garden-party.png"]
    assert names(Searcher(album).search("A.Room.With.A.View", k=1)) == ["A.Room.With.A.View.01.png"]


# The index agrees with the catalogue


def test_words_follow_every_change(album, paint, pictures, tmp_path):
    def index(**options):
        index_folder(album, options=IndexOptions(workers=1, **options))

    paint("Bruno.png", "yellow", caption="Bruno in Tokyo")
    index()
    assert worded(album, "tokyo") == ["Bruno.png"]
    (pictures / "Bruno.txt").write_text("Bruno in Osaka")
    index()
    assert (worded(album, "tokyo"), worded(album, "osaka")) == ([], ["Bruno.png"])
    (pictures / "Bruno.txt").unlink()
    index()
    assert (worded(album, "osaka"), worded(album, "bruno")) == ([], ["Bruno.png"])
    (pictures / "Bruno.png").rename(pictures / "Carla.png")
    index()
    assert (worded(album, "bruno"), worded(album, "carla")) == ([], ["Carla.png"])
    index(tags=[colour_head(tmp_path / "colours.safetensors")])
    assert "IMG_2041.png" in worded(album, "reddish")
    (pictures / "Carla.png").unlink()
    index()
    assert worded(album, "carla") == []  # missing: it is not searched
    index(prune=True)
    assert agreeing(album)
    moved = pictures.rename(tmp_path / "Kyoto")
    relocate(album, pictures, moved)
    assert "IMG_2041.png" in worded(album, "kyoto")
    assert agreeing(album)
    with album.writing() as batch:
        batch.folders.forget(album.catalogue.folders()[0].id)
    assert album.words.known() == []
    assert agreeing(album)


def test_inner_folder_that_is_split_off_keeps_its_words(album, pictures, tmp_path):
    moved = (pictures / "Sicily 2019").rename(tmp_path / "Malta")
    relocate(album, pictures / "Sicily 2019", moved)
    assert worded(album, "sicily") == []
    assert len(worded(album, "malta")) == 2
    assert agreeing(album)


def test_what_fails_halfway_changes_no_words(album):
    def fail():
        with album.writing() as batch:
            batch.pictures.put_captions({1: [Caption("Osaka", "test")]}, embedded=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert worded(album, "osaka") == []
    assert agreeing(album)


def test_rescued_catalogue_has_its_words(album):
    album.close()
    rescue(album.path)
    with Library.open(album.path) as rescued:
        assert worded(rescued, "zoe") == ["20190704_121314.png"]
        assert agreeing(rescued)


def test_doctor_finds_words_that_are_not_as_they_should_be_and_mends_them(album):
    with album._engine.begin() as connection:
        connection.execute(text("DELETE FROM words WHERE rowid = 1"))
        connection.execute(text("UPDATE words SET captions = 'Osaka' WHERE rowid = 2"))
        connection.execute(text("INSERT INTO words (rowid, name) VALUES (99, 'Osaka')"))
    found = {finding.check: finding for finding in examine(album)}
    assert found["words"].count == 3
    repair(album, list(found.values()))
    assert agreeing(album)
    assert "words" not in {finding.check for finding in examine(album)}


def test_name_that_is_no_utf8_is_found_by_its_other_words(library):
    with library.writing() as batch:
        folder = batch.folders.put(Path("/pictures"))
        content = ContentFacts(9, 9, "PNG")
        facts = PictureFacts(b"Osaka \xff 2041.png", 1, 1, b"k" * 16, content)
        batch.pictures.put(folder, [facts])
    assert len(worded(library, "osaka")) == 1
    assert agreeing(library)


# The command line


@pytest.fixture
def home(tmp_path, paint, pictures):
    """A library on disk."""
    paint("IMG_2041.png", "red")
    paint("blue.png", caption="Anna in blue")
    index_colours(pictures, tmp_path / "library")
    return tmp_path / "library"


def test_mode_is_an_option(home):
    answer = answered("search", "anna", "--mode", "words", "--library", home)
    assert [Path(hit["path"]).name for hit in answer["hits"]] == ["blue.png"]
    assert answer["hits"][0]["words"] == ["anna"]
    assert answer["hits"][0]["score"] is None
    assert "words" not in answered("search", "blue", "--library", home)["hits"][0]
    assert run("search", "osaka", "--mode", "words", "--library", home).exit_code == 1
    assert "red.png" not in run("search", "x", "--mode", "fast", "--library", home).output


def test_people_see_which_words_were_found(home):
    said = run("search", "Anna", "--library", home, "-k", 1).stdout
    assert said.splitlines()[-1].strip() == "has: Anna"


# Real photographs


def test_sample_photographs_are_found_by_names_and_words(tmp_path_factory):
    with Library.open(sample_library(tmp_path_factory), read_only=True) as sample:
        assert worded(sample, "igloo")[0] == "igloo.jpg"
        assert set(worded(sample, "spaniels")) == {"dogs-at-window.jpg"}
        ordinary = "two dogs looking out of a window"
        auto, vector = (Searcher(sample).search(ordinary, mode=m) for m in ("auto", "vector"))
        assert auto.hits == vector.hits
        assert names(auto)[0] == "dogs-at-window.jpg"
