"""Training of fusions: pairs, corruption, and that there is something to learn."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.datasets.pairs import CaptionedRows
from indexer.embedding import TEXT, centred_query, unit_rows
from indexer.fusion import LEARNED, Mean
from indexer.metrics.bootstrap import difference
from indexer.metrics.recall import mean_recall
from indexer.training.fusion.corruption import corrupt, fitting_strength, picture_recall
from indexer.training.fusion.trainer import FusionSettings, FusionTrainer, fuse_rows, trial_ranks
from indexer.training.loop import Epoch, train

seeds = st.integers(0, 2**32 - 1)


def dataset(seed=0, n=120, dim=16, noise=0.6, captions=(1, 5)):
    """Pictures of random subjects; half of what captions and pictures say is no subject at all."""
    random = np.random.default_rng(seed)
    subjects = random.normal(size=(n, dim // 2))
    counts = random.integers(captions[0], captions[1] + 1, n)
    starts = np.concatenate([[0], np.cumsum(counts)])

    def seen(rows):
        subject = rows + noise * random.normal(size=rows.shape)
        return unit_rows(np.hstack([subject, 1.5 * random.normal(size=rows.shape)]))

    names = tuple(f"{k:04}.jpg".encode() for k in range(n))
    return CaptionedRows(names, seen(subjects), seen(np.repeat(subjects, counts, 0)), starts)


def trainer_of(strategy="gated", data=None, **changes):
    data = data or dataset(1, n=600)
    held = set(data.names[::4])
    learned, validation = data.subset(set(data.names) - held), data.subset(held)
    made = replace(FusionSettings(strategy=strategy, batch=100), **changes)
    return FusionTrainer(learned, validation, (learned.v_t, validation.v_t), made, 0.0)


@pytest.mark.parametrize("strategy", LEARNED)
def test_training_learns_what_tells_pictures_apart(strategy):
    trainer = trainer_of(strategy)
    before = mean_recall(trial_ranks(None, trainer.validation, trainer.queries[1]).ranks)
    loop = replace(FusionSettings().loop, epochs=6, learning_rate=5e-3)
    epochs = [e for e in train(trainer.task(), loop) if isinstance(e, Epoch)]
    assert epochs[-1].loss < epochs[0].loss
    after = mean_recall(trial_ranks(trainer.model, trainer.validation, trainer.queries[1]).ranks)
    assert after > before + 3
    assert after == max(e.figure for e in epochs)


@pytest.mark.parametrize("strategy", LEARNED)
def test_untrained_fusion_ranks_as_mean_does(strategy):
    trainer = trainer_of(strategy)
    data, queries = trainer.validation, trainer.queries[1]
    found, mean = trial_ranks(trainer.model, data, queries), trial_ranks(None, data, queries)
    assert (found.ranks == mean.ranks).mean() > 0.99


def test_steps_of_the_task_are_its_batches():
    trainer = trainer_of()
    batches = list(trainer.batches(torch.Generator().manual_seed(0)))
    assert len(batches) == trainer.task().steps == 5 * 4
    assert {len(batch.q) for batch in batches} <= {112, 113}


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 3))
def test_batch_pairs_a_picture_with_captions_of_its_own_but_not_the_one_that_asks(seed, most):
    data = dataset(seed, n=40)
    trainer = trainer_of(data=data, most_captions=most, modality_dropout=0.0)
    train_data = trainer.train
    pictures = torch.arange(len(train_data.names))
    batch = trainer._batch(pictures, torch.Generator().manual_seed(seed))
    for k, (start, end) in enumerate(zip(train_data.starts, train_data.starts[1:], strict=False)):
        own = train_data.v_t[start:end]
        asks = np.flatnonzero((own == batch.q[k].numpy()).all(1))
        assert len(asks) == 1
        if len(own) == 1:
            assert not batch.v_t[k].any()
        elif most == 1:
            indexed = np.flatnonzero(np.isclose(own, batch.v_t[k].numpy(), atol=1e-6).all(1))
            assert len(indexed) == 1
            assert indexed != asks
        assert np.array_equal(batch.v_i[k].numpy(), train_data.v_i[k])


def test_modality_dropout_leaves_one_side_at_least():
    trainer = trainer_of(data=dataset(2, n=600), modality_dropout=0.3)
    pictures = torch.arange(len(trainer.train.names))
    batch = trainer._batch(pictures, torch.Generator().manual_seed(0))
    several = trainer.train.counts > 1
    image, text = (side.any(1).numpy() for side in (batch.v_i, batch.v_t))
    assert (image | text).all()
    assert (~text[several]).mean() == pytest.approx(0.3, abs=0.08)
    assert (~image[several]).mean() == pytest.approx(0.3, abs=0.08)


def test_same_seed_trains_the_same_weights():
    found = []
    for seed in (1, 1, 2):
        loop = replace(FusionSettings().loop, epochs=1, seed=seed)
        trainer = trainer_of(data=dataset(3, n=100), loop=loop)
        list(train(trainer.task(), loop))
        found.append(trainer.tensors())
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    assert not np.array_equal(found[0]["output"], found[2]["output"])


# Trials


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_each_caption_is_indexed_while_all_others_ask(seed):
    data = dataset(seed, n=20)
    several = np.flatnonzero(data.counts > 1)
    seen = set()
    for indexed, asks, owners in data.trials():
        assert len(indexed) == len(several)
        assert not set(indexed) & set(asks)
        places = np.searchsorted(data.starts, asks, side="right") - 1
        assert np.array_equal(places, several[owners])
        assert len(indexed) + len(asks) == data.counts[several].sum()
        seen |= set(indexed)
    assert len(seen) == data.counts[several].sum()


def test_ranks_without_a_model_are_those_of_mean():
    data = dataset(4, n=30, captions=(2, 2))
    (indexed, centred_query, owners), *_ = data.trials()
    rows = Mean().pictures(data.v_i, data.v_t[indexed], np.ones(30, np.bool_))
    scores = data.v_t[centred_query] @ rows.T
    expected = 1 + (scores > scores[np.arange(30), owners][:, None]).sum(1)
    assert np.array_equal(trial_ranks(None, data, data.v_t).ranks[:30], expected)


def test_subset_keeps_captions_with_their_pictures():
    data = dataset(5, n=10)
    part = data.subset({b"0003.jpg", b"0007.jpg"})
    assert part.names == (b"0003.jpg", b"0007.jpg")
    for place, whole in ((0, 3), (1, 7)):
        own = slice(part.starts[place], part.starts[place + 1])
        assert np.array_equal(part.v_t[own], data.v_t[data.starts[whole] : data.starts[whole + 1]])
        assert np.array_equal(part.v_i[place], data.v_i[whole])
    assert part.key != data.key == dataset(5, n=10).key


def test_captions_ask_as_in_a_search():
    v_t = dataset(6).v_t
    mean = v_t.mean(0)
    assert centred_query(v_t, TEXT, {}) is v_t
    assert np.allclose(centred_query(v_t, TEXT, {"text": mean}), unit_rows(v_t - mean))


# Corruption


def test_pictures_known_too_well_are_made_as_hard_to_find_as_held_out_ones():
    known, new = dataset(7, n=400, noise=0.1), dataset(8, n=100, noise=1.5)
    strength = fitting_strength(known, new, (known.v_t, new.v_t), seed=0)
    assert 0.1 < strength < 3
    pool = torch.from_numpy(known.v_i)
    generator = torch.Generator().manual_seed(5)
    found = []
    for _ in range(5):
        order = torch.randperm(400, generator=generator)[:100]
        v_i = corrupt(pool[order], pool, strength, generator).numpy()
        found.append(picture_recall(v_i, known, known.v_t, order.numpy()))
    target = picture_recall(new.v_i, new, new.v_t, np.arange(100))
    assert picture_recall(known.v_i[:100], known, known.v_t, np.arange(100)) > target + 5
    assert np.mean(found) == pytest.approx(target, abs=3)


def test_pictures_that_are_as_hard_to_find_already_are_left_alone():
    known, new = dataset(9, n=400, noise=1.5), dataset(10, n=100, noise=0.1)
    assert fitting_strength(known, new, (known.v_t, new.v_t), seed=0) == 0
    v_i = torch.from_numpy(known.v_i)
    assert corrupt(v_i, v_i, 0, torch.Generator()) is v_i


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.1, 4))
def test_corrupted_rows_have_unit_length_and_are_moved(seed, strength):
    v_i = torch.from_numpy(dataset(seed, n=30).v_i)
    moved = corrupt(v_i, v_i, strength, torch.Generator().manual_seed(seed))
    assert torch.allclose(moved.norm(dim=1), torch.ones(30), atol=1e-5)
    assert not torch.allclose(moved, v_i, atol=1e-2)


# Figures


def test_gain_is_drawn_by_pictures():
    """Every query knows its picture, whose queries the bootstrap draws together."""
    data = dataset(11, n=60, captions=(1, 4))
    found = trial_ranks(None, data, data.v_t)
    queries = np.bincount(found.pictures)
    several = data.counts[data.counts > 1]
    assert len(queries) == len(several)
    turns = data.counts.max()
    assert np.array_equal(queries, turns * (several - 1))
    trainer = trainer_of(data=data)
    untrained = trial_ranks(trainer.model, data, data.v_t)
    assert difference(untrained, found).by["r@1"] == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("strategy", LEARNED)
def test_centres_and_gain_are_measured_on_held_out_pictures(strategy):
    trainer = trainer_of(strategy)
    tensors, data = trainer.tensors(), trainer.validation
    both = fuse_rows(trainer.model, data.v_i, data.v_t[data.starts[:-1]])
    plain = fuse_rows(trainer.model, data.v_i, 0 * data.v_i)
    assert np.allclose(tensors["centre_captioned"], both.mean(0), atol=1e-6)
    assert np.allclose(tensors["centre_plain"], plain.mean(0), atol=1e-6)
    assert tensors["gain"].shape == (1,)
    assert json.loads(json.dumps(float(tensors["gain"][0]))) > 0
