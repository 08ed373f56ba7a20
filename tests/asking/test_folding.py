"""Folding: hits that are nearly the same picture are one; others never are."""

import numpy as np
import pytest
from command_line import SAMPLE, answered, run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from indexer import IndexOptions, Library, index_folder
from indexer.embedding import unit_rows
from search import Searcher
from search.answer.paging import page_of
from search.query.options import SearchOptions
from search.ranking import folding
from search.ranking.folding import are_alike, leaders
from search.ranking.order import RankedPictures


@pytest.fixture(scope="module")
def burst(tmp_path_factory):
    """Twelve photographs, and of the first what a burst and a chat make of it; a library of all."""
    folder = tmp_path_factory.mktemp("burst")
    paths = [SAMPLE / "spice-market.jpg", *sorted(SAMPLE.rglob("*.jpg"))[:11]]
    for path in paths:
        (folder / path.name).write_bytes(path.read_bytes())
    image = Image.open(paths[0]).convert("RGB")
    width, height = image.size
    across, down = width // 33, height // 33
    image.save(folder / "saved.jpg", quality=40)
    image.crop((across, down, width, height)).save(folder / "next.jpg")
    ImageEnhance.Brightness(image).enhance(1.2).save(folder / "lit.jpg")
    (folder / "copy.jpg").write_bytes(paths[0].read_bytes())
    library = tmp_path_factory.mktemp("library") / "l"
    with Library.create(library) as made:
        index_folder(made, folder)
    return paths[0].name, {"saved.jpg", "next.jpg", "lit.jpg", "copy.jpg"}, library


def test_shots_of_a_burst_are_one_hit_and_different_photographs_are_not(burst):
    name, variants, library = burst
    with Library.open(library, read_only=True) as opened:
        answer = Searcher(opened).search("a photograph", k=100, fold=True)
    (folded,) = [hit for hit in answer.hits if hit.folded]
    assert {folded.path.name, *(p.path.name for p in folded.folded)} == {name} | variants
    assert len(answer.hits) == 12


def test_python_shows_every_picture_unless_folding_is_asked_for(burst):
    _, _, library = burst
    with Library.open(library, read_only=True) as opened:
        answer = Searcher(opened).search("a photograph", k=100)
    assert len(answer.hits) == 16
    assert not any(hit.folded for hit in answer.hits)


def test_command_folds_and_says_what_it_folded(burst):
    name, variants, library = burst
    asked = ("search", "a", "photograph", "-k", 100, "--all", "--library", library)
    hits = answered(*asked)["hits"]
    (folded,) = [hit for hit in hits if "like" in hit]
    assert folded["folded"] == 4
    names = {path["path"].rpartition("/")[2] for path in (folded, *folded["like"])}
    assert names == {name} | variants
    assert [hit["rank"] for hit in hits] == list(range(1, 13))
    line = run(*asked).stdout.splitlines()
    assert sum(text.endswith("  +4 like it") for text in line) == 1
    every = answered(*asked, "--no-fold")["hits"]
    assert len(every) == 16
    assert not any("like" in hit for hit in every)


def test_more_is_looked_at_until_k_distinct_pictures_are_found(paint, pictures, library):
    content = paint("red.png").read_bytes()
    for number in range(80):
        (pictures / f"copy-{number}.png").write_bytes(content)
    paint("purple.png")
    paint("yellow.png")
    index_folder(library, pictures, options=IndexOptions(workers=1))
    hits = Searcher(library).search("red", k=3, fold=True).hits
    assert [len(hit.folded) for hit in hits] == [80, 0, 0]
    assert {hit.path.name for hit in hits[1:]} == {"purple.png", "yellow.png"}


def test_plain_pictures_of_one_colour_are_not_alike_for_that(paint, pictures, library):
    for size in range(3):
        Image.new("RGB", (20 + size, 20), "red").save(pictures / f"red-{size}.png")
    index_folder(library, pictures, options=IndexOptions(workers=1))
    assert len(Searcher(library).search("red", fold=True).hits) == 3


def test_hash_and_embedding_both_have_to_speak_for_it():
    bits = np.array([0, 0, 10, 11, 20, 21], np.uint8)
    cosines = np.array([0.5, 0.8, 0.75, 0.89, 0.9, 0.99], np.float32)
    assert are_alike(bits, cosines).tolist() == [False, True, True, False, True, False]


@pytest.fixture(scope="module")
def every_look_alike():
    """What hashes and embeddings take for one picture looks like one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "_looks", lambda library, ids: lambda one, other: True)
        yield


class Looks:
    """A library of which is known what its pictures look like."""

    def __init__(self, hashes, rows, contents):
        self.hashes, self.rows, self.contents = hashes, rows, contents
        self.catalogue = self

    def hashes_of(self, ids):
        return {key: (self.contents[key], self.hashes[key].tobytes()) for key in ids}

    def embedded(self, ids):
        kept = sorted(ids)
        found = type("Found", (), {})()
        found.ids, found.v_i = np.array(kept, np.int64), self.rows[kept]
        return found


def few_looks(seed, n):
    """Pictures of which many are alike: few hashes and few embeddings, each with some noise.

    Embeddings are whole 32nds, so that their products are exact in whatever order they are added.
    """
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**63, 4, np.uint64)[random.integers(0, 4, n)]
    hashes ^= np.uint64(1) << random.integers(0, 63, n, np.uint64)
    hashes[random.random(n) < 0.1] = 0
    rows = random.normal(size=(3, 8))[random.integers(0, 3, n)] + random.normal(0, 0.2, (n, 8))
    contents = [b"%d" % key for key in random.integers(0, 2 * n, n)]
    return Looks(hashes, np.round(32 * unit_rows(rows)) / 32, contents)


def one_by_one(library, n):
    """The place of each picture's leader, by comparing each with all leaders before it."""
    found, first = [], {}
    for place in range(n):
        same = first.setdefault(library.contents[place], place)
        alike = place if same == place else found[same]
        for before in sorted({f for f in found if f == found[f]}) if same == place else ():
            hashes = library.hashes[[place, before]]
            bits = np.array([int(hashes[0] ^ hashes[1]).bit_count()], np.uint8)
            cosine = library.rows[[place]] @ library.rows[before]
            if hashes.all() and are_alike(bits, cosine)[0]:
                alike = before
                break
        found.append(alike)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_each_is_folded_into_the_first_leader_that_it_is_like(every_look_alike, seed, n):
    library = few_looks(seed, n)
    assert leaders(library, np.arange(n)).tolist() == one_by_one(library, n)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 200), st.integers(1, 30), st.integers(0, 60))
def test_the_k_best_distinct_pictures_are_returned_and_pages_are_cut_out_of_them(
    every_look_alike, seed, n, k, offset
):
    library, ids = few_looks(seed, n), np.arange(n)
    order = RankedPictures.of(ids, np.linspace(1, 0, n, dtype=np.float32))
    distinct = [place for place, into in enumerate(one_by_one(library, n)) if into == place]
    options = SearchOptions(k=k, offset=offset, fold=True)
    page = page_of(library, order, options, {})
    assert page.ids.tolist() == distinct[offset : offset + k]
    assert page.more == (len(distinct) > offset + k)


def test_what_lies_many_hits_before_is_not_compared(every_look_alike, monkeypatch):
    monkeypatch.setattr(folding, "LOOK_BACK", 2)
    row = unit_rows(np.ones((1, 8), np.float32))
    hashes = np.array([7, 2**40 - 1, 2**62 - 2**22, 7], np.uint64)
    library = Looks(hashes, np.repeat(row, 4, 0), [b"a", b"b", b"c", b"d"])
    assert leaders(library, np.arange(4)).tolist() == [0, 1, 2, 3]
    assert leaders(library, np.array([0, 1, 3])).tolist() == [0, 1, 0]
