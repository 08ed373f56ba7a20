"""Encoders of open_clip that open from their exported towers, without PyTorch.

Opening a model in PyTorch takes many seconds and more memory than its weights. Once both towers
are exported and verified, everything else that opening needs is stored beside them. It is used as
long as the encoder's source files are unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, Floats, Rows, unit_rows
from indexer.encoders.open_clip.ready import (
    BATCH,
    Ready,
    full_name,
    kept_ready,
    tokenizer_path,
    tower_name,
)
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.protocol import Encoder, LocatingEncoder, Pixels, Places
from indexer.encoders.runtime.graphs import Graph
from indexer.encoders.runtime.mapped import SeparatedGraph
from indexer.errors import ModelError
from indexer.kinds.extras import OPEN_CLIP_EXTRA, extra_module
from indexer.pictures.transform import ImageTransform

logger = logging.getLogger(__name__)


class ExportedEncoder:
    """An encoder of open_clip that runs its exported towers; `reopen` opens it in PyTorch."""

    means: Mapping[str, Floats] = MappingProxyType({})  # never measured

    def __init__(self, ready: Ready, cache: Path, reopen: Callable[[], Encoder]) -> None:
        self.name, self.fingerprint, self.dim = ready.name, ready.fingerprint, ready.dim
        self.transform = ImageTransform(**ready.transform)  # type: ignore[arg-type]
        self._reopen = reopen
        self._images = FixedGraph(tower_name(ready.fingerprint, IMAGE), cache)
        self._texts = SeparatedGraph(FixedGraph(tower_name(ready.fingerprint, TEXT), cache))

    def encode_images(self, images: Pixels) -> Rows:
        """Encode uint8 pixels (n, size, size, 3) as `v_i`, shape (n, dim)."""
        if not len(images):
            return self._rows([])
        try:
            return self._rows([rows for (rows,) in self._images.run_pixels(images)])
        except ModelError as error:
            return self._again(error).encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Encode sentences as `v_t`, shape (n, dim)."""
        parts = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        try:
            return self._rows([self._texts.run_tokens(self._tokens(part)) for part in parts])
        except ModelError as error:
            return self._again(error).encode_texts(texts)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, rows, columns, dim) of places, always in PyTorch. Raises `ModelError`."""
        whole = self._whole
        if not isinstance(whole, LocatingEncoder):
            raise ModelError(f"{self.name}: cannot locate a query in a picture")
        return whole.encode_places(images)

    def unread(self, text: str) -> str:
        """The end of a text that is not read; empty if all of it is, or if nothing can tell."""
        try:
            return self._tokens.unread(text)
        except ModelError:
            return ""

    def rest(self) -> None:
        """Close the towers; the next call that encodes reopens them."""
        self._images.rest()
        self._texts.rest()

    def _again(self, error: ModelError) -> Encoder:
        """Open the encoder in PyTorch, which exports lost towers again."""
        logger.warning("opening %s in PyTorch again: %s", self.name, error)
        return self._whole

    @cached_property
    def _whole(self) -> Encoder:
        return self._reopen()

    @cached_property
    def _tokens(self) -> KeptTokenizer:
        path = tokenizer_path(self._images)
        try:
            return KeptTokenizer.read(path)
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{path}: cannot be read ({error})") from error

    def _rows(self, parts: Sequence[NDArray[np.float32]]) -> Rows:
        return unit_rows(np.concatenate([np.zeros((0, self.dim), np.float32), *parts]))


class FixedGraph(Graph):
    """A cached graph that cannot be exported again here: its source is not loaded."""

    @cached_property
    def whole(self) -> bool:
        """Whether the graph existed undamaged when this was first read."""
        return self.cached

    def ensure(self) -> None:
        """Raise `ModelError` if the graph is lost or damaged."""
        if not self.whole:
            self.make(self.path)

    def make(self, path: Path) -> None:
        """Raise `ModelError`: there is nothing to export from."""
        raise ModelError(f"{self.path}: the exported tower is lost or damaged")


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> Encoder:
    """Open the encoder `open_clip:` + `rest` from exported towers if possible, else in PyTorch.

    Raises the same errors as opening it in PyTorch.
    """

    def reopen() -> Encoder:
        module = "indexer.encoders.open_clip.encoder"
        inside = extra_module(module, OPEN_CLIP_EXTRA, f"the model {name!r}")
        opened: Encoder = inside.open_encoder(name, rest, cache, offline)
        return opened

    ready = kept_ready(full_name(rest), cache)
    return reopen() if ready is None else ExportedEncoder(ready, cache, reopen)
