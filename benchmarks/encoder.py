"""Rate of the image towers, in each precision.

All contestants encode random pictures, in turn in each round: Lite2 in the size that it was trained
for, `mini` in the larger one that it sees. Prints the medians in pictures per second, and the ratio
to PyTorch in the same round.
Example: python benchmarks/encoder.py --repeat 7
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor, nn

from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.heads import BUILT_IN
from indexer.encoders.mini.image_tower import ImageTower, Trunk
from indexer.encoders.mini.quantising import quantise, sample_pixels
from indexer.encoders.mini.towers import Towers
from indexer.encoders.runtime.graphs import Graph, open_session
from indexer.encoders.runtime.layout import LayoutTrials, Run, Streams
from indexer.locations import cache_directory

BATCH = 32  # pictures
SIZE = 260  # of a picture, for Lite2 alone
TORCH, LITE2, LITE2_INT8 = "Lite2, PyTorch", "Lite2, fp32", "Lite2, int8"
MINI_TORCH, MINI, MINI_INT8 = "mini, PyTorch", "mini, fp32", "mini, int8"
LIMITS = {LITE2: 3.0, LITE2_INT8: 5.0}

Encode = Callable[[np.ndarray], object]


class Plain(nn.Module):
    """The original EfficientNet-Lite2: pixels to class probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Trunk().net

    def forward(self, pixels: Tensor) -> Tensor:
        images = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        probabilities: Tensor = self.net(images).softmax(-1)
        return probabilities


def in_pytorch(tower: nn.Module) -> Encode:
    """A tower in PyTorch, in float32, on all cores."""
    tower.eval()

    def encode(pixels: np.ndarray) -> object:
        with torch.inference_mode():
            return [tower(torch.from_numpy(part)) for part in np.split(pixels, BATCH // 8)]

    return encode


def in_runtime(path: Path, pixels: np.ndarray) -> Encode:
    """A graph in ONNX Runtime, in the layout that is found to be the fastest, as in picfuse."""

    def opened(threads: int) -> Run:
        session = open_session(path, threads)
        return lambda part: session.run(None, {"pixels": part})

    trials = LayoutTrials(opened)
    while trials.found is None:
        trials(pixels)
    layout = trials.found
    click.echo(f"{path.stem}: {layout.streams} x {layout.threads}, batches of {layout.batch}")
    return Streams(opened(layout.threads), layout)


def export(tower: nn.Module, path: Path) -> Path:
    """Write the graph of a tower."""
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        tower.eval(),
        (torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8),),
        str(path),
        dynamo=True,
        dynamic_shapes=({0: batch},),
        input_names=["pixels"],
        external_data=False,
        verbose=False,
    )
    return path


def random_pixels(size: int) -> np.ndarray:
    """A batch of square pictures."""
    return np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)


def contestants(folder: Path) -> Mapping[str, tuple[Encode, np.ndarray]]:
    """The encoders to measure, each with its pictures, by name."""
    small, large = random_pixels(SIZE), random_pixels(TRANSFORM.size)
    lite2, edge = export(Plain(), folder / "lite2.onnx"), (TRANSFORM.size - SIZE) // 2
    samples = sample_pixels()[:, edge : edge + SIZE, edge : edge + SIZE]
    quantise(lite2, folder / "lite2-int8.onnx", np.ascontiguousarray(samples))
    graphs: dict[str, Graph] = {
        name: Towers(cache_directory(), int8=int8).image
        for name, int8 in ((MINI, False), (MINI_INT8, True))
    }
    for graph in graphs.values():
        graph.ensure()
    return {
        TORCH: (in_pytorch(Plain()), small),
        LITE2: (in_runtime(lite2, small), small),
        LITE2_INT8: (in_runtime(folder / "lite2-int8.onnx", small), small),
        MINI_TORCH: (in_pytorch(ImageTower(BUILT_IN)), large),
        **{name: (in_runtime(graph.path, large), large) for name, graph in graphs.items()},
    }


def rate(encode: Encode, pixels: np.ndarray) -> float:
    """Pictures per second."""
    start = time.perf_counter()
    encode(pixels)
    return len(pixels) / (time.perf_counter() - start)


def ratio_range(ratios: list[float]) -> str:
    """The median with the smallest and the largest ratio."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--repeat", type=click.IntRange(1), default=7, show_default=True)
def main(repeat: int) -> None:
    """Measure the image towers in each precision against PyTorch."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        encoders = contestants(Path(folder))
        for encode, pixels in encoders.values():
            encode(pixels)  # the first run allocates
        rounds = [{n: rate(*e) for n, e in encoders.items()} for _ in range(repeat)]
    for name in encoders:
        base = MINI_TORCH if name.startswith("mini") else TORCH
        ratios = [one[name] / one[base] for one in rounds]
        wanted = f", {LIMITS[name]:g} wanted" if name in LIMITS else ""
        middle = statistics.median(one[name] for one in rounds)
        against = "" if name == base else f"; times {base}: {ratio_range(ratios)}{wanted}"
        click.echo(f"{name}: {middle:.1f} pictures/s{against}")
    for name, base in ((MINI, TORCH), (MINI_INT8, TORCH), (MINI, LITE2)):
        click.echo(
            f"{name}, times {base}: {ratio_range([one[name] / one[base] for one in rounds])}"
        )


if __name__ == "__main__":
    main()
