"""`picfuse index --tags`, `search --tag` and `train tags`: from labels to filters."""

import csv
import json

import numpy as np
import pytest
from colour_tags import colour_head, likely
from command_line import answered, index_colours, refusal, run
from PIL import Image

from indexer.tag_head import read_tag_head

NAMED = {"red.png", "yellow.png"}


@pytest.fixture
def head(tmp_path):
    return colour_head(tmp_path / "heads" / "colours.safetensors")


@pytest.fixture
def library(tmp_path, colour_pictures, head):
    """A library with tags, made by the command."""
    path = tmp_path / "library"
    assert index_colours(colour_pictures, path, "--tags", head).exit_code == 0
    return path


def names(hits) -> list[str]:
    return [hit["path"].rpartition("/")[2] for hit in hits]


def test_hits_carry_their_tags_and_can_be_filtered(library):
    hits = answered("search", "red", "--library", library)["hits"]
    assert len(hits) == 5
    tags = dict(zip(names(hits), (hit["tags"] for hit in hits), strict=True))
    assert tags["red.png"] == {"reddish": pytest.approx(likely(1), abs=2e-3)}
    assert tags["green.png"] == {}
    assert list(tags["yellow.png"]) == ["says blue", "reddish"]  # surest first
    hits = answered("search", "red", "--tag", "reddish", "--library", library)["hits"]
    assert set(names(hits)) == NAMED
    both = ("--tag", "reddish", "--tag", "says blue")
    assert names(answered("search", "red", *both, "--library", library)["hits"]) == ["yellow.png"]


def test_tag_alone_lists_pictures_by_its_probability(library):
    answer = answered("search", "--tag", "reddish", "--library", library)
    assert names(answer["hits"]) == ["red.png", "yellow.png"]
    assert answer["query"] == {"terms": [], "weight": None}  # nothing was weighed
    assert [hit["image_score"] for hit in answer["hits"]] == [None, None]
    lines = run("search", "--tag", "reddish", "--library", library).stdout.splitlines()
    assert lines[0].split()[:2] == ["1", f"{likely(1):.3f}"]


def test_tags_that_nothing_has_together_match_nothing(library):
    words = ("--tag", "bluish", "--tag", "says blue", "--library", library)
    result = run("search", "red", *words)
    assert (result.exit_code, result.stderr) == (1, "picfuse: nothing matched\n")
    assert answered("search", *words, status=1)["hits"] == []


def test_similar_pictures_are_filtered(library, colour_pictures):
    words = ("similar", colour_pictures / "red.png", "--tag", "bluish", "--library", library)
    assert names(answered(*words)["hits"]) == ["blue.png"]


def test_unknown_tag_is_status_2_and_names_the_known_ones(library):
    said = refusal("search", "red", "--tag", "nice", "--library", library, status=2)
    assert said == "picfuse: no tag 'nice'; there are bluish, reddish, says blue"


def test_library_without_tags_says_how_to_have_some(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "plain")
    said = refusal("search", "--tag", "nice", "--library", tmp_path / "plain", status=2)
    assert "picfuse index --tags FILE" in said
    hits = answered("search", "red", "--library", tmp_path / "plain")["hits"]
    assert all("tags" not in hit for hit in hits)
    assert "tags" not in answered("status", "--library", tmp_path / "plain")


def test_status_lists_heads_and_counts(library, head):
    (said,) = answered("status", "--library", library)["tags"]
    assert said["name"] == "colours"
    assert said["fingerprint"] == read_tag_head(head).fingerprint
    assert said["pictures"] == {"reddish": 2, "bluish": 1, "says blue": 1}
    line = next(x for x in run("status", "--library", library).stdout.splitlines() if "tags" in x)
    counts = "reddish 2, bluish 1, says blue 1"
    assert line == f"tags      colours ({said['fingerprint'][:8]}): {counts}"


def test_empty_name_takes_the_tags_off(library):
    assert run("index", "--tags", "", "--library", library).exit_code == 0
    assert "tags" not in answered("status", "--library", library)


def test_wrong_head_makes_no_library(tmp_path, colour_pictures):
    words = ["index", colour_pictures, "--library", tmp_path / "new", "--model", "colour"]
    said = refusal(*words, "--tags", tmp_path / "nowhere", status=3)
    assert "cannot be read as a tag head" in said
    assert not (tmp_path / "new").exists()
    other = colour_head(tmp_path / "other.safetensors", version="2")
    assert "made for 'colour:2'" in refusal(*words, "--tags", other, status=2)
    assert not (tmp_path / "new").exists()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """120 pictures, half of them reddish; a third say that they are good, another that not."""
    folder = tmp_path_factory.mktemp("dataset")
    random = np.random.default_rng(0)
    rows = []
    for n in range(120):
        reddish, said = bool(random.integers(0, 2)), int(random.integers(0, 3))
        shade = int(random.integers(0, 100))
        colour = (255 - shade, shade, 30) if reddish else (shade, 30, 255 - shade)
        Image.new("RGB", (8, 8), colour).save(folder / f"{n:03}.png")
        if said:
            (folder / f"{n:03}.txt").write_text("green" if said == 1 else "black")
        tags = ["warm"] * reddish + ["good"] * (said == 1)
        rows.append((f"{n:03}.png", ";".join(tags)))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    return folder


def trained(dataset, output, *words):
    model = ("--model", "colour", "--output", output, "--epochs", 80)
    return answered("train", "tags", dataset, *model, *words)


def test_head_learns_from_look_and_caption_and_tags_a_library(dataset, tmp_path):
    output = tmp_path / "mine.safetensors"
    said = trained(dataset, output, "--validation", 0.4)
    assert said["facts"]["tags"] == ["good", "warm"]
    assert (said["facts"]["input"], said["facts"]["exclusive"]) == ("both", False)
    assert said["pictures"] == {"train": 72, "validation": 48}
    assert said["tags"]["warm"]["ap"] > 95
    assert said["tags"]["good"]["ap"] > 95
    assert set(said["validation"]["ci95"]) == {"macro_ap", "macro_f1", "accuracy", "ece"}
    assert list((tmp_path / "mine.curves").glob("events.*"))
    assert not (tmp_path / "mine.checkpoint").exists()
    index_colours(dataset, tmp_path / "library", "--tags", output)
    counts = answered("status", "--library", tmp_path / "library")["tags"][0]["pictures"]
    assert counts["warm"] == pytest.approx(said["labelled"]["warm"], abs=6)
    assert counts["good"] == pytest.approx(said["labelled"]["good"], abs=6)


def test_head_that_reads_one_side_learns_nothing_of_the_other(dataset, tmp_path):
    for given, learned, lost in (("picture", "warm", "good"), ("caption", "good", "warm")):
        tags = trained(dataset, tmp_path / f"{given}.safetensors", "--input", given)["tags"]
        assert tags[learned]["ap"] > 90
        assert tags[lost]["ap"] < 80


def test_same_seed_gives_the_same_head(dataset, tmp_path):
    heads = [tmp_path / f"{n}.safetensors" for n in range(3)]
    for head, seed in zip(heads, (1, 1, 2), strict=True):
        trained(dataset, head, "--seed", seed, "--epochs", 20)
    one, two, other = (read_tag_head(head).fingerprint for head in heads)
    assert one != other
    weights = [read_tag_head(head).weights["image.out"] for head in heads[:2]]
    assert np.array_equal(*weights)
    assert one == two


def warm_ones(dataset) -> list[bool]:
    """The warm ones of the pictures."""
    with (dataset / "labels.csv").open() as file:
        return ["warm" in row["label"] for row in csv.DictReader(file)]


def test_labels_of_one_each_exclude_each_other(dataset, tmp_path):
    table = tmp_path / "kinds.csv"
    warm = enumerate(warm_ones(dataset))
    rows = [f"{n:03}.png,{'warm' if is_warm else 'cold'}" for n, is_warm in warm]
    table.write_text("\n".join(["file,label", *rows, rows[0]]))
    words = ("--labels", table, "--threshold", "f1", "--report", dataset / "few.txt")
    (dataset / "few.txt").write_text("\n".join(f"{n:03}" for n in range(30)))
    said = trained(dataset, tmp_path / "kinds.safetensors", *words)
    assert said["facts"]["exclusive"]
    assert said["report"]["pictures"] == 30
    assert sum(said["pictures"].values()) == 90
    assert said["report"]["accuracy"] > 90
    several = trained(dataset, tmp_path / "several.safetensors", "--labels", table, "--several")
    assert not several["facts"]["exclusive"]


def test_training_is_told_to_people(dataset, tmp_path):
    output = tmp_path / "mine.safetensors"
    table = tmp_path / "labels.tsv"
    rows = [
        f"{n:03}\t{'warm' if is_warm else ''}|{'rare' if n < 3 else ''}"
        for n, is_warm in enumerate(warm_ones(dataset))
    ]
    table.write_text("\n".join(["file\tlabel", *rows]))
    words = ("--model", "colour", "--labels", table, "--epochs", 2)
    result = run("train", "tags", dataset, "--output", output, *words)
    assert result.exit_code == 0, result.output
    assert "picfuse: too rare to learn: rare" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("epoch 1: loss ")
    assert lines[2].startswith("warm                        ")
    assert " pictures  AP " in lines[2]
    assert "calibration half of the validation set: macro AP " in lines[3]
    assert lines[4] == f"written: {output} and mine.json"
    assert json.loads(output.with_suffix(".json").read_text())["rare"] == ["rare"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--labels", "nowhere.csv"], "no such table of labels"),
        (["--exclusive"], "pictures do not have exactly one label"),
        (["--validation", "2"], "a share must be between 0 and 1"),
        (["--validation", "0.05"], "too few to validate on"),
        (["--report", "nowhere.txt"], "no such list of pictures"),
        (["--split", "nowhere.txt"], "no such list of pictures"),
    ],
)
def test_what_cannot_be_learned_is_status_2(dataset, tmp_path, words, message):
    output = tmp_path / "head.safetensors"
    words = ["train", "tags", dataset, "--model", "colour", "--output", output, *words]
    assert message in refusal(*words, status=2)
    assert not output.exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,label\n000.png,warm\n", "needs the columns 'file' and 'label'"),
        ("file,label\nnobody.png,warm\n", "none of its rows names a picture"),
        ("file,label\n000.png,warm\n001.png,cold\n", "0 of its 2 tags have 8 pictures or more"),
    ],
)
def test_table_that_says_nothing_is_status_2(dataset, tmp_path, table, message):
    (tmp_path / "labels.csv").write_text(table)
    words = ["train", "tags", dataset, "--model", "colour", "--labels", tmp_path / "labels.csv"]
    assert message in refusal(*words, "--output", tmp_path / "head.st", status=2)


def test_folder_without_labels_asks_for_them(colour_pictures, tmp_path):
    words = ["train", "tags", colour_pictures, "--model", "colour", "--output", tmp_path / "h.st"]
    assert "name one with --labels" in refusal(*words, status=2)
