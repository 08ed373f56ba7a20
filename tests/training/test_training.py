"""Training of the heads: losses, recall, batches, and that it learns."""

import itertools
from copy import copy
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from indexer.encoders.mini.heads import (
    POOLED,
    SHAPES,
    TAIL,
    TAILS,
    TEXT_TAIL,
    TRUNK,
    read_heads,
    write_heads,
)
from indexer.encoders.mini.image_tower import Tail, Trunk
from indexer.encoders.mini.projection import heads_part_of_texts, project_images, project_texts
from indexer.encoders.mini.text_tower import TextTail, TextTrunk
from indexer.metrics.recall import figures, mean_recall, ranks
from indexer.training.batches import drawn, shuffled_batches, weighted_batches
from indexer.training.loop import Epoch, LoopSettings, train
from indexer.training.losses import class_agreement, info_nce, info_nce_of_several
from indexer.training.mini.alignment import AlignSettings, draw_captions, judge_rows
from indexer.training.mini.features import MAP_SHAPE, Features, joined
from indexer.training.mini.heads_model import HeadSizes, arrays
from indexer.training.mini.recipe import tail_key, write_tail
from indexer.training.mini.stages import (
    HeadsStage,
    ImageTailStage,
    MoreHeadsStage,
    add_tail_features,
    more_heads_name,
)
from indexer.training.mini.views import VIEWS, view
from indexer.training.mini.words import Words, text_features


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


def test_info_nce_of_one_caption_each_is_info_nce():
    v_i, v_t = unit(np.random.default_rng(0).normal(size=(2, 6, 4)))
    for smoothing in (0.0, 0.1):
        several = info_nce_of_several(v_i, v_t[:, None], torch.tensor(5.0), smoothing)
        assert several.item() == pytest.approx(
            info_nce(v_i, v_t, torch.tensor(5.0), smoothing).item()
        )


def test_info_nce_of_several_equals_a_computation_by_hand():
    v_i, v_t = unit([[1.0, 0.0], [0.0, 1.0]]), unit([[[1, 0], [1, 0]], [[0, 1], [0, 1]]])
    # Logits of a picture: 2, 2, 0, 0; of a caption: 2 and 0.
    rows = np.log(2 * np.exp(2) + 2) - 2
    columns = np.log(np.exp(2) + 1) - 2
    found = info_nce_of_several(v_i, v_t, torch.tensor(2.0))
    assert found.item() == pytest.approx((rows + columns) / 2, abs=1e-5)


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


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_last_digit_makes_no_candidate_better_than_another(kind):
    """Products of equal rows differ by it, in a way that depends on the processor."""
    scores = np.full((3, 4), 0.7, kind)
    scores[0, 0] = np.nextafter(scores[0, 0], kind(1))
    scores[1, 2:] = np.nextafter(scores[1, 2:], kind(0))
    assert ranks(scores, np.eye(4, dtype=bool)[[0, 0, 0]]).tolist() == [4, 4, 4]


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

QUICK = LoopSettings(epochs=4, patience=99, learning_rate=3e-3, weight_decay=0.0, seed=3)
TINY = AlignSettings(
    sizes=HeadSizes(
        dim=16,
        classes=5,
        sense=3,
        image_hidden=16,
        text_hidden=8,
        image_dropout=0.0,
        text_dropout=0.0,
    ),
    batch=20,
    text_tail_rate=0.1,
    label_smoothing=0.0,
    loop=QUICK,
    tail_loop=replace(QUICK, epochs=3),
)


def problem(seed=0, n=60, each=2):
    """Pictures, and text features of their captions, that tell of the same 8 hidden numbers."""
    random = np.random.default_rng(seed)
    maps = np.random.default_rng(99)
    to_image, to_text = maps.normal(size=(8, TRUNK)), maps.normal(size=(8, 384))
    hidden = random.normal(size=(n, 8))
    probabilities = np.tile(random.dirichlet(np.ones(1000), size=n), 2)
    images = np.concatenate([hidden @ to_image, probabilities**0.5], axis=1).astype(np.float16)
    texts = np.repeat(hidden, each, axis=0) @ to_text + random.normal(size=(n * each, 384)) / 9
    captions = list(np.arange(n * each).reshape(n, each))
    shown = np.maximum(hidden @ maps.normal(size=(8, MAP_SHAPE[0])), 0).astype(np.float16)
    read = np.broadcast_to(shown[None, :, :, None, None], (1, n, *MAP_SHAPE))
    places = np.column_stack([np.zeros(n, np.int64), np.arange(n)])
    data = Features(images[None], [read], places, captions, np.ones(n, np.float32))
    return data, texts.astype(np.float32)


def spoken(sentences, seed=0):
    """Words of sentences: each is said in one to three words, that are much like it."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 4, len(sentences))
    states = np.repeat(sentences, counts, axis=0)
    states = states + random.normal(size=states.shape) / 9
    return Words(sentences, states.astype(np.float16), np.cumsum([0, *counts]))


CLASSES = [
    spoken(texts) for texts in np.random.default_rng(5).normal(size=(2, 1000, 384)).astype("f4")
]
SOME = [Words(c.sentences, np.zeros((1000, 384), np.float16), np.arange(1001)) for c in CLASSES]


def small():
    return problem(0, n=24)


def split(train, texts):
    """Pictures to train on and to validate on, and the words of the captions of both."""
    other, others = problem(1)
    moved = [rows + len(texts) for rows in other.captions]
    return train, replace(other, captions=moved), spoken(np.concatenate([texts, others]))


def image_tail(data):
    """The training of an image tail."""
    return ImageTailStage(*split(*data), CLASSES, TINY)


def heads(data, settings):
    """The training of heads and a text tail, on what an untrained image tail says."""
    train, validation, words = split(*data)
    return HeadsStage(told(train), told(validation), words, SOME, settings)


def completed(trainer):
    """All that comes of heads, without what texts name besides the classes."""
    return trainer.complete(trainer.join_heads())


def told(data):
    """Features with what an image tail says."""
    telling = add_tail_features(Tail(Trunk()), data)
    while True:
        try:
            next(telling)
        except StopIteration as end:
            return end.value


def trained(trainer):
    """The trainer after its training, and the epochs."""
    events = train(trainer.task("tiny"), trainer.loop)
    return trainer, [event for event in events if isinstance(event, Epoch)]


def shortened(**changes):
    return replace(TINY, loop=replace(TINY.loop, **changes))


@pytest.fixture(scope="module")
def learned():
    return trained(heads(problem(0), TINY))


@pytest.fixture(scope="module")
def learned_weights(learned):
    return completed(learned[0])


@pytest.fixture(scope="module")
def learned_tail():
    return trained(image_tail(problem(0)))


@pytest.fixture(params=["learned", "learned_tail"])
def either(request):
    return request.getfixturevalue(request.param)


def test_training_lowers_the_loss(either):
    trainer, epochs = either
    assert [epoch.number for epoch in epochs] == list(range(1, trainer.loop.epochs + 1))
    assert epochs[-1].loss < 0.7 * epochs[0].loss


def test_training_raises_recall_on_pictures_never_seen(either):
    _, epochs = either
    chance = 100 * (1 + 5 + 10) / 3 / 60
    assert epochs[-1].figure > 4 * chance
    assert epochs[-1].figures["queries"] == 120


def test_training_is_reproducible():
    (one, first), (two, second) = (trained(heads(small(), shortened(epochs=2))) for _ in range(2))
    assert first == second
    weights, again = completed(one), completed(two)  # made anew by every call
    assert weights.keys() == again.keys()
    for name, weight in weights.items():
        assert np.array_equal(again[name], weight), name


def test_other_seed_gives_other_weights():
    one, two = (trained(heads(small(), shortened(epochs=1, seed=seed)))[0] for seed in (3, 4))
    assert not np.array_equal(one.join_heads()["image.linear"], two.join_heads()["image.linear"])


def test_trained_weights_are_a_whole_heads_file(learned_weights, tmp_path):
    assert {name for name in learned_weights if not name.startswith(TAILS)} == set(SHAPES)
    weights = learned_weights | arrays(Tail(Trunk()).stored())
    write_heads(tmp_path / "heads", weights, {})
    read, _ = read_heads(tmp_path / "heads")
    assert read["image.bias"].shape == (7,)
    assert read["class.codes"].shape == (1000, 5)
    assert read["sense.bias"].shape == (3,)
    assert read["hub.bank"].shape[1] == 7 + 5 + 3
    assert read["mean.text"].shape == (16,)
    Tail(Trunk()).load(tmp_path / "heads")
    tail = TextTail(TextTrunk())
    tail.load(tmp_path / "heads")
    for name, tensor in tail.state_dict().items():
        expected = weights[f"{TEXT_TAIL}{name}"]
        assert np.allclose(tensor.numpy(), expected, atol=np.abs(expected).max() / 200), name


def test_mean_rows_are_those_of_the_training_data(learned, learned_weights):
    trainer, weights = learned[0], learned_weights
    features = trainer.plain_features(trainer.train)
    assert features.shape == (60, POOLED + 2000)
    expected = project_images(features, weights).mean(0)
    assert np.allclose(weights["mean.image"], expected, atol=1e-5)


def test_class_name_branch_is_lighter_once_trained(learned, learned_weights):
    trainer, found = learned[0], learned_weights["class_weight"]
    assert trainer.settings.class_gain == 0.5
    assert found == pytest.approx(0.5 * trainer.heads.class_weight.detach().numpy())


def test_trained_heads_are_those_of_the_best_epoch(either):
    trainer, epochs = either
    figure, figures_again = trainer.judge()
    assert figure == max(epoch.figure for epoch in epochs)
    assert figures_again in [epoch.figures for epoch in epochs if epoch.figure == figure]


def test_what_was_learned_is_in_the_weights_too(learned, learned_weights):
    trainer, weights, data = learned[0], learned_weights, learned[0].validation
    v_i = project_images(trainer.plain_features(data), weights)
    v_t = project_texts(trainer.caption_features(data), weights)
    found = judge_rows(v_i, v_t, data)[1]
    assert found["queries"] == 120
    assert found["r@10"] > 2 * 100 * 10 / 60


def test_training_ends_when_recall_no_longer_rises():
    _, epochs = trained(heads(small(), shortened(learning_rate=1e-12, patience=2)))
    assert len(epochs) == 3


def test_all_views_are_trained_on():
    data, texts = small()
    views, maps = (np.concatenate([x, x / 2]) for x in (data.views, data.maps[0]))
    both = replace(data, views=views, maps=[maps])
    one, two = (trained(heads((d, texts), shortened(epochs=1)))[0] for d in (data, both))
    assert not np.array_equal(one.join_heads()["image.linear"], two.join_heads()["image.linear"])


# More heads


@pytest.fixture(scope="module")
def more(learned):
    return [trained(MoreHeadsStage(learned[0], number)) for number in (1, 2)]


def test_more_heads_learn_by_themselves(more):
    chance = 100 * (1 + 5 + 10) / 3 / 60
    for _, epochs in more:
        assert epochs[-1].loss < 0.7 * epochs[0].loss
        assert epochs[-1].figure > 4 * chance
    assert [trainer.name for trainer, _ in more] == [more_heads_name(1), more_heads_name(2)]


def test_more_heads_differ_by_their_seeds(learned, more):
    found = [trainer.exported() for trainer in (learned[0], *(trainer for trainer, _ in more))]
    for one, two in combinations(found, 2):
        assert not np.allclose(one["image.linear"], two["image.linear"])


def test_heads_that_have_become_one_find_no_less_than_the_first(learned, learned_weights, more):
    first, data = learned[0], learned[0].validation
    images, captions = first.plain_features(data), first.caption_features(data)

    def recall(weights):
        rows = project_images(images, weights), project_texts(captions, weights)
        return judge_rows(*rows, data)[0]

    together = first.complete(first.join_heads([trainer.exported() for trainer, _ in more]))
    assert together["image.inner"].shape == (POOLED + 2000, 3 * 16)
    assert together["image.bias"].shape == (7,)
    assert recall(together) > recall(learned_weights) - 1


def test_heads_that_have_become_one_have_the_units_that_are_wanted(learned, more):
    trainer = copy(learned[0])
    trainer.settings = replace(TINY, image_units=20, text_units=9)
    weights = trainer.join_heads([trainer.exported() for trainer, _ in more])
    assert weights["image.inner"].shape == (POOLED + 2000, 20)
    assert weights["text.outer"].shape == (9, 7)


# Tails


def test_image_tail_learns_and_keeps_the_statistics_of_its_normalisation(learned_tail):
    trainer, _ = learned_tail
    before, after = Tail(Trunk()).state_dict(), trainer.tail.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "blocks.0.conv_pw.weight" in changed
    assert "last.0.weight" in changed
    assert not {name for name in changed if "running" in name}


def test_text_tail_learns(learned):
    before, after = TextTail(TextTrunk()).state_dict(), learned[0].heads.tail.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name for name in before if name.endswith("dense.weight")} <= changed


def test_tail_that_has_not_learned_gives_what_the_trunk_gives():
    trunk = Trunk().eval()
    pixels = torch.randint(256, (2, 320, 320, 3), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pooled, _, read = trunk(pixels.to(torch.uint8))
        found = Tail(trunk)(read)
    assert torch.allclose(
        found, torch.cat([pooled[:, -1280:], pooled[:, -2560:-1280]], 1), atol=1e-4
    )


def test_text_tail_that_has_not_learned_gives_what_the_trunk_gives():
    trunk = TextTrunk().eval()
    tokens = torch.tensor([[101, 1037, 3899, 102], [101, 4937, 102, 0]])
    mask = (tokens > 0).long()
    with torch.no_grad():
        known, read = trunk(tokens, mask)
        found = TextTail(trunk).eval()(read, mask)
    assert torch.allclose(found, known, atol=1e-5)


def test_text_features_are_of_each_text_by_itself():
    words = spoken(np.random.default_rng(1).normal(size=(200, 384)).astype(np.float32))
    tail = TextTail(TextTrunk()).eval()
    rows = np.random.default_rng(2).integers(200, size=150)
    with torch.no_grad():
        found = text_features(tail, words, rows)
        alone = torch.cat([text_features(tail, words, rows[k : k + 1]) for k in range(0, 150, 29)])
    assert found.shape == (150, 768)
    assert np.array_equal(found[:, :384], words.sentences[rows])
    assert torch.allclose(found[::29], alone, atol=1e-5)


def test_kept_tail_is_as_it_was_and_knows_where_it_came_from(tmp_path, learned_tail):
    tail, read = learned_tail[0].tail, Tail(Trunk())
    write_tail(tmp_path / "kept", tail, "the key")
    assert tail_key(tmp_path / "kept") == "the key"
    read.load(tmp_path / "kept")
    for name, tensor in read.stored().items():
        assert torch.equal(tensor, tail.stored()[name].half().float()), name
    assert all(name.startswith(TAIL) for name in read.stored())


@pytest.mark.parametrize("content", [None, b"", b"no safetensors"])
def test_what_is_no_kept_tail_has_no_key(tmp_path, content):
    if content is not None:
        (tmp_path / "kept").write_bytes(content)
    assert tail_key(tmp_path / "kept") is None


def test_classes_are_the_mean_of_their_wordings_once_trained(learned):
    trainer, _ = learned
    weights = trainer.heads.exported(trainer.wordings(trainer.heads.tail).detach())
    with torch.no_grad():
        wordings = trainer.wordings(trainer.heads.tail).numpy()
    parts = [heads_part_of_texts(texts, weights) for texts in wordings]
    assert np.allclose(weights["classes"], unit(sum(parts)).numpy(), atol=1e-5)


# Views


def pixels(n=3, size=320):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("number", range(VIEWS))
def test_view_has_the_shape_of_the_picture_and_is_the_same_each_time(number):
    state = torch.random.get_rng_state()
    found = view(pixels(), [b"a", b"b", b"c"], number)
    assert found.shape == (3, 320, 320, 3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, view(pixels(), [b"a", b"b", b"c"], number))
    assert torch.equal(state, torch.random.get_rng_state())


def test_first_views_are_the_picture_and_its_mirror_image():
    assert np.array_equal(view(pixels(), [b"a", b"b", b"c"], 0), pixels())
    assert np.array_equal(view(pixels(), [b"a", b"b", b"c"], 1)[:, :, ::-1], pixels())


def test_cut_outs_depend_on_the_name_and_the_number():
    same = np.repeat(pixels(1), 2, axis=0)
    one, two = view(same, [b"a", b"b"], 2)
    (other,) = view(pixels(1), [b"a"], 3)
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, other)


# Several data sets


def test_joined_data_sets_keep_their_maps_captions_and_weights():
    (one, _), (two, _) = problem(0, n=4), problem(1, n=5, each=1)
    both = joined([one, replace(two, weights=two.weights / 2)])
    assert both.views.shape[1] == 9
    assert both.weights.tolist() == [1.0] * 4 + [0.5] * 5
    assert both.all_captions().tolist() == list(range(13))
    at = np.array([5, 0, 8, 3])
    read = both.read_maps(np.zeros_like(at), at)
    expected = [two.maps[0][0, 1], one.maps[0][0, 0], two.maps[0][0, 4], one.maps[0][0, 3]]
    assert np.array_equal(read, np.stack(expected))
    some = both.subset(np.arange(9) > 4)
    assert np.array_equal(some.read_maps(np.zeros(1, np.int64), np.array([3])), read[2:3])


# Batches


def of_lengths(counts):
    ends = np.cumsum([0, *counts])
    return [np.arange(a, b) for a, b in itertools.pairwise(ends)]


@given(st.integers(2, 60), st.integers(2, 20), st.integers(0, 10**6))
def test_every_picture_comes_once_an_epoch(count, size, seed):
    found = list(shuffled_batches(count, size, torch.Generator().manual_seed(seed)))
    assert sorted(torch.cat(found).tolist()) == list(range(count))
    assert min(map(len, found)) >= 2
    assert max(map(len, found)) < 2 * size


@given(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=8, max_size=60), st.integers(0, 10**6))
def test_pictures_come_as_often_as_their_weights_say(weights, seed):
    shares, generator = torch.tensor(weights), torch.Generator().manual_seed(seed)
    epochs = [torch.cat(list(weighted_batches(shares, 9, generator))) for _ in range(60)]
    assert all(abs(len(epoch) - drawn(shares)) <= 1 for epoch in epochs)
    assert all(len(set(epoch.tolist())) == len(epoch) for epoch in epochs)
    seen = torch.bincount(torch.cat(epochs), minlength=len(weights)) / 60
    assert seen.numpy() == pytest.approx(np.array(weights), abs=0.4)


def test_epochs_are_shuffled_otherwise():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat(list(shuffled_batches(30, 10, generator))) for _ in range(2))
    assert first.tolist() != second.tolist()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=9), st.integers(1, 5))
def test_captions_of_a_batch_belong_to_its_pictures(counts, number):
    captions = of_lengths(counts)
    drawn = draw_captions(captions, number, torch.Generator().manual_seed(0))
    assert drawn.shape == (len(counts), number)
    for own, rows in zip(captions, drawn, strict=True):
        assert set(rows) <= set(own)
        assert len(set(rows)) == min(number, len(own))
        assert set(rows[len(own) :]) <= {own[0]}


def test_all_captions_are_drawn_in_time():
    generator = torch.Generator().manual_seed(0)
    seen = {c for _ in range(20) for c in draw_captions(of_lengths([5]), 2, generator)[0].tolist()}
    assert seen == set(range(5))


def test_owners_and_captions_are_in_one_order():
    data = replace(problem()[0], captions=of_lengths([2, 1, 3]))
    assert data.owners().tolist() == [0, 0, 1, 2, 2, 2]
    assert data.all_captions().tolist() == [0, 1, 2, 3, 4, 5]
