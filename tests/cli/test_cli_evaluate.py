"""`picfuse evaluate`: its figures are those of a plain computation."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from colour_encoder import colour_of
from command_line import GOLDEN, answered, refusal, run
from odd_pictures import truncated_jpeg
from PIL import Image

from indexer.datasets.folder import reserved
from indexer.metrics.bootstrap import MIN_PICTURES
from indexer.metrics.recall import RetrievalRanks
from search.evaluation.advice import WEIGHTS, AdvisedSetting, advice_from
from ui.cli.output.figures import print_advice

FIGURES = ["r@1", "r@5", "r@10", "median_rank", "mrr", "queries"]
WORDS = ("red", "green", "blue", "black", "yellow", "purple", "white")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    """Libraries of evaluations go to a cache of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def captioned(pictures) -> Path:
    """Thirty pictures of one colour each, with three captions each of which some mislead."""
    random = np.random.default_rng(3)
    lines = []
    for number in range(30):
        name = f"{number:02}.png"
        Image.new("RGB", (8, 8), tuple(random.integers(0, 256, 3).tolist())).save(pictures / name)
        for n in range(3):
            words = " ".join(random.choice(WORDS, 4))
            lines.append(f"{name}#{n}\t{words} {number} {n}\n")
    (pictures / "captions.token").write_text("".join(lines))
    return pictures


@pytest.fixture
def labelled(paint, pictures) -> Path:
    """Pictures with a table of class labels; what is labelled "green" is blue."""
    rows = ["file,label"]
    for name, label in {
        "red": "red",
        "yellow": "yellow",
        "black": "black",
        "blue": "green",
    }.items():
        paint(f"{name}.png")
        rows.append(f"{name}.png,{label}")
    (pictures / "labels.csv").write_text("\n".join(rows))
    return pictures


def evaluate(dataset, *more) -> dict:
    return answered("evaluate", dataset, "--model", "colour", *more)


def unit(row) -> np.ndarray:
    return np.asarray(row, float) / np.linalg.norm(row)


def embeddings(folder):
    """Image rows by name, and (name, text row) of each caption, without anything of picfuse."""
    images = {}
    for path in sorted(folder.glob("*.png")):
        colour = np.array(Image.open(path).getpixel((0, 0))) / 255
        images[path.name] = unit([*colour, 1 - colour.max(), 0])
    lines = [line.split("\t") for line in (folder / "captions.token").read_text().splitlines()]
    return images, [(name.split("#")[0], unit(colour_of(text))) for name, text in lines]


def figures_of(ranks) -> dict:
    return {
        **{f"r@{k}": round(100 * sum(r <= k for r in ranks) / len(ranks), 2) for k in (1, 5, 10)},
        "median_rank": float(np.median(ranks)),
        "mrr": round(sum(1 / r for r in ranks) / len(ranks), 4),
        "queries": len(ranks),
    }


def rank_among(right, rows, q) -> int:
    """Rank of the row `right`, a tie counting against it."""
    own = rows[right] @ q
    return 1 + sum(name != right and row @ q >= own - 1e-6 for name, row in rows.items())


def assert_figures(found, expected):
    assert list(found) == FIGURES
    one = 1.01 * 100 / expected["queries"]  # float16 may swap two rows that are nearly alike
    for key, tolerance in zip(FIGURES, (one, one, one, 0.5, 0.002, 0), strict=True):
        assert found[key] == pytest.approx(expected[key], abs=tolerance), key


def test_json_has_the_keys_of_the_contract(captioned):
    result = evaluate(captioned)
    assert list(result) == ["pictures", "protocols"]
    assert result["pictures"] == 30
    protocols = result["protocols"]
    assert list(protocols) == ["picture", "caption", "fused"]
    assert list(protocols["picture"]) == ["text_to_image", "image_to_text"]
    assert list(protocols["caption"]) == ["text_to_image"]
    assert {"concat", "mean"} <= set(protocols["fused"])
    measured = [*protocols["picture"].values(), protocols["caption"]["text_to_image"]]
    measured += [m["text_to_image"] for m in protocols["fused"].values()]
    for m in measured:
        assert list(m) == FIGURES
        assert all(type(m[key]) is float for key in FIGURES[:-1])
        assert type(m["queries"]) is int


def test_figures_equal_a_plain_computation(captioned):
    images, captions = embeddings(captioned)
    protocols = evaluate(captioned)["protocols"]

    alone = [rank_among(name, images, q) for name, q in captions]
    assert_figures(protocols["picture"]["text_to_image"], figures_of(alone))

    back = []
    for name, q in images.items():
        own = max(row @ q for owner, row in captions if owner == name)
        back.append(1 + sum(o != name and row @ q >= own - 1e-6 for o, row in captions))
    assert_figures(protocols["picture"]["image_to_text"], figures_of(back))

    first = dict(reversed(captions))
    others = [pair for pair in captions if pair[1] is not first[pair[0]]]
    assert len(others) == 60
    by_caption = [rank_among(name, first, q) for name, q in others]
    assert_figures(protocols["caption"]["text_to_image"], figures_of(by_caption))

    fused = {name: unit(images[name] + first[name]) for name in images}
    by_both = figures_of([rank_among(name, fused, q) for name, q in others])
    for name in ("concat", "mean"):
        assert_figures(protocols["fused"][name]["text_to_image"], by_both)


def test_one_fusion_alone_is_measured_when_named(captioned):
    assert list(evaluate(captioned, "--fusion", "mean")["protocols"]["fused"]) == ["mean"]


def test_split_is_looked_for_in_the_data_set_first(captioned, tmp_path, monkeypatch):
    (captioned / "dev.txt").write_text("00.png\n01.png\n02.png\n")
    (tmp_path / "dev.txt").write_text("".join(f"{n:02}.png\n" for n in range(10)))
    (tmp_path / "own.txt").write_text("".join(f"{n:02}\n" for n in range(5)))
    monkeypatch.chdir(tmp_path)
    assert evaluate(captioned, "--split", "dev.txt")["pictures"] == 3
    assert evaluate(captioned, "--split", "own.txt")["pictures"] == 5
    eighth = len(reserved(captioned))
    assert 1 < eighth < 20
    assert evaluate(captioned, "--split", "reserved")["pictures"] == eighth


def test_second_evaluation_says_the_same(captioned):
    assert evaluate(captioned) == evaluate(captioned)


def test_captions_elsewhere_count_in_the_run_that_names_them_alone(captioned, tmp_path):
    before = evaluate(captioned)
    table = tmp_path / "others.csv"
    lines = [f"{n:02}.png,{word} {word} {n}" for n in range(30) for word in ("red", "blue")]
    table.write_text("\n".join(["file,caption", *lines]))
    assert evaluate(captioned, "--captions", table) != before
    assert evaluate(captioned) == before
    (captioned / "captions.token").unlink()
    assert "captions" in refusal("evaluate", captioned, "--model", "colour", status=2)


def test_single_captions_measure_the_picture_alone(paint, pictures):
    for name in ("red", "green", "blue"):
        paint(f"{name}.png", caption=f"{name} wall")
    result = evaluate(pictures)
    assert list(result["protocols"]) == ["picture"]
    assert result["protocols"]["picture"]["text_to_image"]["r@1"] == 100.0


def test_without_captions_compares_pictures_that_lost_theirs(captioned):
    result = evaluate(captioned, "--without-captions", "0.5")["without_captions"]
    assert result["share"] == 0.5
    assert result["lost"]["queries"] == result["kept"]["queries"] == 30
    assert {"lost_ratio", "kept_ratio", "lost_reference", "kept_reference"} <= set(result)


def test_unreadable_picture_is_said_and_left_out(captioned):
    truncated_jpeg(captioned / "half.jpg")
    result = run("evaluate", captioned, "--model", "colour", "--json")
    assert result.exit_code == 0
    assert f"failed: {captioned / 'half.jpg'}: truncated" in result.stderr
    assert json.loads(result.stdout)["pictures"] == 30


@pytest.fixture
def seven_colours(paint, pictures) -> Path:
    """Seven pictures with three captions each, whose scores lie too far apart to be swapped."""
    captions = {
        "red": ("red red green", "red red blue", "red red red green"),
        "green": ("green green red", "green", "green green blue"),
        "blue": ("black blue", "blue blue blue red", "blue blue green"),
        "black": ("black black red", "black black blue", "black"),
        "yellow": ("yellow yellow green", "green yellow", "yellow yellow blue"),
        "purple": ("purple", "purple purple red", "blue blue red"),
        "white": ("white yellow", "white", "red"),
    }
    lines = []
    for name, texts in captions.items():
        paint(f"{name}.png")
        lines += [f"{name}.png#{n}\t{text}\n" for n, text in enumerate(texts)]
    (pictures / "captions.token").write_text("".join(lines))
    return pictures


def test_evaluation_for_people(seven_colours):
    both = ("--fusion", "concat", "--fusion", "mean", "--advice")
    result = run("evaluate", seven_colours, "--model", "colour:centred", *both)
    assert result.exit_code == 0
    assert result.stdout == (GOLDEN / "test_evaluation_for_people.txt").read_text()


def test_intervals_are_left_out_for_people_on_request(captioned):
    printed = run("evaluate", captioned, "--model", "colour", "--no-ci", "--no-advice").stdout
    assert "picture alone" in printed
    assert "interval" not in printed
    assert "ahead of" not in printed
    assert "Advice" not in printed


def test_json_has_intervals_and_differences_where_they_are_asked_for(captioned):
    result = evaluate(captioned, "--ci")
    plain = evaluate(captioned)
    assert list(result) == ["pictures", "protocols", "differences"]
    measured = result["protocols"]["fused"]["mean"]["text_to_image"]
    assert list(measured) == [*FIGURES, "ci95"]
    assert list(measured["ci95"]) == FIGURES[:-1]
    for figure, (low, high) in measured["ci95"].items():
        assert low <= measured[figure] <= high
    del measured["ci95"]
    assert measured == plain["protocols"]["fused"]["mean"]["text_to_image"]
    assert list(result["differences"]["concat"]) == ["r@1", "r@5", "r@10", "mrr", "ci95"]


def test_fusions_may_be_named_together(captioned):
    words = ("--fusion", "mean", "--fusion", "concat")
    assert list(evaluate(captioned, *words)["protocols"]["fused"]) == ["mean", "concat"]
    assert "differences" not in evaluate(captioned, "--fusion", "concat", "--ci")


def test_unknown_fusion_is_status_2(captioned):
    said = refusal("evaluate", captioned, "--model", "colour", "--fusion", "sum", status=2)
    assert "no fusion 'sum'" in said


@pytest.fixture
def telling_pictures(pictures) -> Path:
    """Sixty pictures whose first caption is of another one, while the second tells their colour."""
    names = ("red", "green", "blue", "black", "yellow", "purple", "white")
    lines = []
    for number in range(60):
        colour = names[number % 7]
        misled = names[(number + 2) % 7]
        name = f"{number:02}.png"
        Image.new("RGB", (8, 8), colour).save(pictures / name)
        lines.append(f"{name}#0\t{misled} {number}\n{name}#1\t{colour} {number}\n")
    (pictures / "captions.token").write_text("".join(lines))
    return pictures


def test_advice_is_adopted_by_its_command(telling_pictures, tmp_path):
    advice = evaluate(telling_pictures, "--advice")["advice"]
    assert advice["better_than_default"]
    assert advice["weight"] > 0.5
    assert advice["asking"] == 60
    words = shlex.split(advice["adopt"])
    assert words[:3] == ["picfuse", "index", str(telling_pictures)]
    library = tmp_path / "library"
    assert run(*words[1:], "--library", library, "--workers", 1).exit_code == 0
    status = answered("status", "--library", library)
    assert (status["encoder"], status["weight"]) == ("colour", advice["weight"])
    assert answered("search", "red", "--library", library)["query"]["weight"] == advice["weight"]


def test_advice_says_its_command_to_people(telling_pictures):
    printed = run("evaluate", telling_pictures, "--model", "colour").stdout
    assert "suits these pictures best" in printed
    assert f"To adopt it: picfuse index {telling_pictures} --model colour --fusion" in printed


def price(capsys, name, *, better=True) -> str:
    """The advice if a fusion that takes no weight may find more than the default."""
    pictures = np.arange(2 * MIN_PICTURES)
    late = RetrievalRanks(np.full(len(pictures), 9), pictures)
    best = RetrievalRanks(np.ones(len(pictures), np.int64), pictures)
    tried = {AdvisedSetting("concat", weight): late for weight in WEIGHTS}
    advice = advice_from(tried | {AdvisedSetting(name, 0.5): best if better else late})
    print_advice({"pictures": len(pictures), "advice": {"adopt": "this"}}, advice)
    return capsys.readouterr().out


def test_advice_names_what_a_fusion_without_weight_gives_up(capsys):
    said = price(capsys, "mean")
    assert "It gives up the weight: mean has its own built in" in said
    assert "fits only this model" not in said
    said = price(capsys, "gated:/mine.safetensors")
    assert "It gives up the weight: gated:/mine.safetensors has its own" in said
    assert "gated:/mine.safetensors fits only this model" in said
    assert "gives up" not in price(capsys, "mean", better=False)


def test_few_asking_pictures_allow_no_verdict_among_many_pictures(captioned):
    """Of forty pictures, only two have captions that can ask."""
    lines = (captioned / "captions.token").read_text().splitlines(keepends=True)
    kept = [line for line in lines if "#0" in line or line[:2] in ("00", "01")]
    for number in range(30, 40):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(captioned / f"{number}.png")
        kept.append(f"{number}.png#0\tred {number}\n")
    (captioned / "captions.token").write_text("".join(kept))
    assert evaluate(captioned, "--ci")["differences"]["asking"] == 2
    printed = run("evaluate", captioned, "--model", "colour").stdout
    assert "40 pictures" in printed
    assert "too few to tell" in printed
    assert "no difference shown" not in printed
    assert "than mean" not in printed


def test_all_are_the_fusions_that_fit_and_the_others_are_named(captioned):
    result = run("evaluate", captioned, "--model", "colour", "--json")
    assert list(json.loads(result.stdout)["protocols"]["fused"]) == ["concat", "mean"]
    notes = [line for line in result.stderr.splitlines() if "picfuse: leaving out " in line]
    for name, note in zip(("product", "gated"), notes, strict=True):
        assert f"leaving out {name}: the fusion {name!r} was trained for 'mini'" in note


def test_labelled_data_set_says_nothing_of_fusions(labelled):
    assert run("evaluate", labelled, "--model", "colour").stderr == ""


def test_single_captions_are_said_to_allow_no_advice(paint, pictures):
    for name in ("red", "green", "blue"):
        paint(f"{name}.png", caption=f"{name} wall")
    result = run("evaluate", pictures, "--model", "colour")
    assert "Advice: none. Every picture has only one caption" in result.stdout
    assert evaluate(pictures, "--advice")["advice"] is None


def test_plot_is_drawn_beside_the_figures(captioned, tmp_path):
    plot = tmp_path / "recall.png"
    assert evaluate(captioned, "--plot", plot) == evaluate(captioned)
    with Image.open(plot) as image:
        assert (image.format, image.size) == ("PNG", (1200, 825))


def test_labels_are_plotted_and_have_intervals(labelled, tmp_path):
    result = evaluate(labelled, "--ci", "--plot", tmp_path / "tops.svg")
    assert result["ci95"] == {"top1": [25.0, 100.0], "top5": [100.0, 100.0]}
    assert "picture to class name" in (tmp_path / "tops.svg").read_text()


def test_labelled_data_set_is_measured_by_class_name(labelled):
    result = evaluate(labelled)
    assert list(result) == ["pictures", "classes", "top1", "top5"]
    assert result == {"pictures": 4, "classes": 4, "top1": 75.0, "top5": 100.0}
    printed = run("evaluate", labelled, "--model", "colour").stdout
    assert printed == (
        "4 pictures, 4 classes: top-1 75.0 % (25.0 to 100.0), top-5 100.0 % (100.0 to 100.0)\n"
    )


def test_two_classes_of_one_name_count_as_one(labelled, tmp_path):
    classes = tmp_path / "classes.txt"
    classes.write_text("red\nyellow\nblack\ngreen\nred\nwhite\n")
    assert evaluate(labelled, "--classes", classes)["classes"] == 5


def test_definitions_stand_for_classes_when_asked(labelled, tmp_path):
    classes = tmp_path / "classes.txt"
    texts = {"red": "a red one", "yellow": "a yellow one", "black": "a black one"}
    texts["green"] = "it is blue"
    classes.write_text("".join(f"{name}\t{text}\n" for name, text in texts.items()))
    words = (labelled, "--classes", classes, "--class-text", "definition")
    assert evaluate(*words)["top1"] == 100.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--split", "nowhere.txt"], "nowhere.txt: no such list of pictures"),
        (["--captions", "nowhere.csv"], "nowhere.csv: no such caption file"),
        (["--model", "maxi"], "no encoder 'maxi'"),
    ],
)
def test_what_cannot_be_evaluated_is_status_2(captioned, words, message):
    assert message in refusal("evaluate", captioned, "--model", "colour", *words, status=2)


def test_class_that_is_not_among_the_candidates_is_status_2(labelled, tmp_path):
    classes = tmp_path / "classes.txt"
    classes.write_text("red\nyellow\n")
    words = ("evaluate", labelled, "--model", "colour", "--classes", classes)
    assert "2 labels are not among the classes" in refusal(*words, status=2)
    assert "no such list of classes" in refusal(*words[:-1], tmp_path / "nowhere", status=2)


@pytest.mark.parametrize("option", [[], ["--split", "dev.txt"]])
def test_folder_without_captions_or_pictures_is_status_2(pictures, option):
    (pictures / "dev.txt").write_text("red.png\n")
    assert str(pictures) in refusal("evaluate", pictures, "--model", "colour", *option, status=2)
    assert "no such folder" in refusal("evaluate", pictures / "nowhere", *option, status=2)
