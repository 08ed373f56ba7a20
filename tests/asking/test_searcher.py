"""The searcher: hits, their scores, and what they rest on."""

import inspect
import itertools
import os
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from colour_encoder import DIM, MEANS
from command_line import refusal
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder
from indexer.captions import Caption
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.values import text_hash
from indexer.embedding import IMAGE, TEXT, unit_rows
from indexer.encoders import registry
from indexer.errors import InputError, QueryError
from indexer.pictures.facts import ContentFacts
from indexer.pictures.thumbnails import thumbnail_path
from search import Hit, Query, Searcher, SearchOptions, Term
from search import searcher as searching
from search.answer import question

QUICK = IndexOptions(workers=1)


@pytest.fixture
def searcher(colour_library):
    return Searcher(colour_library)


def names(answer):
    return [hit.path.name for hit in answer.hits]


def fill(library, n, seed, *, share=0.6):
    """Store pictures with random embeddings, as if they had been indexed."""
    random = np.random.default_rng(seed)
    images = unit_rows(random.normal(size=(n, DIM)))
    texts = unit_rows(random.normal(size=(n, DIM)))
    captioned = np.flatnonzero(random.random(n) < share).tolist()
    keys = [f"{seed}-{k}".encode() for k in range(n)]
    with library.writing() as batch:
        folder = batch.folders.put(Path("/pictures"))
        for k in range(n):
            content = ContentFacts(16, 12, "PNG")
            facts = PictureFacts(keys[k] + b".jpg", 1, 1, keys[k], content)
            (picture,) = batch.pictures.put(folder, [facts])
            found = [Caption(f"{seed} {k}", "test")] if k in captioned else []
            batch.pictures.put_captions({picture: found}, embedded=False)
        batch.embeddings.put(library.encoder_id, IMAGE, keys, images)
        hashes = [text_hash(f"{seed} {k}") for k in captioned]
        batch.embeddings.put(library.encoder_id, TEXT, hashes, texts[captioned])


def test_one_that_asks_once_lets_the_encoder_rest_before_rows_are_read(colour_library, monkeypatch):
    encoder, done = colour_library.encoder, []

    class Resting(type(encoder)):  # of its own: what a class can do is remembered of it
        def rest(self):
            done.append("rest")

    monkeypatch.setattr(encoder, "__class__", Resting)
    monkeypatch.setattr(question, "best_first", _noting(done, question.best_first))
    once = Searcher(colour_library, once=True).search("blue")
    assert done == ["rest", "read"]
    assert names(once) == names(Searcher(colour_library).search("blue"))
    assert done == ["rest", "read", "read"]


def _noting(done, function):
    def noted(*asked):
        done.append("read")
        return function(*asked)

    return noted


def brute_force(library, q, weight, means):
    """The score of each picture by its id, from the stored embeddings and one at a time."""
    found = library.embedded(library.catalogue.present_ids())
    scored = {}
    for key, v_i, v_t, has in zip(
        found.ids.tolist(), found.v_i, found.v_t, found.has_caption, strict=True
    ):
        a, b = (weight, 1 - weight) if has else (1, 0)
        pair = a * v_i + b * v_t
        centre = a * means[IMAGE] + b * means[TEXT]
        scored[key] = (float((pair - centre) @ q / np.linalg.norm(pair)), bool(has))
    return scored


@pytest.mark.parametrize("encoder", ["colour", "colour:centred"])
@pytest.mark.parametrize("n", [20, 300])
def test_score_of_every_hit_is_brute_force(tmp_path, encoder, n):
    with Library.create(tmp_path / "library", encoder=encoder) as library:
        fill(library, n, seed=n)
        means = dict(library.encoder.means)
        if not means:  # from 32 rows on, those of the library stand in for them
            found = library.embedded(library.catalogue.present_ids())
            few = n < 32
            means = {
                IMAGE: 0 * found.v_i[0] if few else found.v_i.mean(0),
                TEXT: 0 * found.v_i[0] if few else found.v_t[found.has_caption].mean(0),
            }
        q = unit_rows(np.array([1, 0, 0, 0, 0], np.float32) - means[TEXT])
        for weight in (0, 0.25, 0.5, 0.9, 1):
            hits = Searcher(library).search(Query((Term("red"),), weight), k=n).hits
            expected = brute_force(library, q, weight, means)
            captioned = [hit for hit in hits if hit.caption]
            for hit in captioned:
                assert hit.score == pytest.approx(expected[hit.picture_id][0], abs=2e-3)
            assert len(captioned) == sum(has for _, has in expected.values())
            plain = [hit for hit in hits if not hit.caption]
            assert len(plain) == (0 if weight == 0 else n - len(captioned))
            order = [expected[hit.picture_id][0] for hit in plain]  # one gain: the order stays
            assert all(one >= other - 1e-3 for one, other in itertools.pairwise(order))


def test_hits_do_not_depend_on_the_order_of_adding(tmp_path):
    answers = []
    for order in ([1, 2, 3], [3, 1, 2]):
        with Library.create(tmp_path / f"library-{order[0]}", encoder="colour") as library:
            for seed in order:
                fill(library, 40, seed)
                library.vectors()
            hits = Searcher(library).search("red", k=500).hits
            answers.append({hit.path.name: hit.score for hit in hits})
    assert answers[0] == pytest.approx(answers[1], abs=1e-5)


def test_red_picture_is_first_for_red(searcher):
    answer = searcher.search("red")
    assert names(answer)[0] == "red.png"
    assert answer.hits[0].score == pytest.approx(1, abs=1e-3)
    assert answer.query == Query((Term("red"),), 0.5)
    assert answer.elapsed_ms > 0


def test_picture_and_caption_count_half_each(searcher):
    hits = {hit.path.name: hit for hit in searcher.search("blue").hits}
    # Yellow is (1, 1, 0) / sqrt(2), its caption "blue boat" is (0, 0, 1): orthogonal.
    assert hits["yellow.png"].score == pytest.approx(0.5**0.5, abs=1e-3)
    assert hits["yellow.png"].image_score == pytest.approx(0, abs=1e-3)
    assert hits["yellow.png"].caption_score == pytest.approx(1, abs=1e-3)
    assert hits["blue.png"].score == hits["blue.png"].image_score == pytest.approx(1, abs=1e-3)


def test_hit_shows_what_is_known_of_its_picture(searcher, colour_library, colour_pictures):
    (hit,) = searcher.search("black", k=1).hits
    content = colour_library.catalogue.pictures([hit.picture_id])[hit.picture_id].content_hash
    assert hit == Hit(
        rank=1,
        picture_id=1,
        path=colour_pictures / "black.png",
        score=hit.score,
        confidence=None,
        caption="black cat",
        captions=("black cat",),
        image_score=hit.image_score,
        caption_score=hit.caption_score,
        thumbnail=thumbnail_path(colour_library.path / "thumbnails", content),
    )
    assert hit.thumbnail.is_file()
    assert type(hit.score) is type(hit.image_score) is type(hit.caption_score) is float


def test_hits_come_best_first_with_their_ranks(searcher):
    hits = searcher.search("yellow").hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("k", "count"), [(0, 0), (1, 1), (3, 3), (5, 5), (99, 5), (-1, 0)])
def test_k_is_the_number_of_hits(searcher, k, count):
    assert len(searcher.search("red", k=k).hits) == count


def test_weight_one_is_the_picture_alone(searcher):
    for hit in searcher.search(Query((Term("blue"),), 1)).hits:
        assert hit.score == pytest.approx(hit.image_score, abs=2e-3)


def test_weight_zero_is_the_caption_alone(searcher):
    hits = searcher.search(Query((Term("blue"),), 0)).hits
    assert {hit.path.name for hit in hits} == {"yellow.png", "black.png"}
    for hit in hits:
        assert hit.score == pytest.approx(hit.caption_score, abs=2e-3)


def test_weight_that_the_fusion_cannot_serve_is_refused(colour_library):
    colour_library.set_fusion("mean")
    with pytest.raises(InputError, match="weight built in"):
        Searcher(colour_library).search(Query((Term("blue"),), 0.7))
    with pytest.raises(InputError, match="weight built in"):
        Searcher(colour_library).similar(1, weight=0.7)


def test_weight_is_refused_before_the_query_is_encoded(searcher, colour_library):
    with pytest.raises(InputError):
        searcher.search(Query((Term("blue"),), 2))
    assert colour_library.encoder.texts == 0


def test_query_picture_finds_its_like_and_not_itself(searcher, colour_pictures):
    query = Query.of(picture=str(colour_pictures / "red.png"))
    assert names(searcher.search(query, k=1)) == ["yellow.png"]
    assert "red.png" not in names(searcher.search(query))


def test_copies_of_the_query_picture_are_left_out_too(colour_library, colour_pictures, tmp_path):
    content = (colour_pictures / "red.png").read_bytes()
    (colour_pictures / "copy.png").write_bytes(content)
    (tmp_path / "elsewhere.png").write_bytes(content)
    index_folder(colour_library, options=QUICK)
    for picture in (str(tmp_path / "elsewhere.png"), content):
        found = names(Searcher(colour_library).search(Query.of(picture=picture)))
        assert len(found) == 4
        assert not {"red.png", "copy.png"} & set(found)


def test_words_and_picture_are_asked_together(searcher, colour_pictures):
    query = Query.parse([str(colour_pictures / "red.png"), "+", "green"])
    assert names(searcher.search(query, k=1)) == ["yellow.png"]


def test_taking_away_lowers_what_is_like_it(searcher):
    assert names(searcher.search(Query.parse(["yellow", "-", "green"]), k=1)) == ["red.png"]


def test_excluded_pictures_are_left_out(searcher):
    first = searcher.search("red").hits[0]
    again = searcher.search("red", exclude=[first.picture_id])
    assert len(again.hits) == 4
    assert first.path not in [hit.path for hit in again.hits]
    assert again.hits[0].rank == 1


def test_similar_pictures_need_no_encoding(searcher, colour_library):
    answer = searcher.similar(5)  # yellow
    assert names(answer)[0] in {"red.png", "green.png"}
    assert "yellow.png" not in names(answer)
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 0)


def test_similar_is_the_same_as_asking_with_the_file(searcher, colour_pictures):
    by_file = searcher.search(Query.of(picture=str(colour_pictures / "yellow.png"))).hits
    by_id = searcher.similar(5).hits
    assert [hit.path for hit in by_id] == [hit.path for hit in by_file]
    assert [hit.score for hit in by_id] == pytest.approx([hit.score for hit in by_file], abs=2e-3)


def test_similar_to_a_picture_that_is_gone_is_refused(searcher, colour_library, colour_pictures):
    with pytest.raises(QueryError, match="no longer in the library"):
        searcher.similar(99)
    (colour_pictures / "black.png").unlink()
    index_folder(colour_library, options=QUICK)
    with pytest.raises(QueryError, match="no longer in the library"):
        searcher.similar(1)


def test_offline_library_fetches_no_picture(colour_library):
    with (
        Library.open(colour_library.path, offline=True) as opened,
        pytest.raises(QueryError, match="not fetched because of --offline"),
    ):
        Searcher(opened).search(Query.of(picture="http://127.0.0.1:1/x.jpg"))


def test_empty_library_has_no_hits(library, colour_pictures):
    searcher = Searcher(library)
    assert searcher.search("red").hits == ()
    assert searcher.search(Query.of(picture=str(colour_pictures / "red.png"))).hits == ()


def test_library_without_captions_answers(library, paint, pictures):
    paint("red.png"), paint("blue.png")
    index_folder(library, pictures, options=QUICK)
    assert names(Searcher(library).search("red")) == ["red.png", "blue.png"]
    assert Searcher(library).search(Query((Term("red"),), 0)).hits == ()


def test_mean_fusion_finds_as_concat_does(colour_library):
    concat = Searcher(colour_library).search("blue").hits
    colour_library.set_fusion("mean")
    mean = Searcher(colour_library).search("blue").hits
    assert [hit.path for hit in mean] == [hit.path for hit in concat]
    assert [hit.score for hit in mean] == pytest.approx([hit.score for hit in concat], abs=2e-3)


def test_hit_whose_picture_went_meanwhile_is_left_out(searcher, colour_library, monkeypatch):
    pictures = colour_library.catalogue.pictures
    monkeypatch.setattr(
        colour_library.catalogue,
        "pictures",
        lambda ids: {key: info for key, info in pictures(ids).items() if key != 4},
    )
    hits = searcher.search("red").hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert "red.png" not in [hit.path.name for hit in hits]


def test_searches_go_on_in_threads_while_the_library_grows(library):
    fill(library, 200, 0)
    searcher = Searcher(library)
    searcher.search("red")
    errors, done = [], threading.Event()

    def search():
        while not done.is_set():
            try:
                assert len(searcher.search("red", k=5).hits) == 5
            except Exception as error:  # any at all is a failure of this test
                errors.append(error)
                return

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seed in range(1, 5):
        fill(library, 200, seed)
        library.save_vectors()
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(searcher.search("red", k=9999).hits) == 1000


@pytest.fixture
def moving(colour_library, monkeypatch):
    """Move the library to an encoder of another width."""
    monkeypatch.setitem(registry.BUILT_IN, "projection", "projection_encoder:open_encoder")
    return lambda: index_folder(colour_library, options=IndexOptions(workers=1, model="projection"))


def test_query_that_a_move_to_another_encoder_overtakes_is_asked_by_the_new_one(
    colour_library, moving, monkeypatch
):
    embed = searching.embed

    def overtaken(*arguments, **options):
        embedded = embed(*arguments, **options)
        moving()
        return embedded

    monkeypatch.setattr(searching, "embed", overtaken)
    with Library.open(colour_library.path, read_only=True) as reader:
        answer = Searcher(reader).search("red", k=9, exclude=iter([1]))
        assert reader.encoder.name == "projection"
        again = Searcher(reader).search("red", k=9, exclude=[1])
    assert len(answer.hits) == 4
    assert answer.hits == again.hits


def test_query_counts_one_text(searcher, colour_library):
    forget_counts(colour_library)
    searcher.search("red")
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 1)


def test_means_of_the_encoder_centre_pictures_and_words(tmp_path, colour_pictures):
    with Library.create(tmp_path / "library", encoder="colour:centred") as library:
        index_folder(library, colour_pictures, options=QUICK)
        hits = Searcher(library).search("red").hits
        q = unit_rows(np.array([1, 0, 0, 0, 0]) - MEANS[TEXT])
        red = np.array([1, 0, 0, 0, 0]) - MEANS[IMAGE]
        assert hits[0].path.name == "red.png"
        assert hits[0].score == pytest.approx(float(red @ q), abs=1e-3)


def test_search_takes_each_option_by_name_with_its_default():
    parameters = inspect.signature(Searcher.search).parameters.values()
    named = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert named == {field.name: field.default for field in fields(SearchOptions)}


@pytest.mark.parametrize("method", ["similar", "browse"])
def test_other_methods_take_options_of_a_search_with_the_same_defaults(method):
    search = inspect.signature(Searcher.search).parameters
    for name, parameter in inspect.signature(getattr(Searcher, method)).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert parameter == search[name]


def test_weight_that_is_named_replaces_that_of_the_query(searcher):
    named = searcher.search(Query.of("blue", weight=1.0), weight=0.0)
    assert named.query.weight == 0.0
    assert named.hits == searcher.search(Query.of("blue", weight=0.0)).hits


def test_options_as_one_object_answer_as_the_methods_do(searcher):
    options = SearchOptions(k=2, where="format: png", weight=0.3)
    key = searcher.search("red").hits[0].picture_id
    for subject, answer in (
        (Query.of("red"), searcher.search("red", k=2, where="format: png", weight=0.3)),
        (key, searcher.similar(key, k=2, where="format: png", weight=0.3)),
        (None, searcher.browse(k=2, where="format: png")),
    ):
        assert searcher.ask(subject, options).hits == answer.hits != ()


def test_hit_says_how_it_was_found_and_so_what_its_score_is(searcher):
    key = searcher.search("red").hits[0].picture_id
    for answer, found_by, scored in (
        (searcher.search("red"), "meaning", True),
        (searcher.similar(key), "meaning", True),
        (searcher.search("blue", mode="words"), "words", False),
        (searcher.browse(where="format: png"), "filter", False),
    ):
        assert {hit.found_by for hit in answer.hits} == {found_by}
        assert {hit.score is not None for hit in answer.hits} == {scored}


SEARCH = """
import sys
from indexer import Library
from search import Query, Searcher
with Library.open(sys.argv[1], read_only=True, offline=True) as library:
    print(Searcher(library).search(sys.argv[2], k=1).hits[0].path.name)
heavy = {"torch", "transformers", "timm", "streamlit", "open_clip", "alembic", "click"}
print(sorted(heavy & set(sys.modules)))
"""


def run(code, *arguments, environment, folder):
    command = [sys.executable, "-c", code, *map(os.fspath, arguments)]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_search_in_another_process_imports_nothing_heavy(
    colour_library, subprocess_environment, tmp_path
):
    colour_library.close()
    said = run(SEARCH, colour_library.path, "green",
               environment=subprocess_environment, folder=tmp_path)  # fmt: skip
    assert said == ["green.png", "[]"]


def test_encoder_of_another_package_is_found_by_its_entry_point(
    subprocess_environment, colour_pictures, tmp_path
):
    code = """
import sys
from indexer import Library, index_folder
with Library.create(sys.argv[1], encoder="colour") as library:
    print(index_folder(library, sys.argv[2]).added)
"""
    said = run(code, tmp_path / "made", colour_pictures,
               environment=subprocess_environment, folder=tmp_path)  # fmt: skip
    assert said == ["5"]


def test_what_is_no_number_of_a_picture_is_refused(colour_library, colour_pictures):
    with pytest.raises(QueryError, match="not a picture id"):
        Searcher(colour_library).similar(colour_pictures / "red.png")


def test_picture_asks_by_its_path_in_any_form(colour_library, colour_pictures):
    searcher, path = Searcher(colour_library), colour_pictures / "red.png"
    found = [searcher.search(Query.of(picture=form)).hits for form in (path, str(path))]
    assert [hit.path for hit in found[0]] == [hit.path for hit in found[1]]
    with pytest.raises(QueryError, match="not as list"):
        searcher.search(Query.of(picture=[0, 0]))


def test_words_alone_have_no_score_to_explain(colour_library):
    with pytest.raises(QueryError, match="no scores to explain"):
        Searcher(colour_library).search("red", mode="words", explain=True)
    said = refusal(
        "search", "red", "--mode", "words", "--explain", "--library", colour_library.path, status=2
    )
    assert "no scores to explain" in said
