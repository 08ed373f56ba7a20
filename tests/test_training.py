"""Training of the heads: losses, recall, batches, and that it learns."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from indexer.encoders.heads import SHAPES, read_heads, write_heads
from indexer.training.align import (
    AlignSettings,
    Features,
    batches,
    decayed,
    judged,
    train_heads,
)
from indexer.training.losses import class_agreement, info_nce
from indexer.training.recall import figures, mean_recall, ranks


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """So small a problem only waits for more threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def unit(rows):
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=-1)


# Losses


def test_info_nce_equals_a_computation_by_hand():
    v_i, v_t = unit([[1.0, 0.0], [0.6, 0.8]]), unit([[0.8, 0.6], [0.0, 1.0]])
    # Similarities times a scale of 2: [[1.6, 0.0], [1.92, 1.6]].
    rows = [-1.6 + np.log(np.exp(1.6) + np.exp(0.0)), -1.6 + np.log(np.exp(1.92) + np.exp(1.6))]
    columns = [-1.6 + np.log(np.exp(1.6) + np.exp(1.92)), -1.6 + np.log(np.exp(0.0) + np.exp(1.6))]
    found = info_nce(v_i, v_t, torch.tensor(2.0))
    assert found.item() == pytest.approx((np.mean(rows) + np.mean(columns)) / 2, abs=1e-5)


def test_info_nce_with_smoothing_equals_a_computation_by_hand():
    v_i = v_t = unit([[1.0, 0.0], [0.0, 1.0]])
    # Logits [[1, 0], [0, 1]]; half of the smoothing of 0.2 goes to each of two candidates.
    z = np.log(np.exp(1) + 1)
    expected = 0.9 * (z - 1) + 0.1 * z
    found = info_nce(v_i, v_t, torch.tensor(1.0), smoothing=0.2)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_info_nce_treats_both_modalities_alike():
    v_i, v_t = unit(np.random.default_rng(0).normal(size=(2, 6, 4)))
    scale = torch.tensor(5.0)
    assert info_nce(v_i, v_t, scale).item() == pytest.approx(info_nce(v_t, v_i, scale).item())


def test_info_nce_of_rows_that_are_all_alike_is_the_logarithm_of_their_number():
    rows = unit(np.ones((7, 3)))
    assert info_nce(rows, rows, torch.tensor(9.0)).item() == pytest.approx(np.log(7), abs=1e-5)


def test_class_agreement_equals_a_computation_by_hand():
    v_i, classes = unit([[1.0, 0.0]]), unit([[1.0, 0.0], [0.0, 1.0]])
    probabilities = torch.tensor([[0.75, 0.25]])
    z = np.log(np.exp(3) + 1)
    found = class_agreement(v_i, classes, probabilities, torch.tensor(3.0))
    assert found.item() == pytest.approx(0.75 * (z - 3) + 0.25 * z, abs=1e-5)


# Recall


def test_rank_is_one_plus_the_number_of_wrong_candidates_above():
    scores = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
    assert ranks(scores, np.eye(3, dtype=bool)).tolist() == [1, 2, 3]


def test_best_of_several_right_candidates_counts():
    scores = np.array([[0.9, 0.5, 0.7, 0.8]])
    assert ranks(scores, np.array([[False, True, True, False]])).tolist() == [3]


def test_tie_with_a_wrong_candidate_counts_against_the_query():
    assert ranks(np.zeros((2, 5)), np.eye(5, dtype=bool)[:2]).tolist() == [5, 5]


def test_tie_among_right_candidates_costs_nothing():
    assert ranks(np.zeros((1, 3)), np.ones((1, 3), dtype=bool)).tolist() == [1]


def test_score_that_is_no_number_is_never_a_success():
    scores = np.full((2, 4), np.nan)
    assert (ranks(scores, np.eye(4, dtype=bool)[:2]) >= 4).all()
    scores = np.array([[0.5, np.nan, 0.1]])
    assert ranks(scores, np.array([[True, False, False]])).tolist() == [2]


def test_query_without_a_right_candidate_is_never_a_success():
    assert ranks(np.array([[0.1, 0.2]]), np.zeros((1, 2), dtype=bool)).tolist() == [3]


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 8))
def test_rank_is_the_position_in_a_sorted_list(seed, queries, candidates):
    random = np.random.default_rng(seed)
    scores = random.permutation(queries * candidates).reshape(queries, candidates).astype(float)
    right = random.integers(candidates, size=queries)
    found = ranks(scores, right[:, None] == np.arange(candidates))
    expected = [
        np.argsort(-row).tolist().index(k) + 1 for row, k in zip(scores, right, strict=True)
    ]
    assert found.tolist() == expected


def test_figures_are_recall_median_and_reciprocal_rank():
    found = np.array([1, 2, 4, 20])
    assert figures(found) == {
        "r@1": 25.0,
        "r@5": 75.0,
        "r@10": 75.0,
        "median_rank": 3.0,
        "mrr": round((1 + 1 / 2 + 1 / 4 + 1 / 20) / 4, 4),
        "queries": 4,
    }
    assert mean_recall(found) == pytest.approx((25 + 75 + 75) / 3)


def test_figures_of_no_queries_are_zeros():
    assert figures(np.zeros(0, np.int64))["r@1"] == 0.0
    assert figures(np.zeros(0, np.int64))["queries"] == 0


# A problem small enough to learn in seconds

TINY = AlignSettings(
    dim=16, hidden=16, epochs=8, patience=99, batch=20, learning_rate=3e-3, weight_decay=0.0,
    image_dropout=0.0, text_dropout=0.0, label_smoothing=0.0, seed=3,
)  # fmt: skip


def problem(seed=0, n=60, each=2):
    """Pictures and captions that tell of the same 8 hidden numbers."""
    random = np.random.default_rng(seed)
    maps = np.random.default_rng(99)
    to_image, to_text = maps.normal(size=(8, 1280)), maps.normal(size=(8, 384))
    hidden = random.normal(size=(n, 8))
    probabilities = random.dirichlet(np.ones(1000), size=n)
    images = np.concatenate([hidden @ to_image, probabilities**0.5], axis=1).astype(np.float32)
    texts = np.repeat(hidden, each, axis=0) @ to_text + random.normal(size=(n * each, 384)) / 9
    captions = list(np.arange(n * each).reshape(n, each))
    return Features(images, texts.astype(np.float32), captions)


CLASSES = np.random.default_rng(5).normal(size=(1000, 384)).astype(np.float32)


@pytest.fixture(scope="module")
def epochs():
    return list(train_heads(problem(0), problem(1), CLASSES, TINY))


def test_training_lowers_the_loss(epochs):
    assert [epoch.number for epoch in epochs] == list(range(1, 9))
    assert epochs[-1].loss < 0.7 * epochs[0].loss


def test_training_raises_recall_on_pictures_never_seen(epochs):
    chance = 100 * (1 + 5 + 10) / 3 / 60
    assert epochs[-1].recall > 4 * chance
    assert epochs[-1].figures["queries"] == 120


def test_training_is_reproducible(epochs):
    again = train_heads(problem(0), problem(1), CLASSES, TINY)
    for before, after in zip(epochs[:2], again, strict=False):
        assert after.loss == before.loss
        for name, weight in before.weights.items():
            assert np.array_equal(after.weights[name], weight), name


def test_other_seed_gives_other_weights(epochs):
    settings = AlignSettings(**{**_as_dict(TINY), "seed": 4, "epochs": 1})
    (other,) = train_heads(problem(0), problem(1), CLASSES, settings)
    assert not np.array_equal(other.weights["image.linear"], epochs[0].weights["image.linear"])


def _as_dict(settings):
    return {name: getattr(settings, name) for name in settings.__slots__}


def test_weights_of_an_epoch_are_a_whole_heads_file(epochs, tmp_path):
    weights = epochs[-1].weights
    assert set(weights) == set(SHAPES)
    write_heads(tmp_path / "heads", weights, {})
    read, _ = read_heads(tmp_path / "heads")
    assert read["image.bias"].shape == (16,)


def test_weights_of_an_epoch_do_not_change_afterwards(epochs):
    assert not np.array_equal(epochs[0].weights["text.linear"], epochs[1].weights["text.linear"])


def test_mean_rows_are_those_of_the_training_data(epochs):
    from indexer.encoders.mini import project_images

    weights = epochs[-1].weights
    expected = project_images(problem(0).images, weights).mean(0)
    assert np.allclose(weights["mean.image"], expected, atol=1e-5)


def test_figures_of_an_epoch_can_be_computed_again(epochs):
    last = epochs[-1]
    again = judged(last.number, last.loss, last.weights, problem(1))
    assert again.figures == last.figures
    assert again.recall == last.recall


def test_training_ends_when_recall_no_longer_rises():
    settings = AlignSettings(**{**_as_dict(TINY), "learning_rate": 1e-12, "patience": 2})
    assert len(list(train_heads(problem(0), problem(1), CLASSES, settings))) == 3


def test_mirrored_views_are_trained_on_too():
    data = problem(0)
    mirrored = Features(data.images, data.texts, data.captions, mirrored=-data.images)
    settings = AlignSettings(**{**_as_dict(TINY), "epochs": 1})
    (one,) = train_heads(data, problem(1), CLASSES, settings)
    (two,) = train_heads(mirrored, problem(1), CLASSES, settings)
    assert not np.array_equal(one.weights["image.linear"], two.weights["image.linear"])


# Batches


def unequal(counts):
    texts = np.zeros((sum(counts), 384), np.float32)
    ends = np.cumsum([0, *counts])
    captions = [np.arange(a, b) for a, b in itertools.pairwise(ends)]
    return Features(np.zeros((len(counts), 2280), np.float32), texts, captions)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=20), st.integers(2, 8), st.integers(0, 10**6)
)
def test_batches_never_hold_a_picture_twice(counts, size, seed):
    data = unequal(counts)
    for pictures, *_ in batches(data, size, torch.Generator().manual_seed(seed)):
        assert len(set(pictures.tolist())) == len(pictures) <= size


@given(st.lists(st.integers(1, 4), min_size=2, max_size=20), st.integers(2, 8))
def test_captions_of_a_batch_belong_to_its_pictures(counts, size):
    data = unequal(counts)
    for pictures, *captions in batches(data, size, torch.Generator().manual_seed(0)):
        for texts in captions:
            for picture, text in zip(pictures.tolist(), texts.tolist(), strict=True):
                assert text in data.captions[picture]


def test_every_caption_comes_once_an_epoch():
    data = unequal([3] * 10)
    seen = [
        text
        for _, captions, *_ in batches(data, 5, torch.Generator().manual_seed(0))
        for text in captions.tolist()
    ]
    assert sorted(seen) == list(range(30))


def test_epochs_are_shuffled_otherwise():
    data, generator = unequal([3] * 10), torch.Generator().manual_seed(0)
    first, second = (
        [pictures.tolist() for pictures, *_ in batches(data, 5, generator)] for _ in range(2)
    )
    assert first != second


def test_picture_that_is_left_alone_in_a_batch_is_passed_over():
    data = unequal([1] * 5)
    sizes = [len(pictures) for pictures, *_ in batches(data, 4, torch.Generator().manual_seed(0))]
    assert sizes == [4]


def test_owners_and_captions_are_in_one_order():
    data = unequal([2, 1, 3])
    assert data.owners().tolist() == [0, 0, 1, 2, 2, 2]
    assert data.all_captions().tolist() == [0, 1, 2, 3, 4, 5]


def test_matrices_are_decayed_and_biases_are_not():
    groups = decayed(nn.Linear(3, 2), 0.25)
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [
        (1, 0.25),
        (1, 0.0),
    ]
