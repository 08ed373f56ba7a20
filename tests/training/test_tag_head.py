"""The file of a tag head, and its formula."""

import numpy as np
import pytest
import torch
from colour_tags import TAGS, colour_head, likely, plain_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from indexer.errors import ModelError
from indexer.tag_head import (
    CAPTIONED,
    INPUTS,
    PLAIN,
    TagHeadFacts,
    logits,
    packed,
    parse_tag_head,
    read_tag_head,
    shapes,
    write_tag_head,
)

FACTS = TagHeadFacts(("a", "b"), "mini", "0" * 32, 4)


def test_same_head_has_the_same_bytes():
    assert len({packed(FACTS, random_weights(1), {"seed": n % 2}) for n in range(20)}) == 2


def random_weights(seed: int, given_: str = "both") -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = {"d": 4, "t": 2, 2: 2}
    return {
        name: random.normal(size=[sizes[axis] for axis in axes]).astype(np.float32)
        for name, axes in shapes(given_).items()
    }


def test_head_is_read_as_it_was_written(tmp_path):
    file = colour_head(tmp_path / "colours.safetensors")
    head = read_tag_head(file)
    assert head.facts.tags == TAGS
    assert head.content == file.read_bytes()
    write_tag_head(tmp_path / "deep" / "copy.safetensors", head.content)
    assert read_tag_head(tmp_path / "deep" / "copy.safetensors").fingerprint == head.fingerprint
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["copy.safetensors"]


def test_probabilities_are_those_of_ones_head(tmp_path):
    head = read_tag_head(colour_head(tmp_path / "colours.safetensors"))
    red, blue = np.eye(5, dtype=np.float32)[[0, 2]]
    p = head.probabilities(np.stack([red, red]), np.stack([blue, blue]), np.array([True, False]))
    sure, not_ = likely(1), likely(0)
    assert p == pytest.approx(np.array([[sure, not_, sure], [sure, not_, not_]]), abs=1e-5)
    assert head.holds(p).tolist() == [[True, False, True], [True, False, False]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(INPUTS)))
def test_formula_is_the_product_of_features_and_their_task_related_part(seed, given_):
    w = random_weights(seed, given_)
    random = np.random.default_rng(seed + 1)
    v_i, v_t = random.normal(size=(2, 3, 4)).astype(np.float32)
    there = np.array([[1], [0], [1]], np.float32)
    expected = np.zeros((3, 2)) + w["bias"]
    for side, v in (("image", v_i), ("text", v_t)):
        if side in INPUTS[given_]:
            v_c = (v - w[f"{side}.mean"]) * w[f"{side}.scale"]
            if side == "text":
                v_c = np.where(there > 0, v_c, w["absent"])
            v_cr = v_c @ w[f"{side}.task"] + w[f"{side}.task_bias"]
            expected += (v_cr * v_c) @ w[f"{side}.out"]
    found = logits(v_i, v_t, there, given_, w, np.concatenate)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)
    tensors = {name: torch.from_numpy(value) for name, value in w.items()}
    trained = logits(*map(torch.from_numpy, (v_i, v_t, there)), given_, tensors, torch.cat)
    assert found == pytest.approx(trained.numpy(), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("given_", ["both", "caption"])
def test_what_stands_in_the_place_of_a_missing_caption_counts_for_nothing(given_):
    facts = TagHeadFacts(FACTS.tags, "mini", "0" * 32, 4, given_)
    head = parse_tag_head(packed(facts, random_weights(3, given_), {}), "here")
    v_i, v_t, other = np.random.default_rng(2).normal(size=(3, 5, 4)).astype(np.float32)
    nothing, everything = np.zeros(5, bool), np.ones(5, bool)
    assert np.array_equal(
        head.probabilities(v_i, v_t, nothing), head.probabilities(v_i, other, nothing)
    )
    assert not np.allclose(
        head.probabilities(v_i, v_t, everything), head.probabilities(v_i, other, everything)
    )


def test_each_kind_of_picture_has_a_calibration_of_its_own():
    weights = plain_weights(2, 4)
    weights["bias"][:] = 1
    weights["slope"][CAPTIONED], weights["shift"][PLAIN] = 3, -1
    head = parse_tag_head(packed(FACTS, weights, {}), "here")
    rows = np.ones((2, 4), np.float32)
    p = head.probabilities(rows, rows, np.array([True, False]))
    assert p[0] == pytest.approx([1 / (1 + np.exp(-3))] * 2)
    assert p[1] == pytest.approx([0.5, 0.5])


def broken() -> dict[str, bytes]:
    good = packed(FACTS, random_weights(1), {})
    wrong = random_weights(1) | {"bias": np.zeros(3, np.float32)}
    endless = random_weights(1) | {"bias": np.full(2, np.nan, np.float32)}
    same = TagHeadFacts(("a", "a"), "mini", "0" * 32, 4)
    return {
        "nothing": b"",
        "text": b"file,label\n",
        "cut short": good[: len(good) // 2],
        "heads of mini": save(random_weights(1), metadata={"format": "picfuse-heads-1"}),
        "another format": packed(FACTS, random_weights(1), {}).replace(b"-tags-1", b"-tags-9"),
        "no description": save(random_weights(1)),
        "another shape": packed(FACTS, wrong, {}),
        "no number": packed(FACTS, endless, {}),
        "two tags of one name": packed(same, random_weights(1), {}),
    }


@pytest.mark.parametrize("name", broken())
def test_what_is_no_head_is_refused_with_the_remedy(tmp_path, name):
    file = tmp_path / "head.safetensors"
    file.write_bytes(broken()[name])
    with pytest.raises(ModelError, match=r"head\.safetensors: .*picfuse train tags"):
        read_tag_head(file)


def test_missing_file_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ModelError, match=r"No such file.*picfuse train tags"):
        read_tag_head(tmp_path / "nowhere.safetensors")
