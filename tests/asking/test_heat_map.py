"""Heat maps: where in a picture a query is found."""

import numpy as np
import pytest
from colour_encoder import open_encoder
from command_line import SAMPLE, answered, index_colours, refusal, run, sample_library
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexer.encoders import Encoder, LocatingEncoder, load_encoder, registry
from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.places import features_without
from indexer.errors import ModelError, QueryError
from indexer.library.library import Library
from indexer.pictures.images import decode
from indexer.pictures.transform import ImageTransform
from search import Query
from search.heat_map import HeatMap, HeatMapQuery, locate


@pytest.fixture
def halves(pictures):
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (80, 40), "red")
    image.paste("blue", (40, 0, 80, 40))
    image.save(pictures / "halves.png")
    return pictures / "halves.png"


@pytest.mark.parametrize(("words", "left"), [("red", True), ("blue", False)])
def test_the_peak_is_where_the_colour_is(colour_library, halves, words, left):
    found = locate(colour_library, str(halves), Query.of(words))
    assert found.scores.shape == (4, 4)
    assert (found.peak[0] < 0.5) == left
    warm, cold = (found.scores[:, :2], found.scores[:, 2:])[:: 1 if left else -1]
    assert warm.min() > cold.max()


def test_subtracted_term_does_not_count(colour_library, halves):
    """Red counts twice as much as blue; were it subtracted, blue would be all that is left."""
    plain, lowered = (
        locate(colour_library, str(halves), Query.parse(words))
        for words in ("2:red + blue", "2:red + blue - 2:red")
    )
    assert lowered.scores == pytest.approx(plain.scores)
    assert lowered.peak[0] < 0.5


def test_a_picture_is_looked_for_like_words(colour_library, halves, paint):
    query = Query.of(picture=str(paint("blue-wall.png")))
    assert locate(colour_library, str(halves), query).peak[0] > 0.5


def test_overlay_is_warm_where_it_is_found_and_the_picture_is_left_as_it_is(colour_library, halves):
    before = halves.read_bytes()
    image = decode(halves)
    painted = np.asarray(locate(colour_library, str(halves), Query.of("red")).over(image), int)
    assert painted.shape == (40, 80, 3)
    left, right = painted[:, 5:30], painted[:, 50:75]
    assert left[..., 0].min() > 150  # red stays bright
    assert right.max() < 150  # blue is darkened
    assert (halves.read_bytes(), decode(halves)) == (before, image)


def test_picture_that_is_alike_everywhere_is_painted_evenly(colour_library, paint):
    found = locate(colour_library, str(paint("red-wall.png")), Query.of("red"))
    assert found.highest == pytest.approx(found.median, abs=1e-5)
    painted = np.asarray(found.over(Image.new("RGB", (30, 20), "red")))
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) == 1


class Placeless:
    """The colour encoder without places."""

    def __init__(self, encoder):
        for name in ("name", "fingerprint", "dim", "transform", "means"):
            setattr(self, name, getattr(encoder, name))
        self.encode_images, self.encode_texts = encoder.encode_images, encoder.encode_texts


def open_placeless(*arguments):
    return Placeless(open_encoder(*arguments))


def test_encoder_that_knows_no_places_says_so(colour_library, halves):
    colour_library.use_encoder(Placeless(colour_library.encoder))
    assert isinstance(colour_library.encoder, Encoder)
    assert not isinstance(colour_library.encoder, LocatingEncoder)
    with pytest.raises(ModelError, match=r"cannot locate a query in a picture.* --model mini"):
        locate(colour_library, str(halves), Query.of("red"))


def test_picture_that_cannot_be_read_is_a_query_error(colour_library, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8nothing")
    with pytest.raises(QueryError, match=r"broken\.jpg"):
        locate(colour_library, str(tmp_path / "broken.jpg"), Query.of("red"))


# What the encoder sees of a picture


@pytest.mark.parametrize(
    ("resize", "box"),
    [
        ("squash", (0, 0, 1, 1)),
        ("shortest", (0.25, 0, 0.75, 1)),
        ("longest", (0, -0.5, 1, 1.5)),
    ],
)
def test_the_grid_covers_what_the_encoder_sees(resize, box):
    assert ImageTransform(8, resize, "bicubic").seen(200, 100) == pytest.approx(box)


@given(st.integers(20, 300), st.integers(20, 300), st.sampled_from(["shortest", "longest"]))
def test_a_mark_is_seen_where_the_box_says(width, height, resize):
    transform = ImageTransform(64, resize, "bilinear")
    image = np.zeros((height, width, 3), np.uint8)
    mark = width // 2, height // 2  # the middle is always seen, and stays the middle
    image[max(0, mark[1] - 3) : mark[1] + 4, max(0, mark[0] - 3) : mark[0] + 4] = 255
    left, top, right, bottom = transform.seen(width, height)
    assert (left + right) / 2 == pytest.approx(0.5)
    assert (top + bottom) / 2 == pytest.approx(0.5)
    assert (right - left) * width == pytest.approx((bottom - top) * height)  # a square
    seen = transform(Image.fromarray(image))[..., 0].astype(float)
    ys, xs = np.indices(seen.shape)
    assert abs((xs * seen).sum() / seen.sum() - 31.5) < 4
    assert abs((ys * seen).sum() / seen.sum() - 31.5) < 4


def test_heat_lies_within_what_is_seen():
    scores = np.zeros((2, 2), np.float32)
    scores[0, 0] = 1
    found = HeatMap(scores, (0.25, 0, 0.75, 1))
    assert found.peak == (0.375, 0.25)
    painted = np.asarray(found.over(Image.new("RGB", (80, 40), "white")), int)
    assert len(np.unique(painted[:, :19].reshape(-1, 3), axis=0)) == 1  # nobody looked there
    assert painted[5, 22].sum() > painted[5, 5].sum()


def test_peak_in_the_padding_is_moved_to_the_edge():
    scores = np.zeros((4, 4), np.float32)
    scores[0, 1] = 1
    assert HeatMap(scores, (0, -0.5, 1, 1.5)).peak == (0.375, 0)


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (3, 3)])
def test_rounding_decides_nothing(place):
    """Places of one colour may differ by the last digit, which depends on the processor."""
    scores = np.full((4, 4), 0.7071068, np.float32)
    scores[place] = np.nextafter(scores[place], np.float32(1))
    found = HeatMap(scores, (0, 0, 1, 1))
    assert found.peak == (0.125, 0.125)
    painted = np.asarray(found.over(Image.new("RGB", (30, 20), "red")))
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) == 1


# The built-in model on real photographs


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("mini", offline=True)


def test_maps_pooled_over_all_places_are_the_features_of_the_picture(encoder):
    pixels = TRANSFORM(decode(SAMPLE / "giant-panda.jpg", min_side=320))[None]
    without = encoder.towers.features_without(pixels[0])
    assert without.shape == (101, 10064)
    whole = encoder.towers.image_features(pixels)[0]
    assert whole @ without[0] / np.linalg.norm(whole) / np.linalg.norm(without[0]) > 0.9999


def test_what_is_left_out_does_not_count():
    random = np.random.default_rng(0)
    sides = {88: 20, 120: 20, 208: 10, 352: 10, 1280: 10}  # of the map of so many channels
    channels = [88, 120, 208, 352, 1280, 1280]
    maps = [random.random((c, sides[c], sides[c]), np.float32) for c in channels]
    maps.append(random.random((1000, 10, 10), np.float32))
    before = features_without(maps)
    for x in maps:
        x[:, 0, 0] = 5
    after = features_without(maps)
    corner = [1 + 10 * row + column for row in (0, 1) for column in (0, 1)]
    changed = np.flatnonzero((before != after).any(axis=1))
    assert changed.tolist() == [n for n in range(101) if n not in corner]


def test_pasted_photographs_are_found_in_their_halves(tmp_path_factory):
    pairs = [
        ("tabby-cat.jpg", "a cat", "steam-train.jpg", "a steam train"),
        ("elephant-and-calf.jpg", "an elephant", "pink-tulips.jpg", "pink flowers"),
        ("giant-panda.jpg", "a panda", "fire-engine.jpg", "a fire engine"),
        ("espresso-cup.jpg", "a cup of coffee", "mountain-lake.jpg", "mountains"),
        ("honey-bee.jpg", "a bee", "wall-clock.jpg", "a clock"),
    ]
    right = 0
    with Library.open(sample_library(tmp_path_factory), read_only=True, offline=True) as library:
        for one, words, other, others in pairs:
            parts = [decode(SAMPLE / name).resize((300, 450)) for name in (one, other)]
            pasted = Image.fromarray(np.hstack([np.asarray(part) for part in parts]))
            right += HeatMapQuery.of(library, Query.of(words)).on(pasted).peak[0] < 0.5
            right += HeatMapQuery.of(library, Query.of(others)).on(pasted).peak[0] > 0.5
    assert right >= 9


# `picfuse explain`


@pytest.fixture
def home(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "library")
    return tmp_path / "library"


def test_explain_says_where_and_writes_the_map(home, halves, tmp_path):
    output = tmp_path / "maps" / "where.png"
    result = run("explain", halves, "blue", "--output", output, "--library", home)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].endswith("at 88% from the left, 12% from the top")
    assert f"written to {output}" in result.stderr
    with Image.open(output) as painted:
        assert (painted.format, painted.size) == ("PNG", (80, 40))


def test_explain_for_scripts(home, halves):
    fields = answered("explain", halves, "blue", "-", "red", "--library", home)
    assert (fields["path"], fields["output"]) == (str(halves), None)
    assert [term["text"] for term in fields["query"]["terms"]] == ["blue", "red"]
    scores = np.array(fields["scores"])
    assert scores.shape == (4, 4)
    assert fields["peak"]["score"] == pytest.approx(scores.max())
    assert fields["median"] == pytest.approx(np.median(scores), abs=1e-4)
    assert fields["box"] == [0, 0, 1, 1]


def test_explain_never_writes_over_a_file(home, halves):
    before = halves.read_bytes()
    said = refusal("explain", halves, "red", "--output", halves, "--library", home, status=2)
    assert "already exists" in said
    assert halves.read_bytes() == before


def test_explain_refuses_what_it_cannot_write_or_read(home, halves, tmp_path, monkeypatch):
    there = ("--library", home)
    assert ".png" in refusal("explain", halves, "a", "--output", "map.xyz", *there, status=2)
    assert "gone.jpg" in refusal("explain", tmp_path / "gone.jpg", "red", *there, status=2)
    assert run("explain", halves, *there).exit_code == 2
    monkeypatch.setitem(registry.BUILT_IN, "colour", "test_heat_map:open_placeless")
    assert "cannot locate" in refusal("explain", halves, "red", *there, status=3)
