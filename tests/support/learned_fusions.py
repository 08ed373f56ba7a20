"""Learned fusions of any width with random weights, as training writes them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from indexer.fusion import learned_class
from indexer.fusion.learned import SHAPES
from indexer.fusion.weights import write_weights


def random_tensors(strategy, dim=8, hidden=10, seed=0):
    """Tensors of the right shapes: centres at zero, gain 1."""
    random = np.random.default_rng(seed)
    sizes = {"d": dim, "2d": 2 * dim, "h": hidden}
    tensors = {
        name: random.normal(size=[sizes[axis] for axis in axes]).astype(np.float32)
        for name, axes in learned_class(strategy).shapes.items()
    }
    return {name: np.zeros(dim) for name in SHAPES} | {"gain": np.ones(1)} | tensors


def write_fusion(path: Path, strategy, encoder=None, changed=None, **sizes) -> Path:
    """A file of such weights, made for an encoder; `changed` tensors, or None for one left out."""
    fingerprint, name = (encoder.fingerprint, encoder.name) if encoder else ("0" * 32, "none")
    tensors = random_tensors(strategy, **sizes) | (changed or {})
    tensors = {key: np.asarray(tensor) for key, tensor in tensors.items() if tensor is not None}
    write_weights(path, strategy, tensors, encoder=fingerprint, encoder_name=name, settings={})
    return path


def fusion_content(strategy, **changes) -> bytes:
    """The bytes of such a file."""
    with TemporaryDirectory() as folder:
        return write_fusion(Path(folder) / "fusion", strategy, **changes).read_bytes()
