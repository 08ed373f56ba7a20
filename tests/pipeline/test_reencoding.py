"""Moving to another encoder: beside the old one, resumable, and complete before it counts."""

import os

import pytest
from colour_encoder import ColourEncoder
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder, indexing
from indexer.errors import EncoderMismatch, InputError, ModelError
from indexer.pipeline.reencoding import unfinished_move
from search import Searcher

QUICK = IndexOptions(workers=1)
COLOURS = ("red", "green", "blue")
MOVE = IndexOptions(workers=1, model="colour:2")


def names(library, query, k=1):
    return [hit.path.name for hit in Searcher(library).search(query, k=k).hits]


def test_library_moves_to_another_encoder_and_is_searched_by_it(colour_library):
    former = colour_library.settings
    report = index_folder(colour_library, options=MOVE)
    assert (report.encoded, report.unchanged, report.changed) == (5, 5, 0)
    assert colour_library.settings.encoder == "colour:2"
    assert colour_library.settings.fingerprint != former.fingerprint
    assert colour_library.settings.fusion == former.fusion
    assert names(colour_library, "red") == ["red.png"]
    with Library.open(colour_library.path, read_only=True) as reader:
        assert reader.encoder.name == "colour:2"
        assert names(reader, "red") == ["red.png"]
    assert unfinished_move(colour_library) is None


def test_each_picture_and_caption_is_encoded_once(colour_library, monkeypatch):
    counted = []
    monkeypatch.setattr("colour_encoder.ColourEncoder.__init__", _counting(counted))
    index_folder(colour_library, options=MOVE)
    (target,) = [encoder for encoder in counted if encoder.name == "colour:2"]
    assert (target.images, target.texts) == (6, 3)  # and the golden picture and sentence


def _counting(counted):
    init = ColourEncoder.__init__

    def noted(self, name, version):
        init(self, name, version)
        counted.append(self)

    return noted


def test_moving_back_encodes_nothing(colour_library):
    index_folder(colour_library, options=MOVE)
    report = index_folder(colour_library, options=IndexOptions(workers=1, model="colour"))
    assert (report.encoded, report.unchanged) == (0, 5)
    assert colour_library.settings.encoder == "colour"
    assert names(colour_library, "blue") == ["blue.png"]


def test_the_same_encoder_again_does_nothing(colour_library):
    generation = colour_library.generation
    index_folder(colour_library, options=IndexOptions(workers=1, model="colour"))
    assert colour_library.generation == generation


@pytest.fixture
def many(library, paint, pictures):
    for number in range(80):
        paint(f"{number:02}.png", (3 * number, 255 - number, 7), caption=COLOURS[number % 3])
    index_folder(library, pictures, options=QUICK)
    return library


def test_interrupted_move_is_searched_as_before_and_goes_on(many):
    with indexing(many, options=MOVE) as steps:
        while not ((step := next(steps)).total == 80 and step.done):  # the captions come first
            pass
        assert step.done == 32
    assert steps.report.interrupted
    assert steps.report.encoded == 32
    assert many.settings.encoder == "colour"
    assert len(Searcher(many).search("red", k=99).hits) == 80
    move = unfinished_move(many)
    assert (move.encoder, move.done, move.total) == ("colour:2", 32, 80)
    with Library.open(many.path) as again:
        report = index_folder(again, options=MOVE)
        assert (report.encoded, report.unchanged) == (48, 80)
        assert again.settings.encoder == "colour:2"
        assert unfinished_move(again) is None
        assert len(again.vectors()) == 80


def test_interrupted_move_is_given_up_by_naming_the_encoder_of_now(many):
    with indexing(many, options=MOVE) as steps:
        next(steps)
    assert unfinished_move(many).encoder == "colour:2"
    report = index_folder(many, options=IndexOptions(workers=1, model="colour"))
    assert (report.encoded, report.unchanged) == (0, 80)
    assert unfinished_move(many) is None
    assert many.settings.encoder == "colour"
    assert len(Searcher(many).search("red", k=99).hits) == 80


def test_reader_goes_on_with_the_old_encoder_and_takes_up_the_new_one(many):
    with Library.open(many.path, read_only=True) as reader:
        searcher = Searcher(reader)
        before = [hit.path for hit in searcher.search("red").hits]
        index_folder(many, options=MOVE)
        after = searcher.search("red")
        assert reader.encoder.name == "colour:2"
        assert [hit.path for hit in after.hits] == before


def test_picture_changed_meanwhile_is_encoded_by_the_new_encoder(colour_library, paint):
    os.utime(paint("red.png", "white"), ns=(1, 1))
    report = index_folder(colour_library, options=MOVE)
    assert (report.encoded, report.changed, report.unchanged) == (4, 1, 4)
    assert names(colour_library, "white") == ["red.png"]
    assert len(colour_library.vectors()) == 5


def test_missing_picture_is_encoded_when_it_returns(colour_library, colour_pictures):
    away = colour_pictures.with_name("away.png")
    (colour_pictures / "red.png").rename(away)
    index_folder(colour_library, options=QUICK)
    assert index_folder(colour_library, options=MOVE).encoded == 4
    away.rename(colour_pictures / "red.png")
    forget_counts(colour_library)
    index_folder(colour_library, options=QUICK)
    assert colour_library.encoder.images == 1
    assert names(colour_library, "red") == ["red.png"]
    assert len(colour_library.vectors()) == 5


def test_newer_version_of_the_encoder_is_moved_to_under_its_own_name(colour_library, monkeypatch):
    colour_library.close()
    monkeypatch.setattr("colour_encoder.VERSION", ["2"])
    with Library.open(colour_library.path) as opened:
        with pytest.raises(EncoderMismatch, match="picfuse index --model colour"):
            Searcher(opened).search("red")
        report = index_folder(opened, options=IndexOptions(workers=1, model="colour"))
        assert (report.encoded, report.unchanged) == (5, 5)
        assert names(opened, "red") == ["red.png"]


def test_model_that_cannot_be_had_changes_nothing(colour_library):
    generation = colour_library.generation
    for model, error in (("colour:missing", ModelError), ("nonsense", InputError)):
        with pytest.raises(error):
            index_folder(colour_library, options=IndexOptions(workers=1, model=model))
    assert colour_library.generation == generation


def test_folder_that_is_unplugged_is_not_left_behind(colour_library, colour_pictures):
    away = colour_pictures.rename(colour_pictures.with_name("away"))
    with pytest.raises(InputError, match="its 5 pictures would be left out"):
        index_folder(colour_library, options=MOVE)
    assert colour_library.settings.encoder == "colour"
    index_folder(colour_library, options=QUICK)  # then they are missing, and it may move
    index_folder(colour_library, options=MOVE)
    away.rename(colour_pictures)
    forget_counts(colour_library)
    index_folder(colour_library, options=QUICK)
    assert colour_library.encoder.images == 5
    assert names(colour_library, "red") == ["red.png"]
