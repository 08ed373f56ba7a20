"""Assembly of trained heads: fewer directions, and the parts beside them."""

import numpy as np
import pytest

from indexer.embedding import TEXT, centred_query, unit_rows
from indexer.encoders.mini.heads import (
    CLASS_PART,
    POOLED,
    SHAPES,
    class_part_of_images,
    class_part_of_texts,
    sense_part_of_texts,
)
from indexer.encoders.mini.hubness import hubness
from indexer.encoders.mini.names import WORD_PART, named
from indexer.encoders.mini.projection import heads_part_of_images, heads_part_of_texts
from indexer.training.mini.assembly import (
    NAMES_WEIGHT,
    Kinds,
    class_part,
    hub_part,
    narrow,
    sense_part,
    word_part,
)

SIZES = {"d": 12, "h": 5, "c": 0, "s": 0, "k": 0, "v": 0, "u": 0, "r": 12, "w": 768, "m": 0}


def wordings(seed=0, k=3, between=1.0, within=0.2):
    """Text features (k, 1000, 384) of classes that differ, and whose names differ less."""
    random = np.random.default_rng(seed)
    names = between * random.normal(size=(1, 1000, 384)) / 384**0.5
    names = names + within * random.normal(size=(k, 1000, 384)) / 384**0.5
    return unit_rows(names + np.eye(384)[0])


def scenes(seed=0, m=2000):
    """Text features (m, 384) of captions: in another region than the names."""
    random = np.random.default_rng(seed + 100)
    return unit_rows(random.normal(size=(m, 384)) / 384**0.5 - np.eye(384)[0])


@pytest.fixture(scope="module")
def part():
    return class_part(wordings(), scenes(), 256)


def meant(texts, part):
    """The class part of texts that name classes and what these are kinds of, but no words."""
    width = part["class.bias"].size
    nothing = np.zeros((0, 384)), np.zeros((0, width)), np.zeros((0, 1))
    part = part | dict(zip(WORD_PART, nothing, strict=True))
    return class_part_of_texts(texts, part, named(texts, part))


def heads(seed=0):
    """Heads whose rows lie in 4 of 12 dimensions."""
    random = np.random.default_rng(seed)
    shapes = {name: axes for name, axes in SHAPES.items() if name not in CLASS_PART}
    weights = {
        name: random.normal(size=[SIZES.get(axis, axis) for axis in axes]).astype(np.float32)
        for name, axes in shapes.items()
    }
    space = np.linalg.qr(random.normal(size=(12, 4)))[0].astype(np.float32)
    turned = [f"{s}.{n}" for s in ("image", "text") for n in ("linear", "outer", "bias")]
    return weights | {n: weights[n] @ space @ space.T for n in (*turned, "classes")}


def both_sides(weights, n=20):
    random = np.random.default_rng(1)
    images = random.normal(size=(n, POOLED + 2000)).astype(np.float32)
    texts = random.normal(size=(n, 768)).astype(np.float32)
    return heads_part_of_images(images, weights), heads_part_of_texts(texts, weights)


def test_narrowed_heads_score_as_before_where_nothing_is_lost():
    weights = heads()
    v_i, v_t = both_sides(weights)
    found_i, found_t = both_sides(narrow(weights, np.concatenate([v_i, v_t]), 4))
    assert found_i.shape == (20, 4)
    assert np.allclose(found_t @ found_i.T, v_t @ v_i.T, atol=1e-3)


def test_narrowed_heads_keep_the_directions_that_carry_most():
    weights = heads()
    rows = np.concatenate(both_sides(weights))
    axes = np.linalg.svd(rows, full_matrices=False)[2]
    found = narrow(weights, rows, 2)
    expected = weights["classes"] @ axes[:2].T
    assert np.allclose(found["classes"] @ found["classes"].T, expected @ expected.T, atol=1e-2)


def test_columns_carry_alike_though_directions_do_not(part):
    weights = heads()
    strong = np.diag(np.logspace(0, -2, 12).astype(np.float32))
    weights |= {n: weights[n] @ strong for n in ("classes", "text.linear", "text.outer")}
    classes = narrow(weights, weights["classes"], 12)["classes"]
    for rows in (classes, part["class.codes"]):
        spreads = rows.std(0)
        assert spreads.max() < 20 * spreads.min()


def test_each_wording_of_a_class_is_nearest_to_its_code(part):
    for texts in wordings():
        scores = meant(texts, part) @ part["class.codes"].T
        assert (scores.argmax(1) == np.arange(1000)).mean() > 0.99


def test_picture_of_a_class_is_found_by_a_wording_never_seen(part):
    unseen = wordings(k=4)[3]
    pictures = class_part_of_images(np.eye(1000, dtype=np.float32), part)
    scores = meant(unseen, part) @ pictures.T
    assert (scores.argmax(1) == np.arange(1000)).mean() > 0.9


def test_gate_is_open_for_names_and_shut_for_scenes(part):
    for texts, expected in ((wordings(7)[0], 1.5), (scenes(7), 0.0)):
        lengths = np.linalg.norm(meant(texts, part), axis=1)
        assert np.allclose(np.median(lengths), expected, atol=0.1)


def test_directions_in_which_wordings_of_a_class_differ_count_little():
    random = np.random.default_rng(3)
    texts = wordings() + random.normal(size=(3, 1000, 1)).astype(np.float32) * np.eye(384)[5]
    linear = class_part(texts.astype(np.float32), scenes(), 256)["class.linear"]
    lengths = np.linalg.norm(linear, axis=1)
    assert lengths[5] < 0.3 * np.median(lengths)


def test_what_several_classes_are_finds_pictures_of_all_of_them_and_of_no_other():
    random = np.random.default_rng(8)
    texts = unit_rows(random.normal(size=(3, 384)) + 20 * np.eye(384)[0]).astype(np.float32)
    members = np.zeros((3, 1000), np.float32)
    members[[0, 0, 0, 1, 1, 2], [7, 70, 700, 5, 7, 9]] = 1
    part = class_part(wordings(), scenes(), 256, Kinds(texts, members))
    pictures = class_part_of_images(np.eye(1000, dtype=np.float32), part)
    scores = meant(texts, part) @ pictures.T
    for found, of in zip(scores, members, strict=True):
        assert found[of == 1].min() > found[of == 0].max()


def test_kinds_change_nothing_for_other_texts(part):
    texts = unit_rows(np.eye(384)[[300]] + 0.1 * np.eye(384)[[0]]).astype(np.float32)
    with_kinds = class_part(wordings(), scenes(), 256, Kinds(texts, np.eye(1000)[[3]]))
    others = wordings(9)[0]
    found, before = (meant(others, each) for each in (with_kinds, part))
    assert np.allclose(found, before, atol=1e-3)


def test_word_has_what_its_pictures_have_in_common():
    random = np.random.default_rng(3)
    rows = [random.normal(size=(40, n)).astype(np.float32) for n in (6, 5)]
    said = np.zeros((3, 40), np.float32)
    said[0, :9], said[1, 20:30], said[2, 39] = 2, [*[2] * 9, 5], 3
    texts = random.normal(size=(3, 384)).astype(np.float32)
    part = word_part(texts, said, *rows)
    assert {name: part[name].shape for name in WORD_PART} == {
        "words.names": (3, 384), "words.classes": (3, 5), "words.heads": (3, 6),
    }  # fmt: skip
    heads = rows[0] - rows[0].mean(axis=0)
    assert np.allclose(part["words.heads"][0], unit_rows(heads[:9].mean(axis=0)), atol=1e-5)
    assert np.allclose(part["words.heads"][2], unit_rows(heads[39]), atol=1e-5)
    often = 2 * heads[20:29].sum(axis=0) + 5 * heads[29]  # where more captions agree
    assert np.allclose(part["words.heads"][1], unit_rows(often), atol=1e-5)
    classes = unit_rows(rows[1])
    alone = unit_rows(classes[39] - classes.mean(axis=0))
    assert np.allclose(part["words.classes"][2], alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(part["words.names"], axis=1), 1, atol=1e-5)


def test_no_words_are_an_empty_part():
    part = word_part(np.zeros((0, 384)), np.zeros((0, 9)), np.eye(9), np.eye(9))
    assert [part[name].shape for name in WORD_PART] == [(0, 384), (0, 9), (0, 9)]


def test_same_texts_give_the_same_class_part(part):
    again = class_part(wordings(), scenes(), 256)
    assert all(np.array_equal(again[name], tensor) for name, tensor in part.items())
    assert set(part) == set(CLASS_PART)


def test_sense_part_keeps_what_texts_have_in_common():
    random = np.random.default_rng(4)
    topics = random.normal(size=(20, 10)) @ random.normal(size=(10, 384))
    texts = np.repeat(topics, 50, axis=0) + random.normal(size=(1000, 384)) / 3
    rows = sense_part_of_texts(unit_rows(texts), sense_part(unit_rows(texts), 10))
    nearest = (rows @ rows.T - 9 * np.eye(1000)).argmax(1)
    assert (nearest // 50 == np.arange(1000) // 50).mean() > 0.99


def test_texts_of_the_middle_have_sense_in_all_directions_alike():
    random = np.random.default_rng(5)
    texts = unit_rows(random.normal(size=(500, 384)) + 3 * np.eye(384)[7])
    rows = sense_part_of_texts(texts, sense_part(texts, 64))
    assert np.abs(rows.mean(0)).max() < 0.05


def crowds():
    """Captions, names, and other rows (600, 24), each kind around an axis of its own."""
    random = np.random.default_rng(6)
    normal = (random.normal(size=(600, 24)) + 2 * np.eye(24)[axis] for axis in (0, 1, 2))
    return [unit_rows(rows) for rows in normal]


def test_hubness_is_told_by_captions_and_by_names():
    captions, names, others = crowds()
    part = hub_part(captions, names, (others[:300], others[300:]))
    assert part["hub.bank"].shape == (600 // 16, 24)
    assert part["hub.share"].sum() == pytest.approx(1, abs=1e-5)
    asked = [unit_rows(rows - captions.mean(0)) for rows in (captions, names)]
    near = [hubness(rows, part["hub.bank"], part["hub.share"]).mean() for rows in asked]
    usual = part["hub.usual"].ravel()
    assert min(near) > max(usual) + 0.03


def test_names_count_by_what_they_have_in_common():
    captions, names, others = crowds()
    known = others[:300], others[300:]
    parts = [hub_part(captions, asked, known) for asked in (names, captions)]
    found, without = (hubness(others, part["hub.bank"], part["hub.share"]) for part in parts)
    mean = {TEXT: captions.mean(0)}
    common, nothing = (centred_query(rows, TEXT, mean).mean(0) for rows in (names, captions))
    assert np.allclose(found - without, NAMES_WEIGHT * others @ (common - nothing), atol=1e-4)


def test_same_rows_give_the_same_hub_part():
    rows = unit_rows(np.random.default_rng(7).normal(size=(200, 8)))
    one, two = (hub_part(rows, rows[:100], (rows[:50], rows[50:])) for _ in range(2))
    assert all(np.array_equal(two[name], tensor) for name, tensor in one.items())
