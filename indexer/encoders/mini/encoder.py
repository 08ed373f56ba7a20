"""The built-in encoder: EfficientNet-Lite2 and MiniLM in ONNX Runtime, and two trained heads.

It needs no download and never imports torch; only an export of its towers does, elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, Rows
from indexer.encoders.golden import golden_pixels
from indexer.encoders.mini.heads import (
    BUILT_IN,
    COARSE,
    format_of,
    read_heads,
)
from indexer.encoders.mini.packages import IMAGE_TOWER, TEXT_TOWER
from indexer.encoders.mini.projection import means_of, project_images, project_texts
from indexer.encoders.mini.towers import Towers
from indexer.encoders.protocol import FP32, INT8, Pixels, Places
from indexer.encoders.runtime.layout import AT_ONCE
from indexer.errors import InputError, ModelError
from indexer.files import file_hash
from indexer.pictures.transform import ImageTransform

TRANSFORM = ImageTransform(size=260, resize="squash", interpolation="bicubic")
GRID = (9, 9)  # places of the last map
INT8_COST = BUILT_IN.with_name("int8.json")  # what int8 costs with the heads of picfuse
LOSS = 0.5  # points of R@1 that int8 may cost to be chosen by itself
WORTH = 1.2  # times the pictures per second that it must encode for that
INT8_ROWS = "-int8"  # ends the fingerprint; a number behind it when quantising changes

logger = logging.getLogger(__name__)


class MiniEncoder:
    """`mini`, or `mini:FILE` with heads of the user's own; `int8:` goes before their names."""

    modalities = frozenset({IMAGE, TEXT})
    transform = TRANSFORM

    def __init__(self, name: str, heads: Path, cache: Path, *, int8: bool = False) -> None:
        self.name = name
        # Heads of the user's own may have learned words that no English list has.
        self.languages = frozenset({"en"}) if heads == BUILT_IN else None
        # What only pictures need is most of the file, and is read with the first picture.
        self.weights, self.settings = read_heads(heads, without=COARSE)
        self._heads, self._heads_hash = heads, file_hash(heads)
        self.towers = Towers(cache, heads, heads_hash=self._heads_hash, int8=int8)
        made = format_of(self.weights)
        parts = (made, IMAGE_TOWER.sha256, TEXT_TOWER.sha256, self._heads_hash, repr(TRANSFORM))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        self.fingerprint = digest + (INT8_ROWS if int8 else "")

    @property
    def dim(self) -> int:
        """Width of the space: of all parts of a row."""
        return len(self.weights["mean.image"])

    @property
    def means(self) -> Mapping[str, NDArray[np.float32]]:
        """Mean row of each modality over the training data, and what texts ask for hubness."""
        return means_of(self.weights)

    def encode_images(self, images: Pixels) -> Rows:
        """`v_i`, shape (n, dim), of uint8 pixels (n, 260, 260, 3)."""
        self._complete()
        return project_images(self.towers.image_features(images), self.weights)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, 9, 9, dim): what is missing of `v_i` when a place and those around it are."""
        self._complete()
        found = np.zeros((len(images), *GRID, self.dim), np.float32)
        for place, image in enumerate(images):
            rows = project_images(self.towers.features_without(image), self.weights)
            found[place] = (rows[0] - rows[1:]).reshape(*GRID, self.dim)
        return found

    def rest(self) -> None:
        """Close the towers; what is encoded next opens them again."""
        self.towers.rest()

    def _complete(self) -> None:
        if not set(COARSE) <= set(self.weights):
            self.weights = self._all_weights()

    def _all_weights(self) -> dict[str, NDArray[np.float32]]:
        """All weights, of the same file as those that were read first. Raises `ModelError`."""
        weights, _ = read_heads(self._heads)
        if file_hash(self._heads) != self._heads_hash:
            raise ModelError(f"{self._heads}: was replaced meanwhile; run the same command again")
        return weights

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """`v_t`, shape (n, dim)."""
        return project_texts(self.towers.text_features(texts), self.weights)


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """The encoder behind `mini` (rest is empty) or `mini:FILE`; never needs a network."""
    heads = Path(rest).expanduser() if rest else BUILT_IN
    return MiniEncoder(f"mini:{heads.resolve()}" if rest else "mini", heads, cache)


def preferred_precision(name: str, cache: Path) -> str:
    """int8 where it is known to cost little, and is faster on this machine; else fp32.

    What it costs was measured for the heads that picfuse ships: see benchmarks/precision.py.
    """
    if name != "mini" or not int8_costs_little(INT8_COST, BUILT_IN):
        return FP32
    pixels = np.repeat(golden_pixels(TRANSFORM.size), AT_ONCE, axis=0)
    try:
        rates = [Towers(cache, int8=int8).image.layout(pixels).rate for int8 in (False, True)]
    except ModelError as error:
        logger.info("using fp32: %s", error)
        return FP32
    return INT8 if rates[1] > WORTH * rates[0] else FP32


def int8_costs_little(measured: Path, heads: Path) -> bool:
    """Whether a file of figures belongs to these heads, and int8 lost at most `LOSS` by them."""
    try:
        facts = json.loads(measured.read_text("utf-8"))
        loss = facts["fp32"]["r@1"] - facts["int8"]["r@1"]
        return bool(facts["heads"] == file_hash(heads) and loss <= LOSS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def open_int8(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """The encoder behind `int8:mini` or `int8:mini:FILE`. Raises `InputError` for all others."""
    scheme, _, file = rest.partition(":")
    if scheme != "mini":
        raise InputError(f"{rest!r} runs in fp32 only; leave --precision int8 to 'mini'")
    heads = Path(file).expanduser() if file else BUILT_IN
    named = f"int8:mini:{heads.resolve()}" if file else "int8:mini"
    return MiniEncoder(named, heads, cache, int8=True)
