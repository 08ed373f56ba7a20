"""`picfuse train align`: heads of one's own, from a folder of captions to a search with them."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import SAMPLE, answered, refusal, run
from safetensors.numpy import load_file

from indexer.datasets.folder import reserved
from indexer.encoders.mini.heads import BUILT_IN, TAIL, read_heads
from indexer.encoders.mini.towers import Towers
from indexer.locations import cache_directory
from indexer.training.mini import recipe, texts
from indexer.training.mini.imagenet import imagenet_kinds, imagenet_wordings

HOW = ("--epochs", 1, "--seed", 7, "--report", "train.txt", "--more-heads", 1)


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    """Uses a cache of the tests, which has the unpacked towers of mini."""
    Towers(cache_directory()).ensure()
    cache = tmp_path_factory.mktemp("cache")
    for folder in (cache_directory() / "towers").glob("mini-*"):
        shutil.copytree(folder, cache / "picfuse/towers" / folder.name, copy_function=_link)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield


ROWS = list({row["file"]: row for row in csv.DictReader((SAMPLE / "captions.csv").open())}.values())


def captioned(folder: Path, rows) -> Path:
    """A folder of sample photographs, each with two captions."""
    with (folder / "captions.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "caption"])
        for row in rows:
            shutil.copy(SAMPLE / row["file"], folder)
            table.writerow([row["file"], row["caption"]])
            table.writerow([row["file"], f"photo: {row['caption'].lower()}"])
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """A dozen captioned photographs, and lists of nine and of three."""
    folder = captioned(tmp_path_factory.mktemp("dataset"), ROWS[:12])
    (folder / "train.txt").write_text("".join(f"{row['file']}\n" for row in ROWS[:9]))
    (folder / "dev.txt").write_text("".join(f"{row['file']}\n" for row in ROWS[9:12]))
    return folder


@pytest.fixture(scope="module")
def more(tmp_path_factory) -> Path:
    """A second data set, of other photographs."""
    return captioned(tmp_path_factory.mktemp("more"), ROWS[12:28])


@pytest.fixture(scope="module")
def datasets(dataset, more) -> tuple[str, ...]:
    """Both, of which the second counts half."""
    return str(dataset), f"{more}:0.5", "--reserve", "--validation", "0.25"


def _link(file: str, name: str) -> None:
    """The same file under another name; a copy where both lie on different disks."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copy(file, name)


def interrupted(*arguments):
    """Interrupts as Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.fixture(scope="module", autouse=True)
def _few_wordings():
    """Of the classes, in two short ways to put them: all take longer than such a training."""
    wordings, kinds = imagenet_wordings(), imagenet_kinds()[:20]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "imagenet_wordings", lambda: [wordings[1], wordings[3]])
        patch.setattr(texts, "imagenet_kinds", lambda: kinds)
        yield


@pytest.fixture(scope="module")
def begun(datasets, tmp_path_factory):
    """The result of a training that was interrupted between its parts, and what it is to write."""
    output = tmp_path_factory.mktemp("output") / "mine.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "add_tail_features", interrupted)
        return run("train", "align", *datasets, "--output", output, *HOW), output


@pytest.fixture(scope="module")
def trained(datasets, begun):
    """The result of running the same command again, and the heads file it wrote."""
    _, output = begun
    assert output.with_suffix(".tail").is_file()
    result = run("train", "align", *datasets, "--output", output, *HOW)
    assert result.exit_code == 0, result.output
    return result, output


def test_training_goes_on_with_the_part_that_was_interrupted(begun, trained):
    before, _ = begun
    assert before.exit_code == 130
    parts = before.stdout.splitlines(), trained[0].stdout.splitlines()
    assert [lines[0] for lines in parts] == [
        "training: image tail",
        "training: heads and text tail",
    ]
    assert [lines[1].split(": loss ")[0] for lines in parts] == ["epoch 1", "epoch 1"]


def test_training_reports_each_epoch_and_what_it_wrote(trained):
    result, output = trained
    *parts, written = result.stdout.splitlines()
    assert parts[::2] == [
        "training: heads and text tail",
        "training: more heads 1",
        "training: short texts",
    ]
    for epoch in parts[1::2]:
        assert epoch.startswith("epoch 1: loss ")
        assert ", validation r@1 " in epoch
    assert written == f"written: {output} and mine.json"
    facts = json.loads(output.with_suffix(".json").read_text())
    beaten = facts["built_in"]["r@10"] > facts["validation"]["r@10"]
    assert ("the built-in heads reach r@10" in result.stderr) == beaten


def test_heads_have_the_shapes_of_the_built_in_ones(trained):
    weights, settings = read_heads(trained[1])
    built_in, _ = read_heads(BUILT_IN)
    assert set(weights) == set(built_in)
    assert settings["loop"]["seed"] == 7
    assert settings["loop"]["epochs"] == 1


def test_json_beside_the_heads_tells_how_they_came_about(trained, dataset, more):
    facts = json.loads(trained[1].with_suffix(".json").read_text())
    read = 16 - len(reserved(more))
    assert read < 16
    held_out = 3 + round(read / 4)
    assert facts["pictures"] == {"train": 12 + read - held_out, "validation": held_out}
    assert facts["sources"] == [
        {"folder": dataset.name, "split": None, "weight": 1.0},
        {"folder": more.name, "split": None, "weight": 0.5},
    ]
    assert facts["settings"]["loop"]["seed"] == 7
    assert facts["heads and text tail"]["best_epoch"] == 1
    assert len(facts["heads and text tail"]["epochs"]) == 1
    assert len(facts["more heads 1"]["epochs"]) == 1
    assert facts["short texts"]["epochs"][0]["validation"]["queries"] > 3
    assert len(facts["data"]) == 32
    assert facts["report"]["queries"] == 18


def test_nothing_but_heads_figures_and_curves_is_left(trained):
    _, output = trained
    names = {path.name for path in output.parent.iterdir()}
    assert names == {"mine.safetensors", "mine.json", "mine.curves"}
    assert {path.name for path in output.with_suffix(".curves").iterdir()} == {
        "image-tail",
        "heads-and-text-tail",
        "more-heads-1",
        "short-texts",
    }


def test_heads_on_the_tail_of_others_are_not_trained_again_after_an_interruption(
    trained, dataset, tmp_path, monkeypatch
):
    output, words = (
        tmp_path / "mine.safetensors",
        (*HOW, "--validation", "dev.txt", "--tail", trained[1]),
    )
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "MoreHeadsStage", interrupted)
        begun = run("train", "align", dataset, "--output", output, *words)
    assert begun.exit_code == 130
    assert "image tail" not in begun.stdout
    monkeypatch.setattr(recipe.HeadsStage, "loss", interrupted)
    assert run("train", "align", dataset, "--output", output, *words).exit_code == 0
    names = {"mine.safetensors", "mine.json", "mine.curves"}
    assert {path.name for path in tmp_path.iterdir()} == names
    one, other = load_file(trained[1]), load_file(output)
    tail = [name for name in one if name.startswith(TAIL)]
    assert tail
    assert all(np.array_equal(one[name], other[name]) for name in tail)


def test_trained_heads_index_and_answer(trained, dataset, tmp_path):
    heads, library = trained[1], tmp_path / "library"
    report = answered("index", dataset, "--model", f"mini:{heads}", "--library", library)
    assert report["added"] == 12
    assert answered("status", "--library", library)["encoder"] == f"mini:{heads}"
    hits = answered("search", "a passenger jet", "--weight", 0, "--library", library)["hits"]
    assert len(hits) == 10
    report = answered("index", dataset, "--model", "mini", "--library", library)
    assert (report["encoded"], report["unchanged"]) == (12, 12)
    assert answered("status", "--library", library)["encoder"] in (
        "mini",
        "int8:mini",
    )  # what suits this machine


def test_library_notices_that_its_heads_have_changed(trained, dataset, tmp_path):
    heads, library = tmp_path / "heads.safetensors", tmp_path / "library"
    shutil.copy(trained[1], heads)
    assert run("index", dataset, "--model", f"mini:{heads}", "--library", library).exit_code == 0
    shutil.copy(BUILT_IN, heads)
    said = refusal("search", "a jet", "--library", library, status=3)
    assert "made with another version" in said
    heads.unlink()
    assert str(heads) in refusal("search", "a jet", "--library", library, status=3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--validation", "1.5"], "--validation 1.5: a share must be between 0 and 1"),
        (["--validation", "nowhere.txt"], "nowhere.txt: no such list of pictures"),
        (["--split", "nowhere.txt"], "nowhere.txt: no such list of pictures"),
        (["--split", "dev.txt", "--validation", "dev.txt"], "choose another split"),
        (["--captions", "nowhere.csv"], "nowhere.csv does not exist"),
        (["nowhere:0.5"], "no such folder"),
        (["nowhere:2"], "nowhere:2: a weight after ':' must be above 0 and at most 1"),
        ([".", "--validation", "dev.txt"], "with several data sets, name a share"),
        (["--tail", "nowhere"], "--tail nowhere: no such heads file; use 'mini' for that of"),
    ],
)
def test_what_cannot_be_trained_on_is_status_2(dataset, tmp_path, words, message):
    output = tmp_path / "heads.safetensors"
    said = refusal("train", "align", dataset, "--output", output, *words, status=2)
    assert message in said
    assert not output.exists()


def test_folder_without_captions_is_status_2(pictures, paint, tmp_path):
    output = tmp_path / "heads.safetensors"
    for name in ("red.png", "green.png"):
        paint(name)
    said = refusal("train", "align", pictures, "--output", output, status=2)
    assert f"{pictures}: needs captioned pictures" in said
    said = refusal("train", "align", pictures / "nowhere", "--output", output, status=2)
    assert "no such folder" in said


def test_few_captioned_pictures_are_status_2(pictures, paint, tmp_path):
    for name in ("red", "green", "blue"):
        paint(f"{name}.png", caption=f"{name} wall")
    output = tmp_path / "heads.safetensors"
    said = refusal("train", "align", pictures, "--output", output, status=2)
    assert "too few" in said


def test_output_that_cannot_be_written_is_refused_before_training(dataset, tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "heads.safetensors"
    said = refusal("train", "align", dataset, "--output", output, status=2)
    assert f"{output}: cannot be written" in said
    result = run("train", "align", dataset, "--output", tmp_path)
    assert result.exit_code == 2
    assert "is a directory" in result.stderr


def test_model_of_a_library_may_be_written_in_another_way(trained, tmp_path, monkeypatch):
    _, heads = trained
    library = tmp_path / "library"
    words = ["index", SAMPLE, "--library", library, "--exclude", "*[a-r]*.jpg", "--model"]
    assert run(*words, f"mini:{heads}").exit_code == 0
    monkeypatch.chdir(heads.parent)
    again = run(*words, f"mini:{heads.name}")
    assert again.exit_code == 0
    assert "encoded for the new model" not in again.stdout
    assert "encoded for the new model" in run(*words, "mini").stdout


# Fusions


@pytest.fixture(scope="module")
def fused(dataset, tmp_path_factory):
    """The result of training a fusion for one epoch, and the file it wrote."""
    output = tmp_path_factory.mktemp("fusion") / "mine.safetensors"
    words = ("--epochs", 1, "--seed", 7, "--validation", "dev.txt", "--report", "train.txt")
    result = run("train", "fusion", dataset, "--output", output, *words)
    assert result.exit_code == 0, result.output
    return result, output


def test_fusion_training_reports_its_gain_and_what_it_wrote(fused):
    result, output = fused
    epoch, written, validation, report = result.stdout.splitlines()
    assert epoch.startswith("epoch 1: loss ")
    assert written == f"written: {output} and mine.json"
    assert validation.startswith("validation: r@1 ")
    assert report.startswith("report: r@1 ")
    assert validation.endswith("with 95 % confidence)")


def test_json_beside_a_fusion_tells_how_it_came_about(fused):
    facts = json.loads(fused[1].with_suffix(".json").read_text())
    assert facts["pictures"] == {"train": 9, "validation": 3}
    assert facts["settings"]["loop"]["seed"] == 7
    assert facts["settings"]["corruption"] >= 0
    assert facts["encoder"]["name"] == "mini"
    assert len(facts["data"]["train"]) == 32
    assert facts["report"]["fused"]["queries"] == 18
    assert list(facts["report"]["gain"]["ci95"]) == ["r@1", "r@5", "r@10", "mrr"]
    curves = fused[1].with_suffix(".curves")
    assert any(path.name.startswith("events.") for path in curves.iterdir())
    assert not fused[1].with_suffix(".checkpoint").exists()


def test_trained_fusion_indexes_evaluates_and_answers(fused, dataset, tmp_path):
    name, library = f"gated:{fused[1]}", tmp_path / "library"
    assert answered("index", dataset, "--library", library)["added"] == 12
    report = answered("index", "--fusion", name, "--library", library)
    assert (report["unchanged"], report["encoded"]) == (12, 0)
    assert len(answered("search", "a passenger jet", "--library", library)["hits"]) == 10
    figures = answered("evaluate", dataset, "--fusion", name)["protocols"]["fused"]
    assert list(figures) == [name]


def test_fusion_needs_pictures_with_two_captions(pictures, paint, tmp_path):
    for name in ("red", "green", "blue", "black", "white"):
        paint(f"{name}.png", caption=f"{name} wall")
    output = tmp_path / "mine.safetensors"
    words = ("--model", "colour", "--validation", "0.4")
    said = refusal("train", "fusion", pictures, "--output", output, *words, status=2)
    assert "takes pictures with two captions" in said
