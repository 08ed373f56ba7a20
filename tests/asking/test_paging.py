"""Pages of one query: they neither repeat a picture nor skip one."""

import itertools

import numpy as np
import pytest
from command_line import answered, index_colours, refusal, run, sample_library
from test_compressed import large_library
from test_searcher import fill

from indexer import IndexOptions, index_folder
from indexer.errors import InputError
from indexer.library import segments
from indexer.vectors import compressed
from indexer.vectors import compression as compressing
from search import Query, Searcher, Term


def pages(searcher, query, k, **options):
    """The ids of all pages, by following `next_offset`."""
    offset, found = 0, []
    while offset is not None:
        answer = searcher.search(query, k=k, offset=offset, **options)
        assert [hit.rank for hit in answer.hits] == list(
            range(offset + 1, offset + 1 + len(answer.hits))
        )
        found.append([hit.picture_id for hit in answer.hits])
        offset = answer.next_offset
    return found


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("diverse", [0.0, 0.4])
def test_pages_together_are_the_whole_answer(library, fold, diverse):
    fill(library, 230, 3)
    searcher = Searcher(library)
    for k in (7, 10, 60):
        found = pages(searcher, "red", k, fold=fold, diverse=diverse)
        ids = list(itertools.chain(*found))
        assert sorted(ids) == sorted(library.catalogue.present_ids())
        assert all(len(page) == k for page in found[:-1])
        if not diverse:
            assert ids == [hit.picture_id for hit in searcher.search("red", k=500).hits]


def test_pages_of_equal_scores_neither_repeat_nor_skip(paint, pictures, library):
    for number in range(25):
        paint(f"red-{number}.png", (255, 0, number % 2))
    index_folder(library, pictures, options=IndexOptions(workers=1))
    found = pages(Searcher(library), "red", 4)
    assert sorted(itertools.chain(*found)) == sorted(library.catalogue.present_ids())


def test_pages_of_copies_are_folded_across_pages(paint, pictures, library):
    for number in range(10):
        content = paint(f"one-{number}.png", (255, number * 9, 0)).read_bytes()
        for copy in range(3):
            (pictures / f"one-{number}-{copy}.png").write_bytes(content)
    index_folder(library, pictures, options=IndexOptions(workers=1))
    found = pages(Searcher(library), "red", 3, fold=True)
    assert [len(page) for page in found] == [3, 3, 3, 1]
    names = library.catalogue.pictures(itertools.chain(*found)).values()
    assert len({picture.content_hash for picture in names}) == 10


@pytest.fixture
def large(tmp_path, tmp_path_factory, monkeypatch):
    """A library of 2,000 pictures with a compressed index."""
    monkeypatch.setattr(compressed, "COMPRESS_FROM", 1000)
    monkeypatch.setattr(segments, "SEGMENT", 256)
    monkeypatch.setattr(compressing, "ROWS_PER_STEP", 512)
    with large_library(tmp_path, tmp_path_factory) as library:
        assert library.vectors().compressed is not None
        yield library


@pytest.mark.parametrize("weight", [0.3, 1.0])
@pytest.mark.parametrize("fold", [False, True])
def test_pages_of_the_compressed_index_neither_repeat_nor_skip(large, weight, fold):
    query = Query((Term("red"), Term("blue", weight=0.3)), weight)
    ids = list(itertools.chain(*pages(Searcher(large), query, 17, fold=fold)))
    assert len(ids) == len(set(ids)) == 2000


def test_pages_of_an_index_that_misses_the_best_neither_repeat_nor_skip(large, monkeypatch):
    """Candidates without the best ten: those follow what the candidates gave."""
    best = {hit.picture_id for hit in Searcher(large).search("red", k=10).hits}
    known = compressed.CompressedIndex.candidates

    def poor(self, *asked):
        found = known(self, *asked)
        kept = found.pictures[~np.isin(found.pictures, [*best])]
        return compressed.Candidates(kept, found.covered)

    monkeypatch.setattr(compressed.CompressedIndex, "candidates", poor)
    ids = list(itertools.chain(*pages(Searcher(large), "red", 10)))
    assert len(ids) == len(set(ids)) == 2000
    assert set(ids[50:60]) == best


def test_listed_pictures_have_pages_too(colour_library):
    searcher = Searcher(colour_library)
    whole = [hit.picture_id for hit in searcher.browse(where="format: png").hits]
    parts = [searcher.browse(where="format: png", k=2, offset=first) for first in (0, 2, 4)]
    assert [hit.picture_id for part in parts for hit in part.hits] == whole
    assert [part.next_offset for part in parts] == [2, 4, None]


def test_negative_offset_and_strange_strength_are_refused(colour_library):
    with pytest.raises(InputError, match="offset: -1"):
        Searcher(colour_library).search("red", offset=-1)
    with pytest.raises(InputError, match="between 0"):
        Searcher(colour_library).search("red", diverse=1.5)


@pytest.fixture
def home(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "library")
    return tmp_path / "library"


def test_pages_of_the_command_follow_each_other(home):
    asked = ("search", "red", "--library", home, "-k", 2)
    whole = answered("search", "red", "--library", home)["hits"]
    parts = [answered(*asked, "--page", page) for page in (1, 2, 3)]
    assert [hit for part in parts for hit in part["hits"]] == whole
    assert [part["next_offset"] for part in parts] == [2, 4, None]
    assert answered(*asked, "--offset", 3)["hits"] == whole[3:5]


def test_page_behind_the_last_is_empty_and_says_so(home):
    result = run("search", "red", "--library", home, "--page", 9)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no more hits" in result.stderr


def test_page_and_offset_exclude_each_other(home):
    result = run("search", "red", "--page", 2, "--offset", 3, "--library", home)
    assert result.exit_code == 2
    assert "cannot be combined" in result.stderr
    assert "weight" not in refusal("search", "red", "--library", home / "none", status=3)


def test_pages_of_photographs_neither_repeat_nor_skip(tmp_path_factory):
    library = sample_library(tmp_path_factory)
    asked = ("search", "water", "--library", library, "-k", 9, "--diverse", "--all")
    parts = [answered(*asked, "--page", page)["hits"] for page in range(1, 8)]
    paths = [hit["path"] for part in parts for hit in part]
    assert len(paths) == len(set(paths)) == 61
