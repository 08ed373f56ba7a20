"""Several pairs of heads as one: scores added up, hidden units that stand for others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.encoders.mini.heads import (
    CLASSES,
    POOLED,
    SHOWN,
    class_branch,
    class_evidence,
    head,
    standardised,
)
from indexer.training.mini.ensemble import join_heads, prune_units

WIDTHS = {"image": POOLED + SHOWN, "text": 20}
UNITS = 6


def member(seed, dim=8):
    """Heads with weights of their own, and their own way to standardise features."""
    random = np.random.default_rng(seed)
    weights = {
        "classes": random.normal(size=(CLASSES, dim)),
        "class_weight": random.uniform(1, 3, 1),
    }
    for side, width in WIDTHS.items():
        shapes = {"linear": (width, dim), "inner": (width, UNITS), "outer": (UNITS, dim)}
        shapes |= {"bias": (dim,), "inner_bias": (UNITS,), "mean": (width,)}
        for name, shape in shapes.items():
            weights[f"{side}.{name}"] = random.normal(size=shape) / shape[0] ** 0.5
        weights[f"{side}.scale"] = random.uniform(0.5, 2, width)
    return {name: tensor.astype(np.float32) for name, tensor in weights.items()}


def features(seed=0, count=30):
    random = np.random.default_rng(seed)
    images = random.normal(size=(count, WIDTHS["image"]))
    images[:, POOLED:] = np.tile(random.dirichlet(np.ones(CLASSES), count) ** 0.5, 2)
    texts = random.normal(size=(count, WIDTHS["text"]))
    return images.astype(np.float32), texts.astype(np.float32)


def rows_of(weights, images, texts):
    """Rows that heads make from features, before they are scaled to unit length."""
    v_i = head(standardised(images, "image", weights), "image", weights)
    v_i = v_i + class_branch(class_evidence(images), weights)
    return v_i, head(standardised(texts, "text", weights), "text", weights)


def of_mean_length_one(rows):
    return rows / np.linalg.norm(rows, axis=1).mean()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True))
def test_scores_of_heads_side_by_side_are_those_of_all_added_up(seeds):
    members, (images, texts) = [member(seed, dim=4 + seed % 3) for seed in seeds], features()
    v_i, v_t = rows_of(join_heads(members, images, texts), images, texts)
    each = [[of_mean_length_one(rows) for rows in rows_of(m, images, texts)] for m in members]
    assert np.allclose(v_i @ v_t.T, sum(i @ t.T for i, t in each), atol=1e-4)


def test_classes_are_side_by_side_as_pictures_are():
    members, (images, texts) = [member(1), member(2)], features()
    joined = join_heads(members, images, texts)
    assert joined["classes"].shape == (CLASSES, 16)
    assert joined["class_weight"] == 1
    for number, one in enumerate(members):
        part = joined["classes"][:, 8 * number : 8 * (number + 1)]
        own = one["classes"]
        cosines = (part * own).sum(1) / np.linalg.norm(part, axis=1) / np.linalg.norm(own, axis=1)
        assert np.allclose(cosines, 1, atol=1e-5)


@pytest.mark.parametrize("side", ["image", "text"])
def test_units_that_say_the_same_are_one(side):
    weights, read = member(3), dict(zip(WIDTHS, features(), strict=True))
    twice = dict(weights)
    for name, axis in (("inner", 1), ("inner_bias", 0)):
        tensor = weights[f"{side}.{name}"]
        twice[f"{side}.{name}"] = np.concatenate([tensor, tensor], axis)
    outer = weights[f"{side}.outer"]
    twice[f"{side}.outer"] = np.concatenate([2 * outer, outer / 9])
    fewer = prune_units(twice, side, read[side], UNITS)
    assert fewer[f"{side}.outer"].shape == outer.shape
    assert fewer[f"{side}.inner"].shape == weights[f"{side}.inner"].shape
    rows = [head(standardised(read[side], side, w), side, w) for w in (twice, fewer)]
    assert np.allclose(rows[1], rows[0], atol=0.02 * np.abs(rows[0]).max())


def test_units_that_stay_give_part_of_what_the_others_gave():
    (images, texts), weights = features(count=400), member(4)
    fewer = prune_units(weights, "text", texts, 4)
    biases = weights["text.inner_bias"].tolist()
    kept = [biases.index(bias) for bias in fewer["text.inner_bias"]]
    names = ("text.inner", "text.inner_bias")
    cut = {**weights, **{name: fewer[name] for name in names}}
    cut["text.outer"] = weights["text.outer"][kept]
    whole, found, without = (rows_of(w, images, texts)[1] for w in (weights, fewer, cut))
    assert np.linalg.norm(found - whole) < 0.9 * np.linalg.norm(without - whole)


def test_as_many_units_as_there_are_change_nothing():
    images, texts = features()
    weights = member(5)
    assert prune_units(weights, "text", texts, UNITS).keys() == weights.keys()
    for name, tensor in prune_units(weights, "image", images, UNITS + 1).items():
        assert np.array_equal(tensor, weights[name]), name
