"""Quantising of an exported image tower to int8, calibrated on the sample photographs.

Run as `python -m indexer.encoders.mini.quantising GRAPH FILE HEADS`; it writes the similarity of
the embeddings beside the file. Weights are quantised per channel, activations by their range on
the samples. The samples are the same everywhere and the ranges are rounded, so that every machine
makes the same graph.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.heads import image_features, read_heads
from indexer.encoders.mini.projection import project_images
from indexer.encoders.protocol import Pixels
from indexer.encoders.runtime.graphs import open_session
from indexer.errors import ModelError
from indexer.locations import sample_folder
from indexer.pictures.images import decode

import onnxruntime.quantization as quantization  # isort: skip  # after graphs, which silences it

OPERATORS = ["Conv", "Clip", "Add"]  # the others take hardly any time and lose more precision
IN_FP32 = 3  # convolutions at the start: their channels vary most, which costs the worst cosine
BATCH = 8  # pictures
DIGITS = 3  # of a range; processors differ in later ones only
SUFFIXES = (".jpg", ".png", ".webp")


class Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
    """The sample photographs as input of the image tower, in batches."""

    def __init__(self, pixels: Pixels) -> None:
        self._batches: Iterator[dict[str, Pixels]] = ({"pixels": part} for part in _batches(pixels))

    def get_next(self) -> dict[str, Pixels] | None:
        """Return the next batch, or None after the last one."""
        return next(self._batches, None)


def quantise(graph: Path, path: Path, pixels: Pixels) -> None:
    """Quantise a graph to int8, calibrated on pictures, and write it to `path`."""
    with TemporaryDirectory() as folder:
        for file in (graph, graph.with_suffix(".weights")):
            shutil.copy(file, folder)  # onnx reads no weights that have further links
        graph = Path(folder) / graph.name
        ranges = Path(folder) / "ranges.json"
        _write_ranges(graph, ranges, pixels, Path(folder))
        quantization.quantize_static(
            graph,
            path,
            None,
            calibration_cache_path=ranges,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=OPERATORS,
            nodes_to_exclude=first_convolutions(graph),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )


def first_convolutions(graph: Path) -> list[str]:
    """Names of the convolutions that stay in fp32."""
    nodes = onnx.load(graph, load_external_data=False).graph.node
    return [node.name for node in nodes if node.op_type == "Conv"][:IN_FP32]


def median_cosine(one: Rows, other: Rows) -> float:
    """The median cosine of pairs of unit rows."""
    return float(np.median((one * other).sum(axis=1)))


def embeddings(graph: Path, pixels: Pixels, heads: Path) -> Rows:
    """Embed pictures with a graph and its heads."""
    session, weights = open_session(graph), read_heads(heads)[0]
    parts = [session.run(None, {"pixels": part}) for part in _batches(pixels)]
    pooled, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
    return project_images(image_features(pooled, probabilities, np.concatenate), weights)


def sample_pixels(folder: Path | None = None) -> Pixels:
    """Read the sample photographs, sorted by name. Raises `ModelError` if they are missing."""
    folder = folder or sample_folder()
    paths = sorted(p for p in folder.glob("*") if p.suffix in SUFFIXES)
    if not paths:
        raise ModelError(f"{folder}: the sample photographs are missing; reinstall picfuse")
    return np.stack([TRANSFORM(decode(path, min_side=TRANSFORM.size)) for path in paths])


def _write_ranges(graph: Path, ranges: Path, pixels: Pixels, folder: Path) -> None:
    calibrator = quantization.create_calibrator(
        graph,
        OPERATORS,
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=quantization.CalibrationMethod.MinMax,
        providers=["CPUExecutionProvider"],
    )
    calibrator.collect_data(Samples(pixels))
    tensors = calibrator.compute_data()
    for _, data in tensors.items():
        data.lowest, data.highest = _rounded(data.lowest), _rounded(data.highest)
    quantization.calibrate.save_tensors_data(tensors, ranges)


def _rounded(value: Any) -> NDArray[np.float32]:
    values = np.asarray(value, np.float32)
    rounded = [float(f"{one:.{DIGITS}g}") for one in values.ravel().tolist()]
    return np.array(rounded, np.float32).reshape(values.shape)


def _batches(pixels: Pixels) -> Iterator[Pixels]:
    return (pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # it advises steps that the export has already taken
    source, target, heads = (Path(word) for word in sys.argv[1:4])
    samples = sample_pixels()
    quantise(source, target, samples)
    cosine = median_cosine(embeddings(source, samples, heads), embeddings(target, samples, heads))
    target.with_suffix(".facts").write_text(json.dumps({"agreement": round(cosine, 4)}))
