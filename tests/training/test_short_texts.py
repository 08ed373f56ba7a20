"""The text head learns short texts and keeps what it knew."""

import numpy as np
import pytest

from indexer.embedding import unit_rows
from indexer.encoders.mini.projection import heads_part_of_texts
from indexer.training.loop import Epoch, LoopSettings, train
from indexer.training.mini.alignment import AlignSettings
from indexer.training.mini.heads_model import HeadSizes
from indexer.training.mini.short_texts import ShortQueries, ShortTextsStage

LOOP = LoopSettings(epochs=6, patience=6, learning_rate=3e-3, weight_decay=0.01, seed=1)
SETTINGS = AlignSettings(sizes=HeadSizes(text_dropout=0.0), batch=40, short_loop=LOOP)
READ, DIM, HIDDEN = 768, 12, 16


def weights(seed=0):
    """A text head that says something of every text."""
    random = np.random.default_rng(seed)
    shapes = {"linear": (READ, DIM), "bias": (DIM,), "inner": (READ, HIDDEN)}
    shapes |= {"inner_bias": (HIDDEN,), "outer": (HIDDEN, DIM)}
    found = {f"text.{name}": 0.1 * random.normal(size=shape) for name, shape in shapes.items()}
    found |= {"text.mean": np.zeros(READ), "text.scale": np.ones(READ)}
    return {name: tensor.astype(np.float32) for name, tensor in found.items()}


def problem(seed, n=80):
    """Pictures and a short text for each, which tells of it as the head cannot know."""
    random = np.random.default_rng(seed)
    told = np.random.default_rng(99).normal(size=(DIM, READ))
    images = unit_rows(random.normal(size=(n, DIM)))
    features = (images @ told + random.normal(size=(n, READ)) / 9).astype(np.float32)
    return images, ShortQueries(features, [np.array([k]) for k in range(n)])


@pytest.fixture(scope="module")
def learned():
    images, asking = problem(0)
    kept = [np.random.default_rng(k).normal(size=(60, READ)).astype(np.float32) for k in (5, 6)]
    trainer = ShortTextsStage(weights(), images, asking, kept, problem(1), SETTINGS)
    before = trainer.judge()[0]
    epochs = [e for e in train(trainer.task("key"), trainer.loop) if isinstance(e, Epoch)]
    return trainer, before, epochs, kept


def test_short_texts_find_more_pictures_than_before(learned):
    _, before, epochs, _ = learned
    assert epochs[-1].loss < epochs[0].loss
    assert max(epoch.figure for epoch in epochs) > before + 20


def test_captions_and_names_stay_where_they_were(learned):
    trainer, _, _, kept = learned
    for features in kept:
        was, found = (heads_part_of_texts(features, w) for w in (weights(), trainer.learned()))
        assert (was * found).sum(axis=1).mean() > 0.9


def test_nothing_but_the_text_head_changes(learned):
    trainer, *_ = learned
    other = {"image.linear": np.ones((3, DIM), np.float32)}
    trainer.weights = trainer.weights | other
    found = trainer.learned()
    assert np.array_equal(found["image.linear"], other["image.linear"])
    assert np.array_equal(found["text.mean"], weights()["text.mean"])
    assert not np.array_equal(found["text.linear"], weights()["text.linear"])
    assert all(tensor.dtype == np.float32 for tensor in found.values())


def test_text_that_is_right_for_several_pictures_is_found_by_any_of_them():
    images, asking = problem(2, n=10)
    several = ShortQueries(asking.features, [np.arange(10)] * 10)
    trainer = ShortTextsStage(
        weights(), images, asking, (asking.features,) * 2, (images, several), SETTINGS
    )
    assert trainer.judge()[1]["r@1"] == 100.0
