"""Evaluation on embeddings: ranks in parts, which fusions are compared, and what is advised."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embedding import unit_rows
from indexer.encoders import load_encoder
from indexer.errors import InputError, ModelError
from indexer.fusion import open_fusion
from indexer.metrics.bootstrap import MIN_PICTURES
from indexer.metrics.recall import RetrievalRanks
from search.evaluation import fusions, trials
from search.evaluation.advice import DEFAULT, WEIGHTS, AdvisedSetting, advice_from, advise
from search.evaluation.data import EvaluationData
from search.evaluation.fusions import named_fusions
from search.evaluation.protocols import evaluate_captions

BOTH = {name: open_fusion(name) for name in ("concat", "mean")}


def ended(steps):
    """The result of a generator, and its steps."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def embedded(pictures=60, captions=3, dim=16, *, seed=0, image=1.0, text=1.0) -> EvaluationData:
    """Pictures and captions that scatter by so much around what they mean; with means."""
    random = np.random.default_rng(seed)
    meant = unit_rows(random.normal(size=(pictures, dim)))
    owners = np.repeat(np.arange(pictures), captions)

    def scattered(rows, by):
        return unit_rows(rows + by / np.sqrt(dim) * random.normal(size=rows.shape))

    v_i, v_t = scattered(meant, image), scattered(meant[owners], text)
    return EvaluationData(v_i, v_t, owners, {"image": v_i.mean(0), "text": v_t.mean(0)})


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40), st.integers(1, 500))
def test_ranks_in_parts_are_those_of_one_whole(seed, pictures, at_once):
    data = embedded(pictures, 3, seed=seed)
    whole, _ = ended(evaluate_captions(data, BOTH))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "SCORES_AT_ONCE", at_once)
        parted, steps = ended(evaluate_captions(data, BOTH))
    assert len(steps) >= len(data.owners) / max(1, at_once // pictures)
    # A product of other shape may round a score otherwise, and so swap two that are as good as one.
    for name in ("picture", "image_to_text", "alone", "caption"):
        same = getattr(parted, name).ranks == getattr(whole, name).ranks
        assert same.mean() > 0.98, name
    for name in BOTH:
        assert (parted.fused[name].ranks == whole.fused[name].ranks).mean() > 0.98


def test_captions_that_say_the_same_tie_wherever_they_stand():
    """All captions are one, so that all that belong to other pictures come before the right one."""
    data = embedded(31, 3, dim=64)
    data.v_t[:] = data.v_t[0]
    evaluation, _ = ended(evaluate_captions(data, BOTH))
    assert set(evaluation.image_to_text.ranks.tolist()) == {1 + 3 * 30}
    assert set(evaluation.caption.ranks.tolist()) == {31}


def test_progress_counts_every_query_of_every_protocol():
    data = embedded(20, 3)
    _, steps = ended(evaluate_captions(data, BOTH))
    total = 60 + 20 + 40 + 2 * 40  # picture, image to text, caption, two fusions
    assert {step.total for step in steps} == {total}
    assert steps[-1].done == total
    assert [step.done for step in steps] == sorted({step.done for step in steps})


def test_scores_of_all_pairs_are_never_kept(monkeypatch):
    monkeypatch.setattr(trials, "SCORES_AT_ONCE", 50_000)
    data = embedded(1000, 5, dim=4)
    tracemalloc.start()
    ended(evaluate_captions(data, {"mean": BOTH["mean"]}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000 < 5000 * 1000  # less than a byte for each pair


def test_picture_alone_is_compared_on_the_queries_of_the_fusions():
    data = embedded(30, 3)
    evaluation, _ = ended(evaluate_captions(data, BOTH))
    assert np.array_equal(evaluation.alone.pictures, evaluation.fused["mean"].pictures)
    assert np.array_equal(evaluation.alone.ranks, evaluation.picture.ranks[data.others])


def test_intervals_and_differences_are_there_where_they_are_asked_for():
    evaluation, _ = ended(evaluate_captions(embedded(), BOTH))
    plain, sure = evaluation.fields(), evaluation.fields(ci=True)
    assert "ci95" not in str(plain)
    assert "differences" not in plain
    measured = sure["protocols"]["fused"]["concat"]["text_to_image"]
    assert list(measured["ci95"]) == ["r@1", "r@5", "r@10", "median_rank", "mrr"]
    differences = sure["differences"]
    assert list(differences) == ["against", "asking", "picture", "caption", "concat"]
    assert differences["asking"] == 60
    assert differences["against"] == "mean"
    mean = sure["protocols"]["fused"]["mean"]["text_to_image"]
    for figure in ("r@1", "mrr"):
        ahead = measured[figure] - mean[figure]
        assert differences["concat"][figure] == pytest.approx(ahead, abs=0.011)
        low, high = differences["concat"]["ci95"][figure]
        assert low <= differences["concat"][figure] <= high


def test_fusion_that_does_not_fit_the_encoder_is_left_out_of_all(monkeypatch):
    def refuse(name, **options):
        if name == "mean":
            raise ModelError("mean: made for another encoder")
        return open_fusion(name, **options)

    monkeypatch.setattr(fusions, "open_fusion", refuse)
    encoder = load_encoder("colour")
    found, left_out = named_fusions(["all"], encoder)
    assert "concat" in found
    assert left_out["mean"] == "mean: made for another encoder"
    with pytest.raises(ModelError, match="another encoder"):
        named_fusions(["all", "mean"], encoder)
    assert list(named_fusions(["concat", "concat"], encoder)[0]) == ["concat"]
    with pytest.raises(InputError, match="no fusion 'sum'"):
        named_fusions(["all", "sum"], encoder)


def test_all_four_strategies_are_compared_for_the_built_in_model():
    found, left_out = named_fusions(["all"], load_encoder("mini"))
    assert (list(found), left_out) == (["concat", "mean", "product", "gated"], {})


def test_captions_that_tell_nothing_are_advised_against():
    """The caption that is indexed belongs to another picture; those that ask do not."""
    data = embedded(200, 3, image=0.6, text=0.9)
    data.v_t[data.first] = data.v_t[np.roll(data.first, 1)]
    advice, steps = ended(advise(data, BOTH))
    assert steps[-1].done == steps[-1].total == 400 * (len(WEIGHTS) + 1)
    assert advice.is_sure
    assert advice.chosen == advice.best
    assert advice.best.weight > 0.7
    assert advice.gain.ci95["mrr"][0] > 0
    assert advice.weighable
    fields = advice.fields()
    assert fields["better_than_default"] is True
    assert fields["weighable"] is True
    assert len(fields["tried"]) == len(WEIGHTS) + 1
    assert fields["tried"][0] == {
        "fusion": "concat",
        "weight": 0.0,
        "mrr": advice.tried["concat", 0],
    }


def test_pictures_that_tell_nothing_are_advised_against_but_never_left_out_at_weight_0():
    data = embedded(200, 3, text=1.2)
    data.v_i[:] = np.roll(data.v_i, 1, axis=0)
    advice, _ = ended(advise(data, BOTH))
    assert advice.is_sure
    assert 0 < advice.best.weight < 0.3
    assert advice.tried["concat", 0.0] > advice.tried[DEFAULT]


def test_best_of_many_settings_by_chance_alone_is_not_advised():
    random = np.random.default_rng(0)
    pictures = np.repeat(np.arange(300), 4)
    sure = 0
    for _ in range(20):
        found = {
            AdvisedSetting("concat", weight): RetrievalRanks(random.geometric(0.3, 1200), pictures)
            for weight in WEIGHTS
        }
        advice = advice_from(found)
        assert advice.tried[advice.best] >= advice.tried[DEFAULT]
        sure += advice.is_sure
        if not advice.is_sure:
            assert advice.chosen == DEFAULT
    assert sure <= 2  # at most 2.5 % of the times, were there no chance in these twenty


def test_default_is_kept_where_all_settings_do_as_well():
    ranks = RetrievalRanks(np.ones(200, np.int64), np.repeat(np.arange(50), 4))
    advice = advice_from({AdvisedSetting("concat", weight): ranks for weight in WEIGHTS})
    assert advice.best == advice.chosen == DEFAULT
    assert not advice.is_sure


def test_few_pictures_advise_nothing():
    pictures = np.repeat(np.arange(MIN_PICTURES - 1), 2)
    worse = RetrievalRanks(np.full(len(pictures), 9), pictures)
    better = RetrievalRanks(np.ones(len(pictures), np.int64), pictures)
    advice = advice_from({DEFAULT: worse, AdvisedSetting("mean", 0.5): better})
    assert advice.best == AdvisedSetting("mean", 0.5)
    assert advice.chosen == DEFAULT


def test_single_captions_give_no_advice():
    assert ended(advise(embedded(20, 1), BOTH)) == (None, [])


def test_default_is_tried_even_where_another_fusion_is_named():
    advice, _ = ended(advise(embedded(40, 2), {"mean": BOTH["mean"]}))
    assert set(advice.tried) == {AdvisedSetting("mean", 0.5)} | {
        AdvisedSetting("concat", w) for w in WEIGHTS
    }


def test_many_queries_are_sampled_by_whole_pictures():
    data = embedded(2000, 5, dim=4)
    _, steps = ended(advise(data, {}))
    assert steps[-1].total == 4000 * len(WEIGHTS)  # every second picture, with its four queries
