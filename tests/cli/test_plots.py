"""`picfuse evaluate --plot`: curves of recall@k, in pictures that can be read."""

import os

import numpy as np
import pytest
from command_line import refusal, run
from PIL import Image

from indexer.errors import InputError
from indexer.metrics.recall import RetrievalRanks
from ui.cli.output import plots

SIZE = (1200, 825)


def curves(*names: str) -> dict[str, RetrievalRanks]:
    random = np.random.default_rng(0)
    pictures = np.repeat(np.arange(80), 3)
    return {
        name: RetrievalRanks(random.geometric(0.1 * (n + 1), 240), pictures)
        for n, name in enumerate(names)
    }


def colours(path) -> set[tuple[int, ...]]:
    with Image.open(path) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}


def rgb(code: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(code[1:]))


def test_png_has_its_size_and_every_curve_its_own_colour(tmp_path):
    names = [f"curve {n}" for n in range(len(plots.COLOURS))]
    plots.draw(tmp_path / "all.png", curves(*names), bands=False)
    with Image.open(tmp_path / "all.png") as image:
        assert (image.format, image.size) == ("PNG", SIZE)
    assert {rgb(code) for code in plots.COLOURS} <= colours(tmp_path / "all.png")
    plots.draw(tmp_path / "one.png", curves("curve 0"), bands=False)
    assert not {rgb(code) for code in plots.COLOURS[1:]} & colours(tmp_path / "one.png")


def test_bands_are_drawn_where_wanted(tmp_path):
    for bands in (True, False):
        plots.draw(tmp_path / f"{bands}.svg", curves("mean"), bands=bands)
    with_bands, without = ((tmp_path / f"{b}.svg").read_text() for b in (True, False))
    assert "bands: 95 % intervals" in with_bands
    assert "FillBetweenPolyCollection" in with_bands
    assert "bands" not in without
    assert "FillBetweenPolyCollection" not in without


def test_svg_says_what_is_drawn_and_pdf_is_one(tmp_path):
    drawn = curves("picture alone", "fused: gated:$my$_heads\n.safetensors")
    plots.draw(tmp_path / "a.svg", drawn, bands=True)
    text = (tmp_path / "a.svg").read_text()
    for words in ("recall@k, per cent", "k: the right answer", "picture alone"):
        assert words in text
    assert "fused: gated:$my$_heads\\n.safetensors" in text  # no formula, no line break
    plots.draw(tmp_path / "a.pdf", drawn, bands=True)
    content = (tmp_path / "a.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".PDF"])
def test_same_figures_make_the_same_file(tmp_path, suffix):
    for name in "ab":
        plots.draw(tmp_path / f"{name}{suffix}", curves("mean", "concat"), bands=True)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_more_curves_than_colours_are_still_told_apart():
    styles = set(zip(plots.COLOURS * 4, plots.DASHES * 7, plots.MARKERS * 4, strict=True))
    assert len(styles) == 28


@pytest.mark.parametrize(
    ("ranks", "deepest"), [([1, 1, 1], 2), ([1, 2, 7], 7), ([1, 2, 700], plots.DEEPEST)]
)
def test_curves_end_where_all_is_found_or_at_50(tmp_path, ranks, deepest, monkeypatch):
    asked = []
    real = plots.curve
    monkeypatch.setattr(plots, "curve", lambda found, k: asked.append(k) or real(found, k))
    plots.draw(
        tmp_path / "a.png", {"mean": RetrievalRanks(np.array(ranks), np.arange(3))}, bands=True
    )
    assert asked == [deepest]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("curves.gif", "unknown format for a plot"),
        ("curves", "unknown format for a plot"),
        ("nowhere/curves.png", "cannot be written"),
    ],
)
def test_plot_that_cannot_be_drawn_is_refused_before_the_work(pictures, tmp_path, name, message):
    words = ("evaluate", pictures, "--model", "colour:missing", "--plot", tmp_path / name)
    assert message in refusal(*words, status=2)  # the model would be status 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written_to_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        plots.check(tmp_path / "curves.png")


def test_plot_of_a_folder_is_wrong_usage(pictures, tmp_path):
    (tmp_path / "curves.png").mkdir()
    result = run("evaluate", pictures, "--model", "colour", "--plot", tmp_path / "curves.png")
    assert result.exit_code == 2
    assert "is a directory" in result.stderr


def test_disk_that_fills_up_meanwhile_is_said(tmp_path, monkeypatch):
    def full(*words, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plots.Figure, "savefig", full)
    with pytest.raises(InputError, match=r"a.png: cannot be written \(No space left"):
        plots.draw(tmp_path / "a.png", curves("mean"), bands=False)
