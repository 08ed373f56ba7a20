"""How much more `mini`'s image tower costs than EfficientNet-Lite2 alone.

Both run in ONNX Runtime on the same random pictures, in turn; printed are the processor time of
each and their ratio. Example: python benchmarks/encoder.py --repeat 7
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from indexer.encoders.heads import BUILT_IN
from indexer.encoders.towers import ImageTower, Trunk

BATCH = 16
LIMIT = 1.3  # of the time of EfficientNet-Lite2


class Plain(nn.Module):
    """EfficientNet-Lite2 as it came: pixels to class probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Trunk().net

    def forward(self, pixels: Tensor) -> Tensor:
        probabilities: Tensor = self.net(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0).softmax(
            -1
        )
        return probabilities


def session(tower: nn.Module, folder: Path) -> onnxruntime.InferenceSession:
    path = folder / f"{type(tower).__name__}.onnx"
    example = (torch.zeros(BATCH, 260, 260, 3, dtype=torch.uint8),)
    torch.onnx.export(tower.eval(), example, str(path), dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def seconds(opened: Any, pixels: np.ndarray) -> float:
    """Processor seconds of one batch: waiting for other work on the machine does not count."""
    start = time.process_time()
    opened.run(None, {opened.get_inputs()[0].name: pixels})
    return time.process_time() - start


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--repeat", type=click.IntRange(1), default=7, show_default=True)
def main(repeat: int) -> None:
    """Measure the image tower of mini against EfficientNet-Lite2 alone."""
    warnings.filterwarnings("ignore")
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, 260, 260, 3)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        plain, mini = (session(t, Path(folder)) for t in (Plain(), ImageTower(BUILT_IN)))
        for opened in (plain, mini):
            seconds(opened, pixels)  # the first run allocates
        pairs = [(seconds(plain, pixels), seconds(mini, pixels)) for _ in range(repeat)]
    ratios = [b / a for a, b in pairs]
    for name, times in zip(("EfficientNet-Lite2", "mini"), zip(*pairs, strict=True), strict=True):
        click.echo(
            f"{name}: {1000 * statistics.median(times) / BATCH:.1f} ms of processor a picture"
        )
    middle = statistics.median(ratios)
    click.echo(
        f"ratio {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), at most {LIMIT} wanted"
    )


if __name__ == "__main__":
    main()
