"""Queries in German, French and Czech: read in English, and English ones left as they are."""

from types import SimpleNamespace

import pytest
from command_line import GOLDEN, answered, run, sample_library

from indexer.captions import find_captions
from indexer.datasets.folder import read_split
from indexer.encoders.mini.lexicons import open_lexicons
from search import Query
from search.words.languages import in_english
from search.words.vocabulary import COMMON

READER = SimpleNamespace(lexicons=open_lexicons())  # all that is asked of an encoder


def read(query, encoder=READER):
    """The language of a query, None for English, and the query as it is read."""
    found = in_english(query, encoder)
    languages = [reading.language for reading in found.readings if reading.language]
    return (languages or [None])[0], str(found.as_read)


@pytest.mark.parametrize(
    ("typed", "language", "english"),
    [
        ("Hund", "German", "dog"), ("Hunde", "German", "dogs"), ("STRASSE", "German", "street"),
        ("Mädchen", "German", "girl"), ("Maedchen", "German", "girl"),
        ("Kind am Strand", "German", "child on the beach"),  # English has two of these words
        ("Tennisspieler", "German", "tennis player"), ("Hundeball", "German", "dog ball"),
        ("Anna am Strand", "German", "Anna on the beach"),
        ("Hund im Wasser ohne Schnee", "German", "dog in the water - snow"),
        ("Hund - Schnee", "German", "dog - snow"), ("2:Hund + Schnee", "German", "2:dog + snow"),
        ("chien dans l'eau", "French", "dog in water"), ("velo", "French", "bike"),
        ("le chat", "French", "the cat"),
        ("pes na pláži", "Czech", "dog on beach"), ("květina", "Czech", "flowers"),
    ],
)  # fmt: skip
def test_query_in_another_language_is_read_in_english(typed, language, english):
    assert read(Query.parse(typed, files=False)) == (language, english)


@pytest.mark.parametrize(
    "typed",
    ["dog", "a strand of hair", "die hard", "kind", "chat", "most", "hand", "café", "le mans",
     "Thomas Mann", "El Niño", "moutain", "asdkjh", "собака", "犬", "2041", "!?", "I am happy"],
)  # fmt: skip
def test_english_query_and_one_in_no_known_language_stay_as_they_are(typed):
    query = Query.parse(typed, files=False)
    assert in_english(query, READER) is query


def test_plain_word_of_english_is_never_another_language():
    words = [row.split("\t")[0] for row in (GOLDEN / "plain_words.tsv").read_text().splitlines()]
    words += COMMON.read_text("ascii").split()[::10]
    assert [word for word in words if read(Query.of(word))[0]] == []


def test_caption_of_flickr8k_is_never_another_language(test_data):
    folder = test_data / "flickr8k"
    if not folder.is_dir():
        pytest.skip("no Flickr8k among the test data")
    own = find_captions(folder, read_split(folder, folder / "dev.txt")).captions.values()
    texts = [caption.text for captions in own for caption in captions][::10]
    assert [text for text in texts if read(Query.of(text))[0]] == []


@pytest.mark.parametrize(
    "query",
    [Query.parse("Hund", literal=True), Query.parse('"Hund"'), Query.of(picture="hund.jpg")],
)
def test_literal_words_and_pictures_are_not_read(query):
    assert in_english(query, READER) is query


def test_encoder_without_lexicons_reads_what_is_typed():
    assert read(Query.of("Hund"), SimpleNamespace()) == (None, "Hund")


def test_search_says_how_it_read_the_query_and_finds_the_same(tmp_path_factory):
    words = ("--library", sample_library(tmp_path_factory), "--mode", "vector", "-k", 3)
    found, expected = (
        answered("search", text, *words) for text in ("Hund im Gras", "dog in grass")
    )
    assert [hit["path"] for hit in found["hits"]] != []
    reading = {"said": "Hund im Gras", "meant": "dog in the grass", "instead": None}
    assert found["query"]["readings"] == [{**reading, "language": "German"}]
    assert "unknown" not in found
    said = run("search", "Hund", *words)
    assert "reading 'Hund' as German: dog; --literal takes words as they are" in said.stderr
    assert "dogs-at-window.jpg" in said.stdout.splitlines()[0]
    assert "as German" not in run("search", "Hund", "--literal", *words).stderr
    assert expected["query"].get("readings") is None
