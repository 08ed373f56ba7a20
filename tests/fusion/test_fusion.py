"""Fusion: unit rows, weights, centring; `concat` at equal weights ranks as `mean`."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learned_fusions import fusion_content, random_tensors, write_fusion

from indexer.embedding import IMAGE, TEXT, unit_rows
from indexer.encoders import load_encoder
from indexer.encoders.mini.heads import BUILT_IN as HEADS
from indexer.errors import InputError, ModelError
from indexer.fusion import (
    LEARNED,
    MEAN_FROM_ROWS,
    OWN_MEANS_FROM,
    STRATEGIES,
    UNLEARNED,
    Concat,
    Mean,
    RowSums,
    fusions_for,
    learned_class,
    open_fusion,
    own_mean,
    restore_fusion,
)
from indexer.fusion.gated import gated
from indexer.fusion.product import positive_product
from indexer.fusion.weights import parse_weights
from indexer.training.fusion.model import initial_tensors

seeds = st.integers(0, 2**32 - 1)
dims = st.integers(2, 24)


def features(seed, n=20, dim=8, share=0.5):
    """Random `v_i`, `v_t` and which picture has a caption."""
    random = np.random.default_rng(seed)
    v_i, v_t = (unit_rows(random.normal(size=(n, dim))) for _ in range(2))
    return v_i, v_t, random.random(n) < share


def query_of(seed, dim=8):
    return unit_rows(np.random.default_rng(seed + 1).normal(size=dim))


def made(name, dim=8, seed=0):
    """A fusion for rows of width `dim`; a learned one has random weights."""
    if name in UNLEARNED:
        return open_fusion(name)
    return restore_fusion(name, fusion_content(name, dim=dim, seed=seed), "test")


def centres_of(fusion, rows, has_caption, means):
    return fusion.centres_of(RowSums.of(rows, has_caption), means)


@pytest.fixture(params=sorted(STRATEGIES))
def fusion(request):
    return made(request.param)


@settings(max_examples=30, deadline=None)
@given(seeds, dims)
def test_rows_have_unit_length_in_every_fusion(seed, dim):
    v_i, v_t, has_caption = features(seed, dim=dim)
    for name in STRATEGIES:
        fusion = made(name, dim, seed)
        rows = fusion.pictures(v_i, v_t, has_caption)
        assert rows.shape == (20, fusion.width(dim))
        assert rows.dtype == np.float32
        assert rows.flags.c_contiguous
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1])
def test_few_pictures_are_fused_as_many_are(fusion, n):
    v_i, v_t, has_caption = features(3, n=n)
    rows = fusion.pictures(v_i, v_t, has_caption)
    assert rows.shape == (n, fusion.width(8))
    assert fusion.lengths(rows).shape == (n,)


def test_row_does_not_depend_on_its_neighbours(fusion):
    v_i, v_t, has_caption = features(4)
    together = fusion.pictures(v_i, v_t, has_caption)
    alone = [fusion.pictures(v_i[k : k + 1], v_t[k : k + 1], has_caption[k : k + 1])[0]
             for k in range(20)]  # fmt: skip
    assert np.allclose(together, alone, atol=1e-6)


def test_caption_that_is_not_there_does_not_count(fusion):
    v_i, v_t, _ = features(5)
    none = np.zeros(20, np.bool_)
    assert np.array_equal(fusion.pictures(v_i, v_t, none), fusion.pictures(v_i, 0 * v_t, none))


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0, 1), dims)
def test_product_over_length_is_the_cosine_of_the_weighted_pair(seed, weight, dim):
    v_i, v_t, has_caption = features(seed, dim=dim)
    q = query_of(seed, dim)
    concat = Concat()
    rows = concat.pictures(v_i, v_t, has_caption)
    lengths = concat.lengths(rows, weight)
    pairs = weight * v_i + np.where(has_caption[:, None], (1 - weight) * v_t, 0)
    # A captioned row is [v_i, v_t] / sqrt(2), so both sides of the quotient shrink alike.
    scale = np.where(has_caption, np.sqrt(2), 1)
    assert np.allclose(lengths * scale, np.linalg.norm(pairs, axis=1), atol=1e-3)
    clear = np.linalg.norm(pairs, axis=1) > 0.1
    cosines = (unit_rows(pairs) @ q)[clear]
    found = rows @ concat.query(q, weight) / np.maximum(lengths, 1e-6)
    assert np.allclose(found[clear], cosines, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(seeds, dims)
def test_concat_at_equal_weights_scores_as_mean_does(seed, dim):
    v_i, v_t, has_caption = features(seed, dim=dim)
    q = query_of(seed, dim)
    scores = []
    for fusion in (Concat(), Mean()):
        rows = fusion.pictures(v_i, v_t, has_caption)
        scores.append(rows @ fusion.query(q) / np.maximum(fusion.lengths(rows), 1e-6))
    clear = np.linalg.norm(v_i + v_t, axis=1) > 0.1
    assert np.allclose(scores[0][clear], scores[1][clear], atol=1e-3)


def test_weight_one_ignores_captions():
    v_i, v_t, has_caption = features(6)
    q, concat = query_of(6), Concat()
    rows = concat.pictures(v_i, v_t, has_caption)
    assert np.allclose(rows @ concat.query(q, 1) / concat.lengths(rows, 1), v_i @ q, atol=1e-5)


def test_weight_zero_is_the_caption_alone_and_nothing_without_one():
    v_i, v_t, has_caption = features(7)
    q, concat = query_of(7), Concat()
    rows = concat.pictures(v_i, v_t, has_caption)
    lengths = concat.lengths(rows, 0)
    assert (lengths[~has_caption] == 0).all()
    found = rows @ concat.query(q, 0) / np.maximum(lengths, 1e-6)
    assert np.allclose(found[has_caption], (v_t @ q)[has_caption], atol=1e-5)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), float("inf")])
def test_weight_outside_its_range_is_refused(fusion, weight):
    with pytest.raises(InputError, match="not between 0"):
        fusion.query(query_of(1), weight)


@pytest.mark.parametrize("name", ["mean", *LEARNED])
def test_weight_that_a_fusion_cannot_serve_is_refused(name):
    with pytest.raises(InputError, match=f"{name!r} has its weight built in"):
        made(name).query(query_of(1), 0.7)
    made(name).query(query_of(1), 0.5)


def test_unknown_fusion_names_the_known_ones():
    with pytest.raises(InputError, match="no fusion 'sum'; there are concat, mean"):
        open_fusion("sum")


def test_fingerprints_differ():
    assert len({made(name).fingerprint for name in STRATEGIES}) == len(STRATEGIES)


def test_many_queries_are_asked_as_one_is(fusion):
    queries = np.stack([query_of(seed) for seed in range(3)])
    one_by_one = [fusion.query(q) for q in queries]
    assert np.array_equal(fusion.query(queries), np.stack(one_by_one))


# Learned fusions


@settings(max_examples=30, deadline=None)
@given(seeds, dims, st.sampled_from(sorted(LEARNED)))
def test_formula_gives_the_same_for_arrays_and_for_tensors(seed, dim, name):
    v_i, v_t, has_caption = features(seed, dim=dim)
    fusion = made(name, dim, seed)
    tensors = {key: torch.from_numpy(t) for key, t in fusion.weights.tensors.items()}
    said = np.where(has_caption[:, None], v_t, np.float32(0))
    found = fusion.fused(torch.from_numpy(v_i), torch.from_numpy(said), tensors, torch.cat)
    assert found.dtype == torch.float32
    expected = fusion.fused(v_i, said, fusion.weights.tensors, np.concatenate)
    assert expected.dtype == np.float32
    assert np.allclose(found.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("name", LEARNED)
def test_row_that_comes_to_nothing_is_that_of_the_picture(name):
    v_i = features(20)[0]
    nothing = {"output": np.zeros((10, 8) if name == "product" else (16, 8))}
    fusion = restore_fusion(name, fusion_content(name, changed=nothing), "test")
    rows = fusion.pictures(v_i, -v_i, np.ones(20, np.bool_))
    assert np.allclose(rows, v_i, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from(sorted(LEARNED)))
def test_same_weights_fuse_alike_and_other_weights_have_another_fingerprint(seed, name):
    v_i, v_t, has_caption = features(seed)
    one, same, other = made(name, seed=seed), made(name, seed=seed), made(name, seed=seed + 1)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    rows = one.pictures(v_i, v_t, has_caption)
    assert np.array_equal(rows, same.pictures(v_i, v_t, has_caption))
    assert not np.allclose(rows, other.pictures(v_i, v_t, has_caption), atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(seeds, dims)
def test_product_is_never_negative(seed, dim):
    v_i, v_t, _ = features(seed, dim=dim)
    product_of = positive_product(v_i, v_t, made("product", dim, seed).weights.tensors)
    assert product_of.shape == (20, 10)
    assert (product_of >= 0).all()
    assert np.isfinite(product_of).all()


@settings(max_examples=30, deadline=None)
@given(seeds, dims)
def test_gated_features_are_zero_for_what_is_absent(seed, dim):
    v_i, v_t, _ = features(seed, dim=dim)
    tensors = made("gated", dim, seed).weights.tensors
    v_f = gated(v_i, 0 * v_t, tensors, np.concatenate)
    assert v_f.shape == (20, 2 * dim)
    assert v_f[:, :dim].any()
    assert not v_f[:, dim:].any()
    assert not gated(0 * v_i, v_t, tensors, np.concatenate)[:, :dim].any()


@pytest.mark.parametrize("name", LEARNED)
def test_untrained_start_fuses_as_mean_does(name):
    torch.manual_seed(0)
    v_i, v_t, has_caption = features(17, n=200, dim=32)
    tensors = {key: t.detach().numpy() for key, t in initial_tensors(name, 32).items()}
    found = learned_class(name).fused(
        v_i, np.where(has_caption[:, None], v_t, 0), tensors, np.concatenate
    )
    assert np.allclose(unit_rows(found), Mean().pictures(v_i, v_t, has_caption), atol=2e-2)


@pytest.mark.parametrize("name", LEARNED)
def test_learned_fusion_brings_its_centres_and_its_gain(name):
    v_i, v_t, has_caption = features(18)
    known = {"centre_captioned": np.full(8, 0.5), "centre_plain": np.full(8, 0.25), "gain": [1.5]}
    fusion = restore_fusion(name, fusion_content(name, changed=known), "test")
    rows = fusion.pictures(v_i, v_t, has_caption)
    centres = centres_of(fusion, rows, has_caption, {})
    assert (centres.captioned == 0.5).all()
    assert (centres.plain == 0.25).all()
    queries = np.stack([fusion.query(query_of(seed)) for seed in range(2)])
    assert fusion.plain_gain(rows, centres, queries, 0.5).tolist() == [1.5, 1.5]
    many = fusion.pictures(*features(19, n=2 * OWN_MEANS_FROM, share=1.0))
    own = centres_of(fusion, many, np.ones(len(many), np.bool_), {})
    assert np.allclose(own.captioned, many.mean(0), atol=1e-5)


# The file of a learned fusion


@pytest.mark.parametrize("name", LEARNED)
def test_written_weights_come_back_in_half_precision(tmp_path, name):
    path = write_fusion(tmp_path / "deep" / "mine.safetensors", name)
    fusion = open_fusion(f"{name}:{path}")
    assert fusion.name == f"{name}:{path}"
    for key, tensor in random_tensors(name).items():
        expected = np.asarray(tensor, np.float16).astype(np.float32)
        assert np.array_equal(fusion.weights.tensors[key], expected)
    assert fusion.content == path.read_bytes()
    assert os.listdir(tmp_path / "deep") == ["mine.safetensors"]


def test_interrupted_writing_leaves_the_weights_before(tmp_path, monkeypatch):
    path = write_fusion(tmp_path / "mine.safetensors", "gated")
    before = path.read_bytes()
    written = Path.write_bytes

    def interrupted(target, content):
        written(target, content[: len(content) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_fusion(path, "gated", seed=1)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["mine.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"hello", None, "folder"])
def test_file_that_is_no_fusion_is_refused(tmp_path, content):
    path = tmp_path / "mine.safetensors"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"mine\.safetensors: cannot be read as a learned fusion"):
        open_fusion(f"gated:{path}")


def test_truncated_file_is_refused():
    with pytest.raises(ModelError, match="cannot be read"):
        parse_weights(fusion_content("gated")[:-10], "test")


def test_weights_of_another_strategy_are_refused(tmp_path):
    path = write_fusion(tmp_path / "mine.safetensors", "gated")
    with pytest.raises(ModelError, match="a fusion 'gated', not 'product'"):
        open_fusion(f"product:{path}")


def test_heads_of_the_built_in_model_are_no_fusion():
    with pytest.raises(ModelError, match="format None, expected 'picfuse-fusion-1'"):
        open_fusion(f"gated:{HEADS}")


@pytest.mark.parametrize(
    ("name", "key"),
    [("gated", "image_task"), ("gated", "output"), ("gated", "centre_plain"), ("gated", "gain"),
     ("product", "text_positive"), ("product", "output"), ("product", "image_bias")],
)  # fmt: skip
def test_tensor_of_another_shape_or_without_numbers_is_refused(name, key):
    tensor = np.asarray(random_tensors(name)[key], np.float32)
    broken = tensor.copy()
    broken.flat[-1] = np.nan
    for value in (tensor[None], np.concatenate([tensor, tensor]), tensor[:0], broken):
        with pytest.raises(ModelError, match=r"tensor '.*' is damaged"):
            restore_fusion(name, fusion_content(name, changed={key: value}), "test")


def test_missing_or_additional_tensor_is_refused():
    with pytest.raises(ModelError, match="cannot be read"):
        restore_fusion("gated", fusion_content("gated", changed={"more": np.zeros(1)}), "test")
    with pytest.raises(ModelError, match="cannot be read"):
        restore_fusion("gated", fusion_content("gated", changed={"gain": None}), "test")


@pytest.mark.parametrize("name", ["gated:", "concat:file", "mean:", "gate", ""])
def test_name_without_a_file_or_with_one_too_many_is_unknown(name):
    with pytest.raises(InputError, match=f"no fusion '{name}'; there are concat, mean, product"):
        open_fusion(name)


@pytest.mark.parametrize("name", LEARNED)
def test_shipped_fusion_fits_the_built_in_model_and_is_small(name):
    mini = load_encoder("mini")
    fusion = open_fusion(name, encoder=mini)
    assert fusion.width(mini.dim) == mini.dim
    assert len(fusion.content) < 3.3e6
    assert name in fusions_for(mini)


def test_fusion_of_another_encoder_is_refused_with_a_remedy():
    colour = load_encoder("colour")
    with pytest.raises(InputError, match=r"was trained for 'mini'.*does not fit 'colour'.*concat"):
        open_fusion("gated", encoder=colour)
    assert fusions_for(colour) == list(UNLEARNED)


# Centring

MEANS = {IMAGE: np.full(8, 0.2, np.float32), TEXT: np.linspace(-0.3, 0.3, 8, dtype=np.float32)}


def test_centre_of_few_pictures_is_what_the_encoder_says():
    v_i, v_t, has_caption = features(8)
    rows = Concat().pictures(v_i, v_t, has_caption)
    centres = centres_of(Concat(), rows, has_caption, MEANS)
    assert np.allclose(centres.means[IMAGE], MEANS[IMAGE])
    assert np.allclose(centres.means[TEXT], MEANS[TEXT])
    both = np.concatenate([MEANS[IMAGE], MEANS[TEXT]]) / np.sqrt(2)
    assert np.allclose(centres.captioned, both)
    assert np.allclose(centres.plain, np.concatenate([MEANS[IMAGE], np.zeros(8)]))


def test_centre_of_many_pictures_is_their_own_mean():
    v_i, v_t, has_caption = features(9, n=3 * OWN_MEANS_FROM)
    v_i = unit_rows(v_i + 0.5)
    rows = Concat().pictures(v_i, v_t, has_caption)
    centres = centres_of(Concat(), rows, has_caption, MEANS)
    assert np.allclose(centres.means[IMAGE], v_i.mean(0), atol=1e-5)
    assert np.allclose(centres.means[TEXT], v_t[has_caption].mean(0), atol=1e-5)


def test_modality_without_many_members_keeps_the_default_mean():
    v_i, v_t, has_caption = features(10, n=OWN_MEANS_FROM, share=0.1)
    rows = Concat().pictures(v_i, v_t, has_caption)
    centres = centres_of(Concat(), rows, has_caption, MEANS)
    assert np.allclose(centres.means[IMAGE], v_i.mean(0), atol=1e-5)
    assert np.allclose(centres.means[TEXT], MEANS[TEXT])


def test_encoder_without_means_centres_nothing_while_pictures_are_few(fusion):
    """The learned ones of these tests have centres at zero."""
    v_i, v_t, has_caption = features(11, n=MEAN_FROM_ROWS // 2)
    rows = fusion.pictures(v_i, v_t, has_caption)
    centres = centres_of(fusion, rows, has_caption, {})
    assert not centres.captioned.any()
    assert not centres.plain.any()


def test_mean_of_rows_begins_where_they_are_many():
    rows = features(12, n=OWN_MEANS_FROM)[0]
    default = np.ones(8, np.float32)
    assert np.array_equal(own_mean(rows[:-1].sum(0), len(rows[:-1]), default), default)
    assert np.allclose(own_mean(rows.sum(0), len(rows), default), rows.mean(0))
    assert np.array_equal(
        own_mean(rows[: MEAN_FROM_ROWS - 1].sum(0), len(rows[: MEAN_FROM_ROWS - 1]), None),
        np.zeros(8),
    )
    assert np.allclose(
        own_mean(rows[:MEAN_FROM_ROWS].sum(0), len(rows[:MEAN_FROM_ROWS]), None),
        rows[:MEAN_FROM_ROWS].mean(0),
    )


def test_centres_are_single_precision(fusion):
    v_i, v_t, has_caption = features(13, n=2 * OWN_MEANS_FROM)
    rows = fusion.pictures(v_i, v_t, has_caption)
    centres = centres_of(fusion, rows, has_caption, MEANS)
    assert centres.captioned.dtype == centres.plain.dtype == np.float32


def test_gain_is_the_ratio_of_the_two_spreads():
    v_i, v_t, _ = features(14, n=500)
    all_of_them = np.ones(500, np.bool_)
    concat, q = Concat(), query_of(14)
    rows = concat.pictures(v_i, v_t, all_of_them)
    centres = centres_of(concat, rows, all_of_them, {IMAGE: 0 * q, TEXT: 0 * q})
    (gain,) = concat.plain_gain(rows, centres, concat.query(q)[None], 0.5)
    fused = unit_rows(v_i + v_t) @ q
    assert gain == pytest.approx(fused.std() / (v_i @ q).std(), rel=1e-3)


def test_gain_is_one_where_too_few_scores_tell(fusion):
    v_i, v_t, _ = features(15, n=MEAN_FROM_ROWS - 1)
    all_of_them = np.ones(MEAN_FROM_ROWS - 1, np.bool_)
    rows = fusion.pictures(v_i, v_t, all_of_them)
    centres = centres_of(fusion, rows, all_of_them, {})
    queries = np.stack([fusion.query(query_of(seed)) for seed in range(2)])
    assert fusion.plain_gain(rows, centres, queries, 0.5).tolist() == [1, 1]


def test_gain_is_a_number_even_for_pictures_that_are_all_alike():
    v_i = np.repeat(query_of(16)[None], 50, axis=0)
    all_of_them = np.ones(50, np.bool_)
    concat = Concat()
    for v_t in (v_i, -v_i):
        rows = concat.pictures(v_i, v_t, all_of_them)
        centres = centres_of(concat, rows, all_of_them, {})
        (gain,) = concat.plain_gain(rows, centres, concat.query(query_of(1))[None], 0.5)
        assert np.isfinite(gain)
        assert gain > 0
