"""Task decoupling: one formula, for numpy and torch, for fusions and for tag heads."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.decoupling import Modality, decoupled
from indexer.fusion.gated import gated
from indexer.tag_head import logits

seeds = st.integers(0, 10**6)


def modalities(seed, widths=(4, 4), n=5):
    random = np.random.default_rng(seed)
    return [
        Modality(*(random.normal(size=shape).astype(np.float32) for shape in ((n, d), (d, d), d)))
        for d in widths
    ]


@settings(max_examples=40, deadline=None)
@given(seeds, st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_each_feature_is_multiplied_by_what_the_task_makes_of_its_modality(seed, widths):
    made = modalities(seed, widths)
    v_f = decoupled(made, np.concatenate)
    assert (v_f.shape, v_f.dtype) == ((5, sum(widths)), np.float32)
    start = 0
    for m, width in zip(made, widths, strict=True):
        for row, k in np.ndindex(5, width):
            task_related = sum(m.v[row, j] * m.task[j, k] for j in range(width)) + m.bias[k]
            expected = pytest.approx(task_related * m.v[row, k], rel=1e-3, abs=1e-4)
            assert v_f[row, start + k] == expected
        start += width


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_tensors_are_decoupled_as_rows_are(seed):
    made = modalities(seed)
    tensors = [Modality(*map(torch.from_numpy, m)) for m in made]
    found = decoupled(tensors, torch.cat).numpy()
    assert found == pytest.approx(decoupled(made, np.concatenate), rel=1e-4, abs=1e-4)


def test_fusion_and_tag_head_predict_from_the_same_features():
    image, text = modalities(3)
    v_f = decoupled([image, text], np.concatenate)
    fusion = {"image_task": image.task, "image_bias": image.bias}
    fusion |= {"text_task": text.task, "text_bias": text.bias}
    assert np.array_equal(gated(image.v, text.v, fusion, np.concatenate), v_f)
    out, dim = np.eye(8, dtype=np.float32), 4  # a head of eight tags that says v_f itself
    head = {"bias": np.zeros(8, np.float32), "absent": np.zeros(dim, np.float32)}
    for side, m, rows in (("image", image, out[:dim]), ("text", text, out[dim:])):
        plain = {"mean": np.zeros(dim), "scale": np.ones(dim)}
        parts = plain | {"task": m.task, "task_bias": m.bias, "out": rows}
        head |= {f"{side}.{name}": part for name, part in parts.items()}
    there = np.ones((5, 1), np.float32)
    assert logits(image.v, text.v, there, "both", head, np.concatenate) == pytest.approx(v_f)
