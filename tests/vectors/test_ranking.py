"""Ranking: the exact score of every row, and the best k of them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from learned_fusions import fusion_content

from indexer.dot_products import product, rough_product, rounding_error
from indexer.embedding import IMAGE, TEXT, unit_rows
from indexer.fusion import LEARNED, Concat, Mean
from indexer.fusion.registry import restore_fusion
from indexer.vectors.blocks import RowBlock
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import picture_ids
from indexer.vectors.nearest import Selection, best, ranked, scores
from indexer.vectors.scoring import CentredIndex, plain_gain

DIM = 8
seeds = st.integers(0, 2**32 - 1)
weights = st.floats(0, 1)


def features(seed, n=60, share=0.5):
    random = np.random.default_rng(seed)
    v_i = unit_rows(random.normal(size=(n, DIM)) + 0.4)
    v_t = unit_rows(random.normal(size=(n, DIM)) + 0.3)
    means = {
        IMAGE: random.normal(size=DIM).astype(np.float32) / 4,
        TEXT: random.normal(size=DIM).astype(np.float32) / 4,
    }
    return v_i, v_t, random.random(n) < share, means, unit_rows(random.normal(size=DIM))


def stored_rows(fusion, v_i, v_t, has_caption, means):
    return CentredIndex.of(fusion.pictures(v_i, v_t, has_caption), has_caption, fusion, means)


def brute_force(v_i, v_t, has_caption, means, q, weight):
    """The cosine of q and a v_i + b v_t, each modality centred; without gain."""
    a = np.where(has_caption, weight, 1)[:, None]
    b = np.where(has_caption, 1 - weight, 0)[:, None]
    pairs = a * v_i + b * v_t
    centres = a * means[IMAGE] + b * means[TEXT]
    return (pairs - centres) @ q / np.linalg.norm(pairs, axis=1)


def clear(v_i, v_t, weight):
    """Pairs that do not cancel out, where rounding would be all that is left."""
    return np.linalg.norm(weight * v_i + (1 - weight) * v_t, axis=1) > 0.1


@settings(max_examples=60, deadline=None)
@given(seeds, weights)
def test_score_of_captioned_pictures_is_brute_force(seed, weight):
    v_i, v_t, has_caption, means, q = features(seed)
    found = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, weight)
    expected = brute_force(v_i, v_t, has_caption, means, q, weight)
    chosen = has_caption & clear(v_i, v_t, weight)
    assert np.allclose(found[chosen], expected[chosen], atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(seeds, st.floats(0.01, 1))
def test_score_without_caption_is_the_centred_cosine_times_one_gain(seed, weight):
    v_i, v_t, has_caption, means, q = features(seed)
    found = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, weight)
    expected = (v_i - means[IMAGE]) @ q
    plain = ~has_caption & (np.abs(expected) > 0.05)
    gains = found[plain] / expected[plain]
    assert (gains > 0).all()
    assert np.allclose(gains, gains[:1], rtol=0.02)


def test_gain_makes_both_kinds_spread_alike():
    v_i, v_t, has_caption, means, q = features(1, n=4000)
    v_t = unit_rows(v_i + v_t)  # captions that agree: fused scores spread wider
    found = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, 0.5)
    assert found[has_caption].std() == pytest.approx(found[~has_caption].std(), rel=0.1)
    assert found[has_caption].mean() == pytest.approx(found[~has_caption].mean(), abs=0.05)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_pictures_without_caption_are_neither_all_first_nor_all_last(seed):
    v_i, v_t, has_caption, _, q = features(seed, n=3000)
    stored = stored_rows(Concat(), v_i, v_t, has_caption, {})
    order = np.argsort(-scores(stored, q, 0.5))
    for part in (order[:300], order[-300:]):
        assert 0.2 < has_caption[part].mean() < 0.8


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_concat_at_equal_weights_ranks_as_mean_does(seed):
    v_i, v_t, _, _, q = features(seed)
    all_of_them = np.ones(len(v_i), np.bool_)
    no_means = {IMAGE: np.zeros(DIM, np.float32), TEXT: np.zeros(DIM, np.float32)}
    concat, mean = (
        scores(stored_rows(fusion, v_i, v_t, all_of_them, no_means), q, 0.5)
        for fusion in (Concat(), Mean())
    )
    assert np.allclose(concat, mean, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(seeds, weights)
def test_scores_do_not_depend_on_the_order_of_adding(seed, weight):
    v_i, v_t, has_caption, means, q = features(seed)
    order = np.random.default_rng(seed).permutation(len(v_i))
    one = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, weight)
    other = scores(
        stored_rows(Concat(), v_i[order], v_t[order], has_caption[order], means), q, weight
    )
    kept = (clear(v_i, v_t, weight) | ~has_caption)[order]
    assert np.allclose(one[order][kept], other[kept], atol=1e-3)


def test_weight_one_ignores_captions():
    v_i, v_t, has_caption, means, q = features(2)
    with_captions = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, 1)
    without = scores(stored_rows(Concat(), v_i, v_t, 0 * has_caption > 0, means), q, 1)
    assert np.allclose(with_captions, without, atol=1e-4)


def test_weight_zero_leaves_out_pictures_without_caption():
    v_i, v_t, has_caption, means, q = features(3)
    found = scores(stored_rows(Concat(), v_i, v_t, has_caption, means), q, 0)
    assert np.isneginf(found[~has_caption]).all()
    assert np.allclose(found[has_caption], ((v_t - means[TEXT]) @ q)[has_caption], atol=1e-4)
    assert has_caption[best(found, 999)].all()


@pytest.mark.parametrize("fusion", [Concat(), Mean()])
@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
def test_many_queries_score_as_one_by_one(fusion, weight):
    if not fusion.weighable and weight != 0.5:
        pytest.skip("this fusion cannot be weighed")
    v_i, v_t, has_caption, means, _ = features(4)
    queries = unit_rows(np.random.default_rng(0).normal(size=(5, DIM)))
    stored = stored_rows(fusion, v_i, v_t, has_caption, means)
    together = scores(stored, queries, weight)
    assert together.shape == (5, 60)
    for q, found in zip(queries, together, strict=True):
        assert np.allclose(scores(stored, q, weight), found, atol=1e-4)


@pytest.mark.parametrize("fusion", [Concat(), Mean()])
@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("share", [0, 1])
def test_few_pictures_are_scored(fusion, n, share):
    v_i, v_t, has_caption, means, q = features(5, n=n, share=share)
    found = scores(stored_rows(fusion, v_i, v_t, has_caption, means), q, 0.5)
    assert found.shape == (n,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_scores_are_numbers_where_picture_and_caption_cancel_out():
    v_i, _, _, means, q = features(6, n=50)
    has_caption = np.arange(50) < 40
    found = scores(stored_rows(Concat(), v_i, -v_i, has_caption, means), q, 0.5)
    assert not np.isnan(found).any()


# The best k


@given(
    arrays.arrays(
        np.float32,
        st.integers(0, 40),
        elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.25, 0.5, 1.0]),
    ),
    st.integers(-1, 50),
)
def test_best_are_those_of_a_full_stable_sort(found, k):
    order = np.argsort(-found, kind="stable")
    expected = [int(key) for key in order if np.isfinite(found[key])][: max(k, 0)]
    assert best(found, k).tolist() == expected


def test_equal_scores_come_in_the_order_of_position():
    assert best(np.zeros(6, np.float32), 3).tolist() == [0, 1, 2]


def test_rows_that_cannot_answer_are_never_among_the_best():
    assert best(np.full(5, -np.inf, np.float32), 3).tolist() == []


# Rows in float16, as a library has them


def float16_index(fusion, rows, has_caption, *, size):
    """An index of several blocks of float16 rows; the pictures are numbered from 1."""
    index = VectorIndex(fusion, rows.shape[1])
    ids = np.arange(1, len(rows) + 1)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        block = RowBlock.of(rows[part].astype(np.float16), has_caption[part], fusion)
        keys = np.where(has_caption[part], ids[part], ~ids[part])
        index = VectorIndex(fusion, index.width, [*index.blocks, KeyedBlock(block, keys)])
    return index


FUSIONS = {"concat": Concat(), "mean": Mean()} | {
    name: restore_fusion(name, fusion_content(name), name) for name in LEARNED
}


@settings(max_examples=80, deadline=None)
@given(seeds, weights, st.sampled_from(sorted(FUSIONS)), st.sampled_from([0, 0.5, 1]), st.data())
def test_scan_of_float16_rows_is_brute_force_in_float64(seed, weight, name, share, data):
    fusion = FUSIONS[name]
    weight = weight if fusion.weighable else 0.5
    v_i, v_t, has_caption, means, q = features(seed, share=share)
    index = float16_index(fusion, fusion.pictures(v_i, v_t, has_caption), has_caption, size=25)
    barred = sorted(data.draw(st.sets(st.integers(1, 60), max_size=5)))
    gone = data.draw(st.lists(st.integers(1, 60), max_size=5))
    index = index.without(np.array(gone, np.int64))
    stored = CentredIndex.in_index(index, means)
    found, values = ranked(
        stored, q, weight, Selection(60, index.positions(np.array(barred, np.int64)))
    )
    expected = float64_scores(stored, q, weight)
    for key in barred:
        expected.pop(key, None)
    pictures = picture_ids(index.keys_at(found))
    assert set(pictures.tolist()) == set(expected)
    assert np.allclose(values, [expected[key] for key in pictures.tolist()], atol=1e-4, rtol=1e-4)
    assert (np.diff(values) <= 0).all()


def float64_scores(stored, q, weight):
    """The formula of docs/design.md, row by row; pictures that cannot answer are left out."""
    index, fusion = stored.index, stored.fusion
    asked = fusion.query(q, weight)
    gain = float(plain_gain(stored, asked[None], weight)[0]) if 0 < weight < 1 else 1.0
    found = {}
    rows = index.rows.astype(np.float64)
    for key, row, has in zip(index.picture_ids.tolist(), rows, index.has_caption, strict=True):
        centre = stored.centres.captioned if has else stored.centres.plain
        length = float(fusion.lengths(row[None].astype(np.float32), weight)[0])
        if length > 1e-6:
            value = asked.astype(np.float64) @ (row - centre) / length
            found[key] = value if has else value * gain
    return found


@settings(max_examples=40, deadline=None)
@given(seeds, weights, st.integers(1, 30), st.sets(st.integers(0, 59)))
def test_some_positions_rank_as_they_do_among_all(seed, weight, size, chosen):
    v_i, v_t, has_caption, means, q = features(seed)
    rows = Concat().pictures(v_i, v_t, has_caption)
    stored = CentredIndex.in_index(float16_index(Concat(), rows, has_caption, size=size), means)
    nobody = np.zeros(0, np.int64)
    everyone, scores_of_all = ranked(stored, q, weight, Selection(60, nobody))
    only = np.array(sorted(chosen), np.int64)
    found, values = ranked(stored, q, weight, Selection(60, nobody, only))
    by_place = dict(zip(everyone.tolist(), scores_of_all.tolist(), strict=True))
    assert set(found.tolist()) == set(by_place) & chosen
    assert np.allclose(values, [by_place[place] for place in found.tolist()], atol=1e-5)


@given(seeds, st.integers(0, 9), st.integers(1, 7), st.integers(1, 70))
def test_product_of_float16_rows_is_that_in_float64(seed, n, m, dim):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, dim)).astype(np.float16)
    queries = random.normal(size=(m, dim)).astype(np.float32)
    expected = queries.astype(np.float64) @ rows.astype(np.float64).T
    assert np.allclose(product(rows, queries), expected, atol=1e-4)
    assert product(rows, queries).shape == (m, n)


def test_rough_products_of_several_queries_stay_within_their_error():
    random = np.random.default_rng(3)
    rows = unit_rows(random.normal(size=(500, 64))).astype(np.float16)
    queries = unit_rows(random.normal(size=(7, 64)))
    exact = rows.astype(np.float64) @ queries.T.astype(np.float64)
    for count in (1, 2, 3, 7):
        rough = rough_product(rows, queries[:count])
        assert np.abs(rough - exact.T[:count]).max() < rounding_error(queries[:count])


def test_threads_that_ask_at_once_find_what_each_finds_alone():
    v_i, v_t, has_caption, means, _ = features(5, n=900)
    rows = Concat().pictures(v_i, v_t, has_caption).astype(np.float16)
    parts = np.split(np.arange(900), 3)
    blocks = [
        KeyedBlock(RowBlock.of(rows[part], has_caption[part], Concat()), keys_of(has_caption, part))
        for part in parts
    ]
    stored = CentredIndex.in_index(VectorIndex(Concat(), 2 * DIM, blocks), means)
    random = np.random.default_rng(6)
    asked = [
        (unit_rows(random.normal(size=DIM)), weight, Selection(5, np.sort(random.choice(900, 50))))
        for weight in (0.5, 0.5, 0.5, 1.0, 0.2, 0.5) * 4
    ]
    alone = [ranked(stored, *question) for question in asked]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            together = list(pool.map(lambda question: ranked(stored, *question), asked))
            for (ids, found), (expected_ids, expected) in zip(together, alone, strict=True):
                assert np.array_equal(ids, expected_ids)
                assert np.array_equal(found, expected)


def keys_of(has_caption, part):
    """Keys of some pictures: complement ids of those without a caption."""
    return np.where(has_caption[part], part, ~part)
