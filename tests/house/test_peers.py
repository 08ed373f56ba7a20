"""The benchmark beside other programs, as far as it can be tested without them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click import ClickException
from conftest import ROOT
from PIL import Image, ImageDraw

from indexer import Library, index_folder
from indexer.embedding import unit_rows
from indexer.encoders import registry

sys.path.append(str(ROOT / "benchmarks"))

from contest import environments, picfuse, processes
from contest.comparisons import (
    Contest,
    FilledLibraries,
    compare_cold,
    compare_indexing,
    compare_updates,
    compare_warm,
    fill_libraries,
)
from contest.contestants import Picfuse
from contest.environments import RCLIP, python_of
from contest.pictures import enlarge_photographs, random_rows
from contest.processes import Command, Memory, memory_of, run
from contest.report import Figure, ratios, table
from contest.weights import make_weights
from fixtures.tiny_pictures import ENCODER, environment, make_pictures

FIGURE = Figure("other", 1.05, least=True)
HOLD = "import sys; held = bytearray(1 << 27); print('held', flush=True); sys.stdin.read()"


@dataclass(frozen=True)
class Scripted:
    """A contestant whose commands are what a test says."""

    name: str
    script: str = ""
    kept: Path | None = None

    def prepare(self, library):
        library.mkdir()

    def index(self, pictures, library):
        return Command((sys.executable, "-c", self.script), pictures)

    update = index

    def ask(self, pictures, library, query):
        return self.index(pictures, library)

    def rows(self, pictures, library, file):
        copy = "import shutil, sys; shutil.copyfile(*sys.argv[1:])"
        return Command((sys.executable, "-c", copy, self.kept, file), pictures)


@dataclass(frozen=True, slots=True)
class Tiny(Picfuse):
    """picfuse with an encoder that costs nothing, in place of a model of open_clip."""

    model: str = ENCODER

    def _python(self, folder, *words):
        return Command((sys.executable, "-P", *words), folder, environment(self.weights))


@pytest.fixture
def _tiny_encoder(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, ENCODER, "fixtures.tiny_encoder:open_encoder")


def scripted(names, **given):
    return [Scripted(name, **given) for name in names]


def test_each_round_begins_with_another_contestant(tmp_path):
    contest, order = Contest(scripted("abc"), tmp_path, 4), []
    found = contest.in_turn(lambda contestant, number: order.append(contestant.name) or number)
    assert "".join(order) == "abcbcacababc"
    assert found == {name: [0, 1, 2, 3] for name in "abc"}


def test_values_are_divided_by_those_of_the_same_round(capsys):
    ratios({"picfuse": [1.0, 10.0, 6.0], "other": [2.0, 5.0, 6.0], "third": [1, 1, 1]}, FIGURE)
    assert capsys.readouterr().out == (
        "picfuse / other: median 1.00 (min 0.50, max 2.00); "
        "the figure to reach is at least 1.05\n"
        "picfuse / third: median 6.00 (min 1.00, max 10.00)\n"
    )


def test_table_has_a_line_for_each_round_and_the_medians(capsys):
    table("seconds", {"picfuse": [1.0, 2.5, 2.0], "other": [4, 0.25, 1]})
    assert capsys.readouterr().out.split("\n") == [
        "",
        "seconds",
        " round  picfuse  other",
        "     1     1.00   4.00",
        "     2     2.50   0.25",
        "     3     2.00   1.00",
        "median     2.00   1.00",
        "",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from Linux' /proc")
def test_memory_is_that_of_a_process_and_of_those_it_started():
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    before = {}
    for kind, script in (("alone", HOLD), ("with a child", f"held = bytearray(1 << 27); {parent}")):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"held\n"
        before[kind] = memory_of(process.pid)
        process.communicate()
        assert memory_of(process.pid).total == 0
    assert 1 << 27 < before["alone"].anonymous < 1 << 28
    assert 1 << 28 < before["with a child"].anonymous < 3 << 27
    assert before["alone"].mapped > 1 << 20


def test_peak_outlives_the_process(tmp_path):
    held = "import time; held = bytearray(1 << 27); time.sleep(0.5); del held; print('done')"
    done = run(Command((sys.executable, "-c", held), tmp_path), watch=True)
    assert done.output == "done\n"
    assert done.memory.anonymous > 1 << 27
    assert done.seconds > 0.5


def test_process_that_fails_ends_the_benchmark_with_what_it_said(tmp_path):
    with pytest.raises(ClickException, match="no such thing"):
        run(Command((sys.executable, "-c", "raise SystemExit('no such thing')"), tmp_path))


def test_commands_find_no_packages_of_this_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    look = "import os; print('PYTHONPATH' in os.environ, os.environ['HF_HUB_OFFLINE'])"
    assert run(Command((sys.executable, "-c", look), tmp_path)).output == "False 1\n"


@pytest.fixture
def installed(monkeypatch):
    """Packages that would have been installed; `broken` makes it fail."""
    calls = SimpleNamespace(made=[], words=[], broken=0)

    def install(words, **_):
        calls.words.append(words[-1])
        return SimpleNamespace(returncode=calls.broken)

    monkeypatch.setattr(
        environments.venv, "create", lambda home, **_: (home.mkdir(), calls.made.append(home))
    )
    monkeypatch.setattr(environments.subprocess, "run", install)
    return calls


def test_environment_is_made_once(tmp_path, installed, capsys):
    first = python_of(RCLIP, tmp_path)
    assert first.parent.parent.parent == tmp_path
    assert RCLIP.requirement in capsys.readouterr().out
    assert python_of(RCLIP, tmp_path) == first
    assert installed.words == [RCLIP.requirement]
    assert not capsys.readouterr().out


def test_environment_that_was_cut_short_is_made_anew(tmp_path, installed):
    installed.broken = 1
    with pytest.raises(ClickException, match=r"rclip==.* could not be installed"):
        python_of(RCLIP, tmp_path)
    installed.broken = 0
    for home in installed.made:
        home.rmdir()
    python_of(RCLIP, tmp_path)
    assert installed.words == 2 * [RCLIP.requirement]


def test_large_pictures_have_twelve_megapixels_and_show_the_same(tmp_path):
    small = Image.new("RGB", (60, 40), "navy")
    ImageDraw.Draw(small).ellipse((10, 5, 50, 35), "orange")
    small.save(tmp_path / "sun.jpg", quality=95)
    enlarge_photographs([tmp_path / "sun.jpg"], tmp_path / "large")
    with Image.open(tmp_path / "large" / "sun.jpg") as large:
        assert large.format == "JPEG"
        assert large.width * large.height == pytest.approx(12e6, rel=0.01)
        assert large.width / large.height == pytest.approx(1.5, rel=0.01)
        again = np.asarray(large.resize(small.size, Image.Resampling.BOX), np.float32)
    with Image.open(tmp_path / "sun.jpg") as saved:
        assert np.abs(again - np.asarray(saved, np.float32)).mean() < 4


def kept(folder, name, paths, rows):
    np.savez(folder / name, paths=np.array(paths), rows=rows)
    return folder / f"{name}.npz"


def indexing(tmp_path, paint, order, count=5):
    """Two contestants that index nothing, and hold rows of five pictures in some order."""
    for colour in ("red", "green", "blue", "black", "yellow"):
        paint(f"{colour}.png")
    paths, rows = np.array(list("abcde")), random_rows(5)
    own = Scripted("picfuse", kept=kept(tmp_path, "own", paths, rows))
    other = Scripted("other", kept=kept(tmp_path, "theirs", paths[order], rows[:count]))
    return Contest([own, other], tmp_path, 2)


def test_rows_of_the_same_pictures_are_compared(tmp_path, paint, pictures, capsys):
    compare_indexing(indexing(tmp_path, paint, [0, 1, 2, 3, 4]), pictures, FIGURE)
    said = capsys.readouterr().out
    assert "rows of other and picfuse: cosine 1.0000 in the median, at least 1.0000" in said
    assert "the figure to reach is at least 1.05" in said


def test_rows_of_other_pictures_end_the_benchmark(tmp_path, paint, pictures):
    with pytest.raises(ClickException, match="rows of other are not those of picfuse"):
        compare_indexing(indexing(tmp_path, paint, [1, 0, 2, 3, 4]), pictures, FIGURE)


def test_pictures_that_were_left_out_end_the_benchmark(tmp_path, paint, pictures):
    with pytest.raises(ClickException, match="of 5 pictures, 5 and 4 kept"):
        compare_indexing(indexing(tmp_path, paint, [0, 1, 2, 3], count=4), pictures, FIGURE)


@pytest.mark.parametrize("hits", ["0.2\t/many/01/000001.png\n0.1\t/many/07/000007.png", "none"])
def test_answers_with_no_hit_in_common_end_the_benchmark(tmp_path, hits, capsys):
    own = '{"path": "/many/01/000001.png"}, {"path": "/many/02/000002.png"}'
    contest = Contest(
        [Scripted("picfuse", f"print({own!r})"), Scripted("other", f"print({hits!r})")], tmp_path, 1
    )
    filled = FilledLibraries(tmp_path, {"picfuse": tmp_path, "other": tmp_path}, 2)
    if hits == "none":
        with pytest.raises(ClickException, match="no hit of other is one of picfuse"):
            compare_cold(contest, filled)
    else:
        compare_cold(contest, filled)
        assert "hits of other and picfuse: 1 of 2 are the same" in capsys.readouterr().out


def test_memory_that_nobody_could_look_at_is_not_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(processes, "memory_of", lambda pid: Memory())
    contest = Contest(scripted(["picfuse", "other"], script="print('1.png')"), tmp_path, 1)
    compare_cold(contest, FilledLibraries(tmp_path, {"picfuse": tmp_path, "other": tmp_path}, 1))
    said = capsys.readouterr().out
    assert "memory was not measured" in said
    assert "MB" not in said


def test_update_that_did_something_ends_the_benchmark(tmp_path):
    script = f"print({json.dumps(json.dumps({'unchanged': 2}))})"
    contest = Contest([Scripted("picfuse", script)], tmp_path, 1)
    compare_updates(contest, FilledLibraries(tmp_path, {"picfuse": tmp_path}, 2))
    with pytest.raises(ClickException, match="not all pictures were unchanged"):
        compare_updates(contest, FilledLibraries(tmp_path, {"picfuse": tmp_path}, 3))


@pytest.mark.usefixtures("_tiny_encoder")
def test_filled_library_has_the_rows_and_nothing_to_index(tmp_path, monkeypatch):
    make_pictures(tmp_path / "many", 250)
    np.save(tmp_path / "rows.npy", random_rows(250))
    monkeypatch.chdir(tmp_path / "many")
    picfuse.fill(str(tmp_path / "library"), ENCODER, str(tmp_path / "rows.npy"))
    picfuse.rows(str(tmp_path / "library"), str(tmp_path / "kept.npz"))
    with np.load(tmp_path / "kept.npz") as found:
        assert found["paths"].tolist() == sorted(map(str, Path.cwd().rglob("*.png")))
        assert (found["rows"] * random_rows(250)).sum(axis=1).min() > 0.999
    with Library.open(tmp_path / "library") as library:
        report = index_folder(library, Path.cwd())
    assert (report.unchanged, report.added, report.changed) == (250, 0, 0)


def test_picfuse_is_filled_updated_and_asked(tmp_path, capsys):
    contest = Contest([Tiny(tmp_path)], tmp_path, 1)
    filled = fill_libraries(contest, 120)
    for compare in (compare_updates, compare_cold, compare_warm):
        compare(contest, filled)
    said = capsys.readouterr().out
    for title in ("nothing new among 120 pictures", "cold query over 120", "warm query over 120"):
        assert title in said


def test_forms_of_the_weights_give_the_same_rows(tmp_path):
    import onnxruntime
    import open_clip
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

    tower = {"width": 64, "layers": 2}
    config = {
        "embed_dim": 32,
        "vision_cfg": {**tower, "image_size": 64, "patch_size": 32, "head_width": 32},
        "text_cfg": {**tower, "context_length": 77, "vocab_size": 49408, "heads": 2},
    }
    (tmp_path / "peers-tiny.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "peers-tiny.json")
    make_weights(tmp_path / "weights", "peers-tiny")
    photograph = Image.effect_mandelbrot((90, 70), (-2, -1.2, 1, 1.2), 30).convert("RGB")
    texts = ["two dogs playing in the snow", "Grüße!"]

    own = registry.load_encoder(
        f"open_clip:peers-tiny:{tmp_path / 'weights' / 'model.safetensors'}", offline=True
    )
    image = own.encode_images(own.transform(photograph)[None])
    words = own.encode_texts(texts)
    assert abs(words[0] @ words[1]) < 0.99

    towers = next((tmp_path / "weights" / "rclip").glob("ViT*"))
    pixels = own.transform(photograph)[None].astype(np.float32) / 255
    pixels = (pixels - open_clip.OPENAI_DATASET_MEAN) / open_clip.OPENAI_DATASET_STD
    tokens = open_clip.get_tokenizer("peers-tiny")(texts).numpy()
    inputs = {"visual": pixels.transpose(0, 3, 1, 2).astype(np.float32), "textual": tokens}
    for name, expected in (("visual", image), ("textual", words)):
        session = onnxruntime.InferenceSession(towers / f"{name}.onnx")
        (rows,) = session.run(None, {"input": inputs[name]})
        np.testing.assert_allclose(unit_rows(rows), expected, atol=1e-4)

    folder = tmp_path / "weights" / "sentence-transformers" / "0_CLIPModel"
    clip = CLIPModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prepared = AutoImageProcessor.from_pretrained(folder)(photograph, return_tensors="pt")
    with torch.inference_mode():
        theirs = clip(**tokenizer(texts, padding=True, return_tensors="pt"), **prepared)
    np.testing.assert_allclose(unit_rows(theirs.text_embeds.numpy()), words, atol=1e-4)
    assert float(unit_rows(theirs.image_embeds.numpy())[0] @ image[0]) > 0.99
