"""Unknown words: said, and where nothing else is asked for, nothing matches."""

import shutil

import pytest
from app_pages import AppTest, seen
from command_line import GOLDEN, answered, run, sample_library
from test_app import APP, click, said

from indexer import IndexOptions, index_folder
from indexer.captions import find_captions
from indexer.datasets.folder import read_split
from indexer.encoders import load_encoder
from indexer.encoders.mini.heads import BUILT_IN
from search import Query, Searcher, Term
from search.words.query_words import QueryWords
from search.words.unknown import Unknown, asks_nothing, is_known, knows_english_alone


@pytest.mark.parametrize(
    "word",
    ["dog", "dogs", "snowboarders", "Paris", "selfie", "labradoodle", "entlebucher", "EntleBucher",
     "halfpipe", "sandcastles", "café", "Zoë", "x-ray", "T-shirt", "dog's", "AnnaAtTheSea",
     "IMG_2041", "2019", "3d", "qx", "!?", "π"],
)  # fmt: skip
def test_word_of_a_list_or_no_word_to_look_up_is_known(word):
    assert is_known(word)


@pytest.mark.parametrize(
    "word",
    ["asdkjh", "qwertz", "xyzzy", "dgo", "moutain", "собака", "ёж", "犬", "小猫", "고양이", "แมว"],
)
def test_word_of_no_list_is_unknown(word):
    assert not is_known(word)


def test_no_caption_of_flickr8k_and_no_sample_query_is_refused(test_data):
    """Even if the library had no word of it: there is a known word in each."""
    folder = test_data / "flickr8k"
    if not folder.is_dir():
        pytest.skip("no Flickr8k among the test data")
    found = find_captions(folder, read_split(folder, "dev.txt")).captions.values()
    texts = [caption.text for captions in found for caption in captions]
    assert len(texts) == 4999  # one is there twice
    lines = (GOLDEN / "sample_queries.tsv").read_text().splitlines()[1:]
    queries = [Query.of(text) for text in (*texts, *(line.partition("\t")[0] for line in lines))]
    words = {word for query in queries for word in QueryWords.of(query).words}
    nothing = [Unknown(word) for word in words if not is_known(word)]
    assert len(nothing) < 100
    assert not [query for query in queries if asks_nothing(query, nothing)]


# In a library of an English encoder


@pytest.fixture
def english(monkeypatch, colour_library):
    """A library whose encoder says that it knows English alone."""
    monkeypatch.setattr(colour_library.encoder, "languages", frozenset({"en"}), raising=False)
    return colour_library


def asked(library, *words, **options):
    return Searcher(library).search(Query.parse(words), **options)


def test_nothing_matches_where_every_word_is_unknown(english):
    for mode in ("auto", "vector"):
        answer = asked(english, "the", "asdkjh", mode=mode)
        assert answer.unknown == (Unknown("asdkjh"),)
        assert answer.hits
        assert answer.without_doubtful().hits == ()
        assert {hit.confidence for hit in answer.hits} == {None}


def test_nothing_follows_a_page_of_doubtful_hits_alone(english):
    answer = asked(english, "the", "asdkjh", k=1)
    assert answer.next_offset == 1
    assert answer.without_doubtful().next_offset is None
    assert asked(english, "red", k=1).without_doubtful().next_offset == 1


def test_search_goes_on_where_another_word_is_known(english):
    answer = asked(english, "red", "asdkjh")
    assert answer.unknown == (Unknown("asdkjh"),)
    assert answer.without_doubtful().hits == answer.hits != ()


def test_pictures_and_marks_are_asked_with_beside_unknown_words(english, colour_pictures):
    picture = str(colour_pictures / "red.png")
    for answer in (
        asked(english, "asdkjh", "+", picture),
        asked(english, "asdkjh", like=[picture]),
    ):
        assert answer.unknown == (Unknown("asdkjh"),)
        assert answer.without_doubtful().hits == answer.hits != ()


def test_unknown_word_that_is_taken_away_is_said(english):
    answer = asked(english, "red", "-", "asdkjh")
    assert answer.unknown == (Unknown("asdkjh"),)
    assert answer.without_doubtful().hits == answer.hits != ()
    only_away = Query((Term(text="asdkjh"), Term(picture="a.png", weight=-1)))
    assert asks_nothing(only_away, answer.unknown)


@pytest.mark.parametrize("where", ["name", "folder", "caption"])
def test_word_of_the_library_is_known(english, paint, pictures, where):
    names = {"name": "asdkjh.png", "folder": "Asdkjh 2/x.png", "caption": "x.png"}
    paint(names[where], "red", caption="our asdkjh" if where == "caption" else None)
    index_folder(english, pictures, options=IndexOptions(workers=1))
    answer = asked(english, "asdkjh")
    assert answer.unknown == ()
    assert answer.without_doubtful().hits == answer.hits != ()


def test_slip_of_a_word_names_the_word_that_most_pictures_have(english, paint, pictures):
    for number in range(3):
        paint(f"x-{number}.png", "red", caption="a dog" if number else "dug a hole for dogs")
    index_folder(english, pictures, options=IndexOptions(workers=1))
    assert asked(english, "dgo").unknown == (Unknown("dgo", "dog"),)
    assert asked(english, "ctaa").unknown == (Unknown("ctaa"),)  # none that a picture has
    assert asked(english, "doog", "red").unknown == (Unknown("doog", "dog"),)
    assert asked(english, "the", "Dgo,").unknown == (Unknown("Dgo,", "dog"),)


def test_corrected_query_is_suggested_and_can_be_asked(english, paint, pictures):
    paint("x.png", "red", caption="a dog")
    index_folder(english, pictures, options=IndexOptions(workers=1))
    assert asked(english, "red dog").suggestion is None
    assert asked(english, "ctaa").suggestion is None
    assert asked(english, 'a dgo "no red" -2:green').suggestion == '"a dog no red" - 2:green'
    again = asked(english, asked(english, "blue -dgo").suggestion)
    assert (str(again.query), again.unknown, again.suggestion) == ("blue - dog", (), None)


def test_search_by_words_suggests_the_words_of_the_library(colour_library, paint, pictures):
    """Also where an encoder may know other languages: the library has what is suggested."""
    paint("x.png", "red", caption="a dog")
    index_folder(colour_library, pictures, options=IndexOptions(workers=1))
    assert asked(colour_library, "red dgo", mode="words").suggestion == "red dog"
    assert asked(colour_library, "red dog", mode="words").suggestion is None


@pytest.mark.parametrize("word", ["x" * 200_000, "-".join(["qzxj"] * 20_000), "ab" * 100_000])
def test_word_of_any_length_is_looked_up(english, word):
    answer = asked(english, f"red {word}")
    assert answer.unknown == (Unknown(word),)
    assert not is_known(word)


@pytest.mark.parametrize("languages", [None, frozenset({"en", "de"})])
def test_words_of_an_encoder_of_other_languages_are_not_judged(
    monkeypatch, colour_library, languages
):
    """An encoder that names no language may know any; nothing is refused."""
    if languages:
        monkeypatch.setattr(colour_library.encoder, "languages", languages, raising=False)
    answer = asked(colour_library, "schmetterling")
    assert answer.unknown == ()
    assert answer.without_doubtful().hits == answer.hits != ()


def test_words_of_another_script_are_searched_by_words_alone(english, paint, pictures):
    paint("東京タワー.png", "blue"), paint("cat.png", "red", caption="田中さんと猫")
    index_folder(english, pictures, options=IndexOptions(workers=1))
    for asked_for, name in (("東京", "東京タワー.png"), ("猫", "cat.png"), ("田中", "cat.png")):
        answer = asked(english, asked_for)
        assert [hit.path.name for hit in answer.hits] == [name]
        assert (answer.unread_by, answer.unknown) == (english.encoder.name, ())
    nothing = asked(english, "犬")
    assert (nothing.hits, nothing.unknown) == ((), (Unknown("犬"),))
    assert asked(english, "red").unread_by is None


def test_encoder_of_other_languages_reads_every_script(colour_library):
    answer = asked(colour_library, "犬")
    assert answer.unread_by is None
    assert answer.without_doubtful().hits != ()


# As users see it


@pytest.fixture
def sample(tmp_path_factory):
    return sample_library(tmp_path_factory)


@pytest.mark.parametrize("name", ["mini", "int8:mini"])
def test_the_built_in_model_says_that_it_knows_english_alone(name):
    assert knows_english_alone(load_encoder(name))


def test_heads_of_the_users_own_may_know_any_language(tmp_path):
    copy = tmp_path / "own.safetensors"
    shutil.copy(BUILT_IN, copy)
    assert not knows_english_alone(load_encoder(f"mini:{copy}"))


def test_one_nonsense_word_finds_nothing_unless_all_is_asked_for(sample):
    result = run("search", "asdkjh", "--library", sample)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "picfuse: nothing matched: unknown word 'asdkjh' (--all shows the 10 best guesses)\n"
    )
    every = run("search", "asdkjh", "--all", "--library", sample)
    assert every.exit_code == 0
    assert len(every.stdout.splitlines()) >= 10
    assert every.stderr == "picfuse: unknown word 'asdkjh'\n"
    assert answered("search", "asdkjh", "--library", sample, status=1)["unknown"] == [
        {"word": "asdkjh", "meant": None}
    ]


def test_people_and_programs_are_told_that_a_script_is_not_read(sample):
    result = run("search", "犬", "--library", sample)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("picfuse: mini reads English only; searched by words alone\n")
    assert answered("search", "犬", "--library", sample, status=1)["unread_by"] == "mini"


def test_signs_alone_find_nothing(sample):
    result = run("search", "!!!", "--library", sample)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "picfuse: nothing matched: the query has no words (--all shows the 10 best guesses)\n"
    )


def test_a_slip_is_said_and_searched_for_with_the_other_words(sample):
    words = ("brown", "hrose", "grazing", "outdoors", "asdkjh")
    result = run("search", *words, "--all", "--library", sample)
    assert result.exit_code == 0
    assert "picfuse: unknown words 'hrose', 'asdkjh'\n" in result.stderr
    assert "picfuse: did you mean: brown horse grazing outdoors asdkjh\n" in result.stderr
    assert "unknown" not in answered("search", "a", "horse", "outdoors", "--library", sample)


def test_app_says_what_nothing_knows(sample, monkeypatch):
    monkeypatch.setattr("sys.argv", ["app.py", "--library", str(sample), "--offline"])
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.query_params["q"] = "!!!"
    assert "The query has no words." in said(at.run())
    for words, hits in (("asdkjh", False), ("a horse asdkjh", True)):
        at = AppTest.from_file(str(APP), default_timeout=60)
        at.query_params["q"] = words
        at.run()
        assert not at.exception
        assert "Unknown word 'asdkjh'." in said(at)
        assert ("No good matches" in said(at)) != hits
        assert bool(seen(at)) == hits


def test_app_says_what_nothing_knows_also_where_nothing_matches(sample, monkeypatch):
    monkeypatch.setattr("sys.argv", ["app.py", "--library", str(sample), "--offline"])
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.query_params["q"] = "quarterly asdkjh"
    assert "No good matches" in said(at.run())
    assert "The closest picture is probably not it (" in said(at)
    assert "Unknown word 'asdkjh'." in said(at)


def test_app_offers_the_corrected_query_and_says_how_words_were_read(sample, monkeypatch):
    monkeypatch.setattr("sys.argv", ["app.py", "--library", str(sample), "--offline"])
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.query_params["q"] = "hrose without snow"
    at.run()
    assert "Reading 'hrose without snow' as hrose - snow; double quotes keep words" in said(at)
    assert "Did you mean: horse - snow" in said(at)
    click(at, "Search for that")
    assert at.text_input(key="q").value == "horse - snow"
    assert "Did you mean" not in said(at)
    assert seen(at)


def test_end_of_a_query_that_is_too_long_is_told_and_left_out(sample):
    words = ("search", "two horses " * 80 + "on a meadow", "--all", "--library", sample)
    assert (
        "the query is too long for the model, which does not read 'two horses" in run(*words).stderr
    )
    (left,) = answered(*words)["left_out"]
    assert left.endswith("horses on a meadow")
    assert "left_out" not in answered("search", "two horses", "--library", sample)
