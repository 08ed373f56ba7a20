"""Text in a library: read once for each content, kept apart from captions, and found."""

import numpy as np
import pytest
from command_line import answered, refusal, run
from faults import decoding_here

from indexer import IndexOptions, index_folder, indexing
from indexer.errors import InputError
from indexer.library.records import records
from indexer.pictures.hashes import hash_bytes
from indexer.pipeline import reading
from indexer.pipeline.pruning import forget_folder
from indexer.recognition import models
from indexer.recognition.picture_text import PictureText
from search import Searcher
from search.ranking.order import RankedPictures
from search.where import matches
from search.words.shown import raised
from ui.sentences import metadata_lines
from ui.views.display.items import items_of

SHOWN = {  # by the name of the picture
    "red.png": "Platform 9 of the blue line\nDepartures to VIENNA",
    "blue.png": "Invoice 2041 of Anna",
    "green.png": "",
}


class Texts:
    """In the place of `ReadingPool`: reads what `SHOWN` says, and counts what it read."""

    def __init__(self):
        self.read, self.shown, self.reason = [], dict(SHOWN), {}

    def __call__(self, options):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read_all(self, items):
        for key, path in items:
            name = path.decode().rpartition("/")[2]
            self.read.append(name)
            with open(path, "rb") as file:  # noqa: PTH123 - bytes
                content = hash_bytes(file.read())
            yield PictureText(key, content, self.shown.get(name, ""), self.reason.get(name))


@pytest.fixture
def texts(monkeypatch):
    made = Texts()
    monkeypatch.setattr(reading, "reading_pool", made)
    return made


def index(library, *folders, **options):
    with decoding_here():
        return index_folder(library, *folders, options=IndexOptions(workers=1, **options))


@pytest.fixture
def shown(library, colour_pictures, texts):
    """A library of `colour_pictures` with the text in them."""
    report = index(library, colour_pictures, text=True)
    assert (report.texts_read, report.texts_found) == (5, 2)
    return library


def names(answer):
    return [hit.path.name for hit in answer.hits]


def where(library, condition):
    infos = library.catalogue.pictures(matches(library, condition).tolist()).values()
    return sorted(info.path.name for info in infos)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("text: platform 9", ["red.png"]),
        ("text: line departures", ["red.png"]),  # on two lines
        ("text: vienna, invoice", ["blue.png", "red.png"]),
        ("text: vienn*", ["red.png"]),
        ("text: vien", []),
        ("has: text", ["blue.png", "red.png"]),
        ("not has: text and not has: caption", ["green.png"]),
        ("caption: platform", []),
    ],
)
def test_filters_find_what_is_shown(shown, condition, found):
    assert where(shown, condition) == found


def test_text_is_no_caption_and_has_a_field_of_its_own(shown):
    (hit,) = Searcher(shown).browse(where="text: invoice").hits
    assert hit.captions == ()
    assert hit.metadata["text"] == SHOWN["blue.png"]
    assert metadata_lines(hit.metadata)[-1] == "Text in the picture: Invoice 2041 of Anna"
    ((record,),) = records(shown, [hit.picture_id])
    assert (record["text"], record["captions"]) == (SHOWN["blue.png"], [])


@pytest.mark.parametrize("words", ["departures", "platform 9", "departure", "vienna"])
def test_words_are_found_by_words_alone(shown, words):
    answer = Searcher(shown).search(words, mode="words")
    assert names(answer) == ["red.png"]
    assert answer.hits[0].excerpt == "Platform 9 of the blue line Departures to VIENNA"


def test_text_raises_a_picture_that_looks_otherwise(shown):
    plain = Searcher(shown).search("blue train", explain=True)
    assert names(plain)[0] == "blue.png"  # nothing shows both words
    answer = Searcher(shown).search("blue line", explain=True)
    raised = {hit.path.name: hit.explanation.text for hit in answer.hits}
    by = raised.pop("red.png")
    assert by > 0
    assert set(raised.values()) == {None}
    ranked = [hit.score + (by if hit.path.name == "red.png" else 0) for hit in answer.hits]
    assert ranked == sorted(ranked, reverse=True)
    assert [hit.words for hit in answer.hits if hit.words] == [("blue", "line")]
    assert answer.probability_present is None


@pytest.mark.parametrize(
    ("by", "order"),
    [(0.0, [1, 2, 3, 4, 5]), (0.25, [1, 4, 2, 3, 5]), (9.0, [4, 5, 1, 2, 3])],
)
def test_raised_pictures_stand_where_their_score_would_put_them(by, order):
    ids, scores = np.arange(1, 6), np.array([0.9, 0.7, 0.6, 0.5, 0.1], np.float32)
    head = ids[3:], scores[3:]
    for count in range(6):
        found, kept = raised(RankedPictures.of(ids, scores), head, by).first(count)
        assert found.tolist() == order[:count]
        assert kept.tolist() == scores[found - 1].tolist()


def test_app_quotes_the_text_that_matched(shown):
    found = Searcher(shown).search("invoice").hits[:1]
    (item,) = items_of(shown, found)
    assert item.why[-1] == "text in the picture: Invoice 2041 of Anna"


def test_raised_pictures_neither_repeat_nor_skip_a_page(shown):
    searcher = Searcher(shown)
    whole = names(searcher.search("departures", k=5))
    assert [names(searcher.search("departures", k=1, offset=n))[0] for n in range(5)] == whole
    assert sorted(whole) == sorted({*whole})


def test_name_that_people_wrote_comes_before_one_that_was_read(shown, pictures):
    (pictures / "black.txt").write_text("Anna and a cat")
    index(shown, pictures)
    assert names(Searcher(shown).search("Anna"))[:2] == ["black.png", "blue.png"]


@pytest.mark.parametrize("query", ["blue - departures", "a blue invoice", "PLATFORM"])
def test_library_without_text_answers_as_before(colour_library, query, texts):
    before = [(h.path, h.score, h.words) for h in Searcher(colour_library).search(query).hits]
    texts.shown.clear()
    assert index(colour_library, text=True).texts_found == 0
    after = [(h.path, h.score, h.words) for h in Searcher(colour_library).search(query).hits]
    assert after == before


def test_each_content_is_read_once_and_the_choice_is_remembered(
    shown, pictures, paint, texts, monkeypatch
):
    assert sorted(texts.read) == ["black.png", "blue.png", "green.png", "red.png", "yellow.png"]
    texts.read.clear()
    assert index(shown).texts_read == 0
    (pictures / "red.png").rename(pictures / "moved.png")
    (pictures / "copy.png").write_bytes((pictures / "blue.png").read_bytes())
    paint("white.png")
    assert index(shown).texts_read == 1
    assert texts.read == ["white.png"]
    assert where(shown, "has: text") == ["blue.png", "copy.png", "moved.png"]
    texts.read.clear()
    monkeypatch.setattr(reading, "MODELS", "better models")
    texts.shown["copy.png"] = texts.shown["blue.png"] = ""
    index(shown)
    assert len(texts.read) == 6  # a copy is not read twice
    assert where(shown, "has: text") == []  # "moved.png" is unknown to this reader
    paint("purple.png")
    assert index(shown, text=False).texts_read == 0
    assert index(shown).texts_read == 0


def test_changed_picture_loses_the_text_of_its_former_content(shown, paint, texts):
    texts.shown["red.png"] = "Arrivals"
    paint("red.png", "pink")
    index(shown)
    assert where(shown, "text: departures") == []
    assert names(Searcher(shown).search("arrivals", mode="words")) == ["red.png"]
    assert shown.words.wrong(shown.words.known()) == []


def test_picture_that_cannot_be_read_is_told_once_and_tried_again_on_request(
    library, colour_pictures, texts
):
    texts.reason["red.png"] = "the decoder crashed (SIGSEGV)"
    report = index(library, colour_pictures, text=True)
    assert report.complete
    assert [(p.path.name, p.reason) for p in report.problems] == [
        ("red.png", "the decoder crashed (SIGSEGV)")
    ]
    assert index(library).problems == []
    del texts.reason["red.png"]
    assert index(library, time_limit=9.0).texts_read == 1
    assert library.readings.counts().failed == 0


def test_interrupted_reading_goes_on_where_it_was(library, colour_pictures, texts, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    with decoding_here():
        options = IndexOptions(workers=1, text=True)
        with indexing(library, colour_pictures, options=options) as run:
            for step in run:
                if step.what == reading.WHAT and step.done == 2:
                    break
    assert run.report.interrupted
    assert library.readings.counts().read == 2
    assert index(library).texts_read == 3


def test_unused_texts_are_deleted_with_their_pictures(shown, colour_pictures):
    forget_folder(shown, colour_pictures)
    assert shown.catalogue.rows("SELECT * FROM readings") == []


def test_without_the_models_reading_is_refused_or_told(
    shown, paint, texts, tmp_path, monkeypatch, colour_pictures
):
    monkeypatch.setattr(models, "_PACKAGE", "no_such_package")
    paint("white.png")
    (problem,) = index(shown).problems
    assert "pip install 'picfuse[ocr]'" in problem.reason
    with pytest.raises(InputError, match=r"pip install 'picfuse\[ocr\]'"):
        index(shown, text=True)
    words = ("index", colour_pictures, "--text", "--library", tmp_path / "new")
    assert "pip install 'picfuse[ocr]'" in refusal(*words, status=2)
    assert not (tmp_path / "new").exists()


def test_commands_say_what_was_read(shown, colour_pictures, paint, texts):
    status = answered("status", "--library", shown.path)
    assert status["text"] == {"read": 5, "found": 2, "failed": 0}
    assert (
        "text      read in 5 pictures, found in 2" in run("status", "--library", shown.path).stdout
    )
    (hit, *_) = answered("search", "departures", "--library", shown.path)["hits"]
    assert hit["excerpt"] == "Platform 9 of the blue line Departures to VIENNA"
    assert hit["metadata"]["text"] == SHOWN["red.png"]
    lines = run("search", "departures", "--explain", "--library", shown.path).stdout
    assert "text in the picture: Platform 9 of the blue line Departures to VIENNA\n" in lines
    assert "text in the picture: ranked as +" in lines
    paint("white.png")
    texts.shown["white.png"] = "Exit"
    with decoding_here():
        report = answered("index", "--library", shown.path)
    assert (report["texts_read"], report["texts_found"]) == (1, 1)
