"""Tags of a library: exact filters, current with every change, safe whatever happens."""

import os
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest
from colour_tags import TAGS, colour_head, likely, plain_weights
from conftest import forget_counts
from faults import ENCODER, OPENER, faults
from hypothesis import given, settings
from hypothesis import strategies as st
from kills import Killing
from PIL import Image
from projection_encoder import DIM, ProjectionEncoder

from indexer import IndexOptions, Library, index_folder, indexing
from indexer.catalogue.changes.tags import TagChanges
from indexer.catalogue.database import FILE
from indexer.doctor import examine, repair
from indexer.doctor.rescue import rescue
from indexer.encoders import registry
from indexer.errors import InputError, LibraryDamaged, ModelError
from indexer.pipeline.pruning import forget_folder
from indexer.pipeline.tagging import adopt
from indexer.tag_head import TagHeadFacts, packed
from search import Query, Searcher

QUICK = IndexOptions(workers=1)
MOVE = IndexOptions(workers=1, model="colour:2")


@pytest.fixture
def head(tmp_path):
    return colour_head(tmp_path / "heads" / "colours.safetensors")


@pytest.fixture
def tagged(colour_library, head) -> Library:
    """The library of colours, with the tags that one can compute."""
    index_folder(colour_library, options=IndexOptions(workers=1, tags=[head]))
    forget_counts(colour_library)
    return colour_library


def tags_of(library) -> dict[str, dict[str, float]]:
    """The tags of each present picture, by its name."""
    infos = library.catalogue.pictures(library.catalogue.present_ids())
    found = library.tags.of(list(infos))
    return {info.path.name: found.get(key, {}) for key, info in infos.items()}


EXPECTED = {
    "red.png": {"reddish": likely(1)},
    "green.png": {},
    "blue.png": {"bluish": likely(1)},
    "black.png": {},
    "yellow.png": {"reddish": likely(0.5**0.5), "says blue": likely(1)},
}


def near(found, expected=EXPECTED):
    assert {n: set(t) for n, t in found.items()} == {n: set(t) for n, t in expected.items()}
    for name, tags in expected.items():
        assert found[name] == pytest.approx(tags, abs=2e-3)  # embeddings are float16
    return True


def test_adopted_head_tags_every_picture_and_encodes_nothing(tagged):
    assert near(tags_of(tagged))
    assert (tagged.encoder.images, tagged.encoder.texts) == (0, 0)


def test_library_needs_the_file_of_its_head_no_more(tagged, head, paint):
    head.unlink()
    paint("purple.png")
    with Library.open(tagged.path) as opened:
        assert index_folder(opened, options=QUICK).added == 1
        assert set(tags_of(opened)["purple.png"]) == {"reddish", "bluish"}


def test_same_head_again_changes_nothing(tagged, head):
    generation = tagged.generation
    index_folder(tagged, options=IndexOptions(workers=1, tags=[head]))
    assert tagged.generation == generation


def test_heads_lie_side_by_side_and_others_take_their_place(tagged, head, tmp_path):
    other = colour_head(tmp_path / "other.safetensors", tags=("reddish", "cold", "talks"))
    index_folder(tagged, options=IndexOptions(workers=1, tags=[head, other]))
    assert sorted(tagged.tags.counts(tagged.encoder_id)) == ["colours", "other"]
    names = ["bluish", "cold", "reddish", "says blue", "talks"]
    assert tagged.tags.names(tagged.encoder_id) == names
    assert set(tags_of(tagged)["blue.png"]) == {"bluish", "cold"}
    index_folder(tagged, options=IndexOptions(workers=1, tags=[other]))
    assert set(tags_of(tagged)["blue.png"]) == {"cold"}


def test_no_heads_means_no_tags(tagged):
    index_folder(tagged, options=IndexOptions(workers=1, tags=[]))
    assert not any(tags_of(tagged).values())
    hit = Searcher(tagged).search("red", k=1).hits[0]
    assert hit.tags is None
    assert faults(tagged) == []


def test_new_changed_recaptioned_and_failing_pictures_are_tagged_anew(tagged, paint, pictures):
    paint("blue-2.png", caption="a blue lake")
    os.utime(paint("red.png", "blue"), ns=(1, 1))
    (pictures / "yellow.txt").write_text("a red boat")
    (pictures / "green.txt").write_text("blue")
    (pictures / "blue.png").write_bytes(b"no picture")
    index_folder(tagged, options=QUICK)
    assert near(
        tags_of(tagged),
        {
            "blue-2.png": {"bluish": likely(1), "says blue": likely(1)},
            "red.png": {"bluish": likely(1)},
            "green.png": {"says blue": likely(1)},
            "black.png": {},
            "yellow.png": {"reddish": likely(0.5**0.5)},
        },
    )
    assert tagged.tags.counts(tagged.encoder_id)["colours"]["bluish"] == 2
    assert faults(tagged) == []


def test_missing_picture_is_not_counted_and_returns_with_its_tags(tagged, pictures, head, tmp_path):
    away = tmp_path / "away.png"
    (pictures / "red.png").rename(away)
    index_folder(tagged, options=QUICK)
    assert tagged.tags.counts(tagged.encoder_id)["colours"]["reddish"] == 1
    assert [hit.path.name for hit in Searcher(tagged).browse(tags=["reddish"]).hits] == [
        "yellow.png"
    ]
    other = colour_head(tmp_path / "other.safetensors")  # adopted while the picture is away
    index_folder(tagged, options=IndexOptions(workers=1, tags=[other]))
    away.rename(pictures / "red.png")
    forget_counts(tagged)
    index_folder(tagged, options=QUICK)
    assert near(tags_of(tagged))
    assert tagged.encoder.images == 0


def test_moved_picture_keeps_its_tags(tagged, pictures):
    (pictures / "red.png").rename(pictures / "moved.png")
    index_folder(tagged, options=QUICK)
    assert set(tags_of(tagged)["moved.png"]) == {"reddish"}
    assert len(tagged.tags.having(tagged.encoder_id, ["reddish"])) == 2


def test_forgotten_pictures_leave_no_tags(tagged, pictures):
    forget_folder(tagged, pictures)
    assert tagged.tags.having(tagged.encoder_id, ["reddish"]) == {}
    assert faults(tagged) == []


def test_tags_rest_while_another_encoder_is_in_use(tagged):
    report = index_folder(tagged, options=MOVE)
    (problem,) = report.problems
    assert "the tags of colours were made for 'colour'" in problem.reason
    assert not any(tags_of(tagged).values())
    assert tagged.tags.heads(tagged.encoder_id) == []
    with pytest.raises(InputError, match="this library has no tags"):
        Searcher(tagged).search("red", tags=["reddish"])
    assert faults(tagged) == []
    report = index_folder(tagged, options=IndexOptions(workers=1, model="colour"))
    assert (report.encoded, report.problems) == (0, [])
    assert near(tags_of(tagged))


def test_move_may_bring_the_tags_of_the_other_encoder(tagged, tmp_path):
    other = colour_head(tmp_path / "second.safetensors", version="2")
    report = index_folder(tagged, options=IndexOptions(workers=1, model="colour:2", tags=[other]))
    assert report.problems == []
    assert near(tags_of(tagged))
    index_folder(tagged, options=IndexOptions(workers=1, prune=True))  # the other encoder goes
    with closing(sqlite3.connect(tagged.path / FILE)) as catalogue:
        names = catalogue.execute("SELECT name FROM tag_heads").fetchall()
    assert names == [("second",)]


def test_head_of_another_encoder_is_refused_before_anything_is_done(tagged, paint, tmp_path):
    paint("purple.png")
    generation = tagged.generation
    other = colour_head(tmp_path / "second.safetensors", version="2")
    with pytest.raises(InputError, match="made for 'colour:2'"):
        index_folder(tagged, options=IndexOptions(workers=1, tags=[other]))
    mine = colour_head(tmp_path / "first.safetensors")
    with pytest.raises(InputError, match="made for 'colour'"):
        index_folder(tagged, options=IndexOptions(workers=1, model="colour:2", tags=[mine]))
    with pytest.raises(InputError, match="another tag head is also named 'first'"):
        index_folder(tagged, options=IndexOptions(tags=[mine, tmp_path / "x" / "first.st"]))
    with pytest.raises(ModelError, match="cannot be read as a tag head"):
        index_folder(tagged, options=IndexOptions(tags=[tmp_path / "nowhere"]))
    assert tagged.generation == generation
    assert near(tags_of(tagged))


def test_tags_and_their_picture_are_stored_together_or_not_at_all(tagged, paint, monkeypatch):
    paint("purple.png")

    def fail(self, picture_ids, tags):
        raise RuntimeError("pulled plug")

    with monkeypatch.context() as patch:
        patch.setattr(TagChanges, "put", fail)
        with pytest.raises(RuntimeError):
            index_folder(tagged, options=QUICK)
    assert "purple.png" not in tags_of(tagged)
    index_folder(tagged, options=QUICK)
    assert set(tags_of(tagged)["purple.png"]) == {"reddish", "bluish"}


def test_interrupted_adoption_leaves_the_tags_of_before(tagged, tmp_path, monkeypatch):
    other = colour_head(tmp_path / "other.safetensors", tags=("warm", "cold", "talks"))
    with monkeypatch.context() as patch:
        patch.setattr(TagChanges, "put", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            adopt(tagged, [other])
    assert near(tags_of(tagged))
    assert faults(tagged) == []


def test_interrupted_run_has_tagged_what_it_has_stored(library, head, paint, pictures):
    for number in range(80):
        paint(f"{number:02}.png", (255 - number, 0, number))
    options = IndexOptions(workers=1, tags=[head])
    with indexing(library, pictures, options=options) as steps:
        while not next(steps).done:
            pass
    assert steps.report.interrupted
    assert 0 < len(tags_of(library)) < 80
    assert all("reddish" in tags for tags in tags_of(library).values())
    assert faults(library) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are stopped as there")
def test_killed_run_leaves_tags_that_agree_with_the_embeddings(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, ENCODER, OPENER)
    killing = Killing(tmp_path, 60, seed=5, measure=False)
    file = tmp_path / "chance.safetensors"
    file.write_bytes(chance_head(np.random.default_rng(1)))
    with Library.create(killing.library, encoder=ENCODER) as library:
        adopt(library, [file])
    kill = killing.kill_while_saved()
    assert kill is not None
    assert kill.flaws == []
    assert killing.finish() == []
    with Library.open(killing.library) as library:
        assert sum(library.tags.counts(library.encoder_id)["chance"].values()) > 10


def chance_head(random: np.random.Generator, tags: int = 4) -> bytes:
    """A head of random weights for the encoder of random directions."""
    weights = plain_weights(tags, DIM)
    for name in ("image.out", "text.out"):
        weights[name] = random.normal(0, 8, (DIM, tags))
    weights["image.task"] = random.normal(0, 1, (DIM, DIM))
    names = tuple(f"tag {n}" for n in range(tags))
    facts = TagHeadFacts(names, ENCODER, ProjectionEncoder.fingerprint, DIM)
    return packed(facts, weights, {})


@pytest.fixture(scope="module")
def chance_library(tmp_path_factory):
    """80 pictures of random pixels, every second with a caption, and tags by chance."""
    room = tmp_path_factory.mktemp("chance")
    random = np.random.default_rng(3)
    (room / "pictures").mkdir()
    for n in range(80):
        pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(room / "pictures" / f"{n}.png")
        if n % 2:
            (room / "pictures" / f"{n}.txt").write_text(f"word{n % 5} word{n % 7} word{n % 11}")
    (room / "chance.safetensors").write_bytes(chance_head(random))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, ENCODER, OPENER)
        with Library.create(room / "library", encoder=ENCODER) as library:
            options = IndexOptions(workers=1, tags=[room / "chance.safetensors"])
            index_folder(library, room / "pictures", options=options)
            yield library


@settings(max_examples=40, deadline=None)
@given(
    chosen=st.lists(st.sampled_from([f"tag {n}" for n in range(4)]), min_size=1, max_size=3),
    word=st.integers(0, 6),
    k=st.integers(1, 90),
    weight=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
def test_filtered_hits_are_the_best_of_all_pictures_that_pass(
    chance_library, chosen, word, k, weight
):
    searcher = Searcher(chance_library)
    query = Query.of(f"word{word}", weight=weight)
    everything = searcher.search(query, k=99).hits
    passing = [hit for hit in everything if all(tag in hit.tags for tag in chosen)]
    found = searcher.search(query, k=k, tags=chosen).hits
    assert [hit.picture_id for hit in found] == [hit.picture_id for hit in passing[:k]]
    assert [h.score for h in found] == pytest.approx([h.score for h in passing[:k]], abs=1e-5)
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))


def test_tags_by_chance_divide_the_pictures(chance_library):
    counts = chance_library.tags.counts(chance_library.encoder_id)["chance"]
    assert all(5 < count < 75 for count in counts.values())


def test_tags_alone_list_the_surest_pictures_first(tagged):
    searcher = Searcher(tagged)
    answer = searcher.browse(tags=["reddish"])
    assert {hit.found_by for hit in answer.hits} == {"filter"}
    assert [hit.path.name for hit in answer.hits] == ["red.png", "yellow.png"]
    assert [hit.score for hit in answer.hits] == pytest.approx(
        [likely(1), likely(0.5**0.5)], abs=2e-3
    )
    assert all(hit.image_score is None for hit in answer.hits)
    both = searcher.browse(tags=["says blue", "reddish"])
    assert [hit.path.name for hit in both.hits] == ["yellow.png"]
    assert both.hits[0].score == pytest.approx(likely(0.5**0.5), abs=2e-3)
    assert [hit.path.name for hit in searcher.browse(tags=["reddish"], k=1).hits] == ["red.png"]


def test_pictures_like_one_are_filtered_too(tagged):
    searcher = Searcher(tagged)
    red = searcher.search("red", k=1).hits[0].picture_id
    hits = searcher.similar(red, tags=["bluish"]).hits
    assert [hit.path.name for hit in hits] == ["blue.png"]


def test_unknown_tag_names_those_that_are_known(tagged):
    with pytest.raises(InputError, match="no tag 'green'; there are bluish, reddish, says blue"):
        Searcher(tagged).search("red", tags=["reddish", "green"])


def run_sql(library, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(library.path / FILE)) as catalogue, catalogue:
        catalogue.execute(statement, values)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM picture_tags WHERE id = (SELECT min(id) FROM picture_tags)",
        "UPDATE picture_tags SET probability = 0.6 WHERE id = (SELECT min(id) FROM picture_tags)",
        "INSERT INTO picture_tags (picture_id, tag_id, probability) SELECT p.id, t.id, 0.9 "
        "FROM pictures p, tags t WHERE p.relative = CAST('green.png' AS BLOB) "
        "AND t.name = 'bluish'",
    ],
    ids=["one too few", "another probability", "one too many"],
)
def test_doctor_finds_tags_that_disagree_and_tags_again(tagged, statement):
    assert faults(tagged) == []
    run_sql(tagged, statement)
    (finding,) = [f for f in examine(tagged) if f.check == "tags" and f.serious]
    assert finding.count == 1
    repair(tagged, [finding])
    assert near(tags_of(tagged))
    assert faults(tagged) == []


def test_damaged_head_is_found_and_taken_out(tagged, head, paint):
    content = bytearray(head.read_bytes())
    content[-5] ^= 1
    run_sql(tagged, "UPDATE tag_heads SET content = ?", bytes(content))
    paint("purple.png")
    with Library.open(tagged.path) as opened:
        with pytest.raises(LibraryDamaged, match="tag head 'colours' is damaged"):
            index_folder(opened, options=QUICK)
        findings = examine(opened)
        (finding,) = [f for f in findings if f.check == "tags"]
        assert finding.examples == ("colours",)
        repair(opened, findings)
        assert index_folder(opened, options=IndexOptions(workers=1, tags=[head])).added == 1
        assert set(tags_of(opened)["purple.png"]) == {"reddish", "bluish"}
        assert faults(opened) == []


def test_rescued_library_has_its_tags(tagged):
    tagged.close()
    rescue(tagged.path)
    with Library.open(tagged.path) as opened:
        assert near(tags_of(opened))
        assert opened.tags.names(opened.encoder_id) == sorted(TAGS)
        assert faults(opened) == []


def test_rescue_goes_on_without_a_head_that_is_damaged(tagged):
    run_sql(tagged, "UPDATE tag_heads SET content = x'00'")
    tagged.close()
    rescue(tagged.path)
    with Library.open(tagged.path) as opened:
        assert opened.tags.heads(opened.encoder_id) == []
        assert faults(opened) == []
