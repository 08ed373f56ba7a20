"""The map of a library: points of its pictures, and the page that shows them."""

import json
import sys

import numpy as np
import pytest
from command_line import answered, refusal, run, sample_library
from hypothesis import given, settings
from hypothesis import strategies as st
from test_searcher import fill

from indexer import IndexOptions, Library, index_folder
from search import library_map as mapping
from search.library_map import draw_map
from search.map_regions import regions
from search.projection import method_of, principal, projected


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setattr(mapping, "cache_directory", lambda: tmp_path / "cache")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.integers(2, 12))
def test_principal_axes_are_those_of_the_singular_values(seed, n, dim):
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    centred = rows.astype(float) - rows.astype(float).mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)[:2]
    assert np.linalg.norm(principal(rows), axis=0) == pytest.approx(values, rel=1e-3)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_pictures_have_a_map_too(n):
    points = projected(np.eye(3, dtype=np.float32)[:n], "pca")
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()


def test_points_lie_within_one(library):
    fill(library, 50, 1)
    made = draw_map(library, method="pca")
    assert made.points.shape == (50, 2)
    assert np.abs(made.points).max() == pytest.approx(1)
    assert made.pictures == 50


def test_pictures_of_one_colour_lie_together(paint, pictures, library):
    for name, colour in (("r", (255, 0, 0)), ("g", (0, 255, 0)), ("b", (0, 0, 255))):
        for number in range(4):
            paint(f"{name}{number}.png", tuple(max(0, c - 3 * number) for c in colour))
    index_folder(library, pictures, options=IndexOptions(workers=1))
    made = draw_map(library, method="pca")
    found = library.catalogue.pictures(made.ids.tolist())
    groups = np.array([found[key].path.name[0] for key in made.ids.tolist()])
    centres = {name: made.points[groups == name].mean(axis=0) for name in "rgb"}
    for point, own in zip(made.points, groups, strict=True):
        assert min(centres, key=lambda name: np.linalg.norm(point - centres[name])) == own


def test_big_library_is_sampled_and_says_of_how_many(library):
    fill(library, 80, 2)
    made = draw_map(library, method="pca", most=30)
    assert len(made.ids) == len(set(made.ids.tolist())) == 30
    assert made.pictures == 80
    assert made.ids.tolist() == draw_map(library, method="pca", most=30).ids.tolist()


def test_pictures_without_a_caption_are_not_on_the_map_of_captions(colour_library):
    assert len(draw_map(colour_library, kind="caption", method="pca").ids) == 2


def test_second_time_nothing_is_projected_until_the_library_changes(library, monkeypatch):
    fill(library, 40, 1)
    first = draw_map(library, method="pca")
    asked = []
    monkeypatch.setattr(mapping, "projected", lambda *a: asked.append(1) or projected(*a))
    again = draw_map(library, method="pca")
    assert again.points.tolist() == first.points.tolist()
    assert asked == []
    fill(library, 5, 2)
    assert len(draw_map(library, method="pca").ids) == 45
    assert asked == [1]


def test_damaged_cache_is_made_anew(library, tmp_path):
    fill(library, 20, 1)
    first = draw_map(library, method="pca")
    (kept,) = (tmp_path / "cache" / "maps").iterdir()
    kept.write_bytes(kept.read_bytes()[:-40])
    assert draw_map(library, method="pca").points.tolist() == first.points.tolist()


def test_umap_that_is_not_installed_is_refused_and_auto_does_without(monkeypatch, colour_library):
    monkeypatch.setitem(sys.modules, "umap", None)
    monkeypatch.setattr("search.projection.find_spec", lambda name: None)
    assert method_of("auto") == "pca"
    said = refusal("map", "--method", "umap", "--library", colour_library.path, status=2)
    assert "pip install umap-learn" in said


def test_command_prints_writes_and_counts(tmp_path_factory, tmp_path):
    library = sample_library(tmp_path_factory)
    asked = ("map", "--method", "pca", "--library", library)
    fields = answered(*asked)
    assert (fields["method"], fields["of"], len(fields["pictures"])) == ("pca", 61, 61)
    assert run(*asked, "--output", tmp_path / "m.jsonl").exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [(p["id"], p["x"], p["y"]) for p in lines] == [
        (p["id"], p["x"], p["y"]) for p in fields["pictures"]
    ]
    assert "--overwrite" in refusal(*asked, "--output", tmp_path / "m.jsonl", status=2)
    few = run(*asked, "--most", 10)
    assert "10 of 61 pictures" in few.stderr
    assert len(few.stdout.splitlines()) == 10


@pytest.mark.xfail(reason="-0.37 with the heads of today", strict=True)
def test_photographs_that_lie_far_apart_are_unlike(tmp_path_factory):
    library = sample_library(tmp_path_factory)
    with Library.open(library, read_only=True) as opened:
        made = draw_map(opened, method="pca")
        rows = opened.embedded(made.ids.tolist()).v_i
    apart = np.linalg.norm(made.points[:, None] - made.points[None], axis=2)
    upper = np.triu_indices(len(rows), 1)
    agreement = np.corrcoef(apart[upper], (rows @ rows.T)[upper])[0, 1]
    assert agreement < -0.4


def test_map_of_an_empty_library_says_so(tmp_path):
    with Library.create(tmp_path / "library", encoder="colour"):
        pass
    said = refusal("map", "--library", tmp_path / "library", status=1)
    assert "no map: the library has no pictures" in said


def test_regions_are_named_by_the_words_that_tell_them_apart():
    random = np.random.default_rng(0)
    middles = {"dog": (-0.8, 0.0), "boat": (0.7, 0.5), "cake": (0.5, -0.8)}
    points = np.concatenate(
        [random.normal(middle, 0.05, (20, 2)) for middle in middles.values()]
    ).astype(np.float32)
    captions = [
        (f"two {thing}s beside the water", f"A {thing} by a wall.")
        for thing in middles
        for _ in range(20)
    ]
    found = regions(points, captions)
    assert {region.name for region in found} == {"boat", "cake", "dog"}
    for region in found:
        assert (region.x, region.y) == pytest.approx(middles[region.name], abs=0.1)
    assert regions(points, captions) == found


@pytest.mark.parametrize("pictures", [0, 5, 60])
def test_map_without_captions_or_with_few_pictures_names_no_region(pictures):
    points = np.random.default_rng(1).normal(size=(pictures, 2)).astype(np.float32)
    assert regions(points, [()] * pictures) == []
