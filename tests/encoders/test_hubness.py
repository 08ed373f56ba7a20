"""Hubness: what is near to everything is not found by everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.embedding import IMAGE, TEXT, centred_query, unit_rows
from indexer.encoders.mini.heads import empty_part
from indexer.encoders.mini.hubness import (
    AIM,
    COUNTS,
    HUB_PART,
    MOST_HUBNESS,
    aim,
    counts,
    hubness,
    with_hubness,
)
from indexer.fusion import open_fusion
from indexer.vectors.scoring import CentredIndex, ScoredQuery, block_scores

DIM = 8
seeds = st.integers(0, 2**32 - 1)


def unit(seed, n, width=DIM):
    return unit_rows(np.random.default_rng(seed).normal(size=(n, width)))


def bank(seed=0, k=20):
    share = np.random.default_rng(seed + 1).dirichlet(np.ones(k)).astype(np.float32)
    usual = np.array([[0.1], [0.2]], np.float32)
    taken = {"hub.usual": usual, "hub.counts": counts(COUNTS)}
    return {"hub.bank": unit(seed, k), "hub.share": share} | taken


@given(seeds, seeds)
def test_hubness_is_between_the_mean_and_the_largest_product_with_the_centres(one, other):
    known = bank(one)
    rows, centres, share = unit(other, 5), known["hub.bank"], known["hub.share"]
    found, products = hubness(rows, centres, share), rows @ centres.T
    assert (found <= products.max(1) + 1e-4).all()
    assert (found >= products @ share - 1e-4).all()


def test_row_amid_the_questions_has_more_of_it():
    centres = unit_rows(unit(1, 50) + 2 * np.eye(DIM)[0])
    amid, apart = hubness(np.eye(DIM, dtype=np.float32)[:2], centres, np.full(50, 0.02))
    assert amid > apart + 0.3


@given(seeds, st.sampled_from([IMAGE, TEXT]))
def test_rows_with_their_hubness_are_of_unit_length(seed, modality):
    rows = with_hubness(unit(seed, 6), modality, bank(seed))
    assert rows.shape == (6, DIM + 1)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert (np.abs(rows[:, -1]) <= MOST_HUBNESS).all()


@given(seeds, st.sampled_from([IMAGE, TEXT]))
def test_text_scores_a_row_less_its_hubness(seed, modality):
    known, rows, q = bank(seed), unit(seed + 1, 6), unit(seed + 2, 1)[0]
    stored = with_hubness(rows, modality, known)
    asked = centred_query(with_hubness(q[None], TEXT, known)[0], TEXT, aim(DIM + 1, known))
    index = 0 if modality == IMAGE else 1
    above = hubness(rows, known["hub.bank"], known["hub.share"]) - known["hub.usual"][index]
    x = (-COUNTS[modality] / AIM * above).clip(-MOST_HUBNESS, MOST_HUBNESS)
    expected = (np.sqrt(1 - x * x) * (rows @ q) + AIM * x) / np.sqrt(1 + AIM**2)
    assert np.allclose(stored @ asked, expected, atol=1e-5)


def test_heads_say_how_much_is_taken_off():
    known, rows = bank(), unit(7, 6)
    none = known | {"hub.counts": counts({IMAGE: 0.0, TEXT: 0.3})}
    assert not with_hubness(rows, IMAGE, none)[:, -1].any()
    assert with_hubness(rows, TEXT, none)[:, -1].any()


def test_picture_that_asks_does_not_ask_for_hubness():
    known = bank()
    asked = centred_query(with_hubness(unit(3, 1), IMAGE, known)[0], IMAGE, aim(DIM + 1, known))
    assert asked[-1] == 0
    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-5)


def test_what_asks_has_the_same_in_its_column_whatever_the_mean():
    known, text = bank(), with_hubness(unit(4, 3), TEXT, bank())
    for mean in (np.zeros(DIM + 1), text[0] / 2):
        asked = centred_query(text, TEXT, {TEXT: mean.astype(np.float32)} | aim(DIM + 1, known))
        assert np.allclose(asked[:, -1], AIM / np.sqrt(1 + AIM**2), atol=1e-5)


def test_without_a_bank_rows_are_as_they_were():
    rows, none = unit(5, 4), empty_part(HUB_PART)
    assert with_hubness(rows, TEXT, none) is rows
    assert aim(DIM, none) == {}
    assert np.array_equal(centred_query(rows, TEXT, {}), rows)


def test_share_of_nothing_or_less_makes_no_row_that_is_no_number():
    known = bank() | {"hub.share": np.array([0, -1] + [1 / 18] * 18, np.float32)}
    assert np.isfinite(with_hubness(unit(6, 3), IMAGE, known)).all()


@pytest.mark.parametrize("fusion", ["concat", "mean"])
def test_large_library_with_means_of_its_own_corrects_as_well(fusion):
    known, count = bank(), 1200
    pictures = unit(8, count)
    captions = unit_rows(3 * pictures + unit(9, count))
    v_i, v_t = with_hubness(pictures, IMAGE, known), with_hubness(captions, TEXT, known)
    means = {IMAGE: v_i[:9].mean(0), TEXT: v_t[:9].mean(0)} | aim(DIM + 1, known)
    strategy, has = open_fusion(fusion), np.ones(count, bool)
    stored = CentredIndex.of(strategy.pictures(v_i, v_t, has), has, strategy, means)
    q = centred_query(v_t[0], TEXT, stored.centres.means)
    assert q[-1] == pytest.approx(AIM / np.sqrt(1 + AIM**2), abs=1e-5)
    (keyed,) = stored.index.blocks
    (scores,) = block_scores(keyed, ScoredQuery.of(stored, q, 0.5), strategy)
    blind = np.where(np.arange(DIM + 1) == DIM, 0, q)
    (without,) = block_scores(keyed, ScoredQuery.of(stored, blind, 0.5), strategy)
    crowd = (v_i + v_t)[:, -1] / np.linalg.norm(v_i + v_t, axis=1)
    assert np.corrcoef(scores - without, crowd)[0, 1] > 0.99
