"""The built-in encoder: EfficientNet-Lite2 and MiniLM in ONNX Runtime, with two trained heads.

It needs no download and no PyTorch: its towers are shipped.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows, unit_rows
from indexer.encoders.mini.heads import BUILT_IN, FORMAT, IMAGE_ONLY, read_heads
from indexer.encoders.mini.lexicons import open_lexicons
from indexer.encoders.mini.noun_phrases import sentences_for
from indexer.encoders.mini.projection import means_of, project_images, project_texts
from indexer.encoders.mini.tensors import WEIGHTS_SHA256
from indexer.encoders.mini.towers import Towers
from indexer.encoders.protocol import FP32, INT8, Pixels, Places
from indexer.encoders.runtime.layout import multiplies_int8_fast
from indexer.errors import InputError, ModelError
from indexer.files import file_hash
from indexer.pictures.transform import ImageTransform

TRANSFORM = ImageTransform(size=320, resize="squash", interpolation="bicubic")
GRID = (10, 10)  # places of the last map
INT8_COST = BUILT_IN.with_name("int8.json")  # measured loss of int8 with the shipped heads
INT8_MOST_LOSS = 0.5  # points of R@1 that int8 may lose to be chosen automatically
INT8_ROWS = "-int8"  # suffix of the fingerprint; append a number when quantising changes

logger = logging.getLogger(__name__)


class MiniEncoder:
    """`mini`, or `mini:FILE` with the user's own heads; `int8:` may precede either name."""

    transform = TRANSFORM

    def __init__(self, name: str, heads: Path, cache: Path, *, int8: bool = False) -> None:
        self.name = name
        # Heads of the user's own may have learned words that no English list has.
        self.languages = frozenset({"en"}) if heads == BUILT_IN else None
        self.lexicons = open_lexicons() if heads == BUILT_IN else ()
        # Most of the file is needed by pictures only; it is read with the first picture.
        self.weights, self.settings = read_heads(heads, without=IMAGE_ONLY)
        self._heads, self._heads_hash = heads, file_hash(heads)
        self.towers = Towers(cache, heads, heads_hash=self._heads_hash, int8=int8)
        parts = (FORMAT, WEIGHTS_SHA256, self._heads_hash, repr(TRANSFORM))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        self.fingerprint = digest + (INT8_ROWS if int8 else "")

    @property
    def dim(self) -> int:
        """Width of the space, over all parts of a row."""
        return len(self.weights["mean.image"])

    @property
    def means(self) -> Mapping[str, NDArray[np.float32]]:
        """Mean row of each modality over the training data, and the `HUB` row of queries."""
        return means_of(self.weights)

    def encode_images(self, images: Pixels) -> Rows:
        """Encode uint8 pixels (n, 320, 320, 3) as `v_i`, shape (n, dim)."""
        self._complete()
        return project_images(self.towers.image_features(images), self.weights)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, 10, 10, dim): `v_i` minus the row of the picture without that place."""
        self._complete()
        places = np.zeros((len(images), *GRID, self.dim), np.float32)
        for picture, image in enumerate(images):
            rows = project_images(self.towers.features_without(image), self.weights)
            places[picture] = (rows[0] - rows[1:]).reshape(*GRID, self.dim)
        return places

    def rest(self) -> None:
        """Close the towers; the next call that encodes reopens them."""
        self.towers.rest()

    def _complete(self) -> None:
        """Read the weights that only pictures need. Raises `ModelError` if the file changed."""
        if set(IMAGE_ONLY) <= set(self.weights):
            return
        weights, _ = read_heads(self._heads)
        if file_hash(self._heads) != self._heads_hash:
            raise ModelError(f"{self._heads}: has been replaced; run the same command again")
        self.weights = weights

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Encode sentences as `v_t`, shape (n, dim); a noun phrase has one row in all its forms."""
        said = [sentences_for(text) for text in texts]
        flat = list(dict.fromkeys(sentence for own in said for sentence in own))
        rows = project_texts(self.towers.text_features(flat), self.weights)
        at = {sentence: place for place, sentence in enumerate(flat)}
        means = [rows[[at[sentence] for sentence in own]].mean(axis=0) for own in said]
        return unit_rows(np.stack([np.zeros(self.dim, np.float32), *means])[1:])

    def unread(self, text: str) -> str:
        """The end of a text that is not read; empty if all of it is."""
        return self.towers.unread(text)


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """Open `mini` (`rest` is empty) or `mini:FILE`; never uses the network."""
    heads = Path(rest).expanduser() if rest else BUILT_IN
    return MiniEncoder(f"mini:{heads.resolve()}" if rest else "mini", heads, cache)


def preferred_precision(name: str, cache: Path) -> str:
    """int8 if it is known to cost little and this processor is made for it; otherwise fp32.

    Its cost was measured with the shipped heads: see benchmarks/precision.py.
    """
    if name != "mini" or not int8_costs_little(INT8_COST, BUILT_IN) or not multiplies_int8_fast():
        return FP32
    try:
        Towers(cache, int8=True).image.ensure()
    except ModelError as error:
        logger.info("using fp32: %s", error)
        return FP32
    return INT8


def int8_costs_little(figures: Path, heads: Path) -> bool:
    """Whether a file of figures belongs to these heads and shows a loss within the limit."""
    try:
        facts = json.loads(figures.read_text("utf-8"))
        loss = facts["fp32"]["r@1"] - facts["int8"]["r@1"]
        return bool(facts["heads"] == file_hash(heads) and loss <= INT8_MOST_LOSS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def open_int8(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """Open `int8:mini` or `int8:mini:FILE`. Raises `InputError` for any other encoder."""
    scheme, _, file = rest.partition(":")
    if scheme != "mini":
        raise InputError(f"{rest!r} runs in fp32 only; use --precision int8 with 'mini'")
    heads = Path(file).expanduser() if file else BUILT_IN
    full_name = f"int8:mini:{heads.resolve()}" if file else "int8:mini"
    return MiniEncoder(full_name, heads, cache, int8=True)
