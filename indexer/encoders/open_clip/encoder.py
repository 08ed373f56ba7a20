"""Encoders of open_clip: in PyTorch on CUDA or MPS if available, otherwise in ONNX Runtime.

    open_clip:ARCH/TAG                   pretrained weights, downloaded on first use
    open_clip:ARCH:FILE                  weights from a file (safetensors, or a pickle of tensors)
    open_clip:hf-hub:ORGANISATION/NAME   a repository of huggingface.co in open_clip's form
    open_clip:local-dir:FOLDER           the same as a folder

`FILE` may have two companions. `weights.json` beside `weights.safetensors` holds a model's
configuration, for an architecture that open_clip does not know (ARCH is then any name):
`{"embed_dim": …, "vision_cfg": …, "text_cfg": …}`, or this as `model_cfg` next to a
`preprocess_cfg` (`mean`, `std`, `interpolation`, `resize_mode`, `fill_color`), which may also
stand alone. `weights.safetensors.sha256` holds the hash that the file must have. A tokenizer in
the folder of FILE takes precedence over the one in the configuration.

Weights are loaded after their hash is checked, if it is known, and never by running code from the
file. Downloads go to the hub's own cache, so that models are shared with other programs.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence, Sized
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.embedding import IMAGE, TEXT, Floats, Rows, unit_rows
from indexer.encoders.open_clip.checkpoints import VOCABULARY, Checkpoint, Config, find_checkpoint
from indexer.encoders.open_clip.exports import TowerGraph
from indexer.encoders.open_clip.hub import Hub
from indexer.encoders.open_clip.model import (
    CausalText,
    Tower,
    best_device,
    image_transform,
    model_of,
    registered_name,
    tokenizer_of,
)
from indexer.encoders.open_clip.places import visual_places
from indexer.encoders.open_clip.ready import BATCH, Ready, keep_ready, stamps_of, tower_name
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.open_clip.tokenizer_export import kept_form
from indexer.encoders.protocol import Pixels, Places
from indexer.errors import ModelError, PicfuseError
from indexer.files import file_hash

FORMAT = "picfuse-open-clip-1"
EXPORTS = True  # on a CPU, run towers in ONNX Runtime if their export gives the same rows

logger = logging.getLogger(__name__)


class OpenClipEncoder:
    """A model of open_clip with its tokenizer; half precision on CUDA and MPS, float32 on a CPU.

    CPUs do not use bfloat16: most lack it and emulate it many times slower.
    """

    means: Mapping[str, Floats] = MappingProxyType({})  # never measured

    def __init__(self, checkpoint: Checkpoint, hub: Hub, cache: Path) -> None:
        self.name = checkpoint.name
        self.dim = int(checkpoint.config["embed_dim"])
        config = checkpoint.local_config(hub)
        self._sources = stamps_of(checkpoint.sources(config))  # before they are read
        sha256 = checkpoint.verified_hash()
        registered = registered_name(config)
        self._tokenize = tokenizer_of(registered, checkpoint)
        self._tokenizing = Lock()  # fast tokenizers allow only one thread at a time
        self._device = best_device()
        self._half = self._device.type != "cpu"
        model = model_of(registered, checkpoint).eval().to(self._device)
        preparation = model.visual.preprocess_cfg
        self.transform = image_transform(checkpoint.name, preparation)
        channels = (_channels(preparation[key]).to(self._device) for key in ("mean", "std"))
        self._images, self._texts = Tower(model, *channels), Tower(model)
        described = json.dumps([checkpoint.config, preparation], sort_keys=True, default=list)
        parts = (FORMAT, described, sha256, repr(self.transform), _vocabulary_hash(config))
        self.fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        self._model_lock = Lock()
        self._image_graph, self._text_graph = self._graphs(cache)
        self._noting = Lock()
        self._noted = False  # whether `_note` has run

    def _graphs(self, cache: Path) -> tuple[TowerGraph, TowerGraph]:
        size = self.transform.size
        pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)
        tokens = self._tokenize(["a photo of two dogs on a beach", "red", ""])
        example = torch.from_numpy(pixels)
        causal = CausalText.of(self._texts.model)
        names = [tower_name(self.fingerprint, modality) for modality in (IMAGE, TEXT)]
        return (
            TowerGraph(names[0], cache, self._images, example, self._model_lock),
            TowerGraph(names[1], cache, self._texts, tokens, self._model_lock, causal),
        )

    def encode_images(self, images: Pixels) -> Rows:
        """Encode uint8 pixels (n, size, size, 3) as `v_i`, shape (n, dim)."""
        if self._exported(self._image_graph, images):
            return self._rows([rows for (rows,) in self._image_graph.run_pixels(images)])
        return self._in_pytorch(images, self._images, torch.tensor)

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Encode sentences as `v_t`, shape (n, dim)."""
        if self._exported(self._text_graph, texts):
            parts = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
            run = self._text_graph.run_tokens
            return self._rows([run(self._tokens(part).numpy()) for part in parts])
        return self._in_pytorch(texts, self._texts, self._tokens)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, rows, columns, dim) of the places of the last features, always in PyTorch."""
        if not len(images):
            return np.zeros((0, 0, 0, self.dim), np.float32)
        visual = self._images.model.visual
        kind = self._device.type
        halved = torch.autocast(kind, torch.float16, enabled=self._half)
        with self._model_lock, torch.inference_mode(), halved:
            places = visual_places(visual, self.normalised(images), self.name)
        return unit_rows(places.float().cpu().numpy())

    def unread(self, text: str) -> str:
        """The end of a text that is not read; empty if all of it is, or if nothing can tell."""
        length = self._tokens([""]).shape[1]
        if len(text.encode("utf-8", "replace")) <= length - 2:  # two tokens mark the ends
            return ""
        return "" if self._kept is None else self._kept.unread(text)

    @cached_property
    def _kept(self) -> KeptTokenizer | None:
        with self._tokenizing:
            return kept_form(self._tokenize)

    def _exported(self, graph: TowerGraph, inputs: Sized) -> bool:
        exported = EXPORTS and not self._half and len(inputs) > 0 and graph.usable
        if exported:
            self._note()
        return exported

    def _note(self) -> None:
        """Store a record that opens this encoder without PyTorch, once both towers are exported."""
        with self._noting:
            towers = self._image_graph, self._text_graph
            if self._noted or not all(tower.path.exists() for tower in towers):
                return
            self._noted = True
            if not all(tower.cached for tower in towers):
                return
            tokens = self._kept
            if tokens is None:
                logger.info("%s needs PyTorch for its tokenizer", self.name)
                return
            ready = Ready.of(self, self._sources)
            try:
                keep_ready(ready, self._image_graph, self._text_graph, tokens)
            except (ModelError, OSError) as error:  # it will open in PyTorch again
                logger.warning("%s cannot be cached for a faster start: %s", self.name, error)

    def _in_pytorch(self, inputs: Any, tower: Tower, prepare: Callable[[Any], Tensor]) -> Rows:
        parts = []
        kind = self._device.type
        halved = torch.autocast(kind, torch.float16, enabled=self._half)
        with self._model_lock, torch.inference_mode(), halved:
            for start in range(0, len(inputs), BATCH):
                batch = prepare(inputs[start : start + BATCH]).to(self._device)
                parts.append(tower(batch).float().cpu().numpy())
        return self._rows(parts)

    def _rows(self, parts: Sequence[NDArray[np.float32]]) -> Rows:
        return unit_rows(np.concatenate([np.zeros((0, self.dim), np.float32), *parts]))

    def _tokens(self, texts: Sequence[str]) -> Tensor:
        with self._tokenizing:
            return self._tokenize(list(texts))

    def normalised(self, images: Pixels) -> Tensor:
        """Input of the image tower: float32 (n, 3, size, size) of uint8 (n, size, size, 3)."""
        return self._images.prepared(torch.tensor(images, device=self._device))


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> OpenClipEncoder:
    """Open the encoder `open_clip:` + `rest`, in one of the forms listed above.

    Exported towers go to `cache`, downloads to the hub's own. Raises `InputError` for a name that
    cannot exist, and `ModelError` for files that are unavailable or damaged.
    """
    hub = Hub(name, offline)
    return OpenClipEncoder(find_checkpoint(rest, hub), hub, cache)


def list_models() -> list[tuple[str, str]]:
    """All architectures and tags that can be downloaded."""
    return [(str(architecture), str(tag)) for architecture, tag in open_clip.list_pretrained()]


def cached(name: str) -> bool:
    """Whether `open_clip:…` opens without the network; loads no weights."""
    hub = Hub(name, offline=True)
    try:
        find_checkpoint(name.removeprefix("open_clip:"), hub).local_config(hub)
    except PicfuseError:
        return False
    return True


def _channels(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).expand(3).reshape(3, 1, 1)


def _vocabulary_hash(config: Config) -> str:
    """The SHA-256 of a tokenizer's vocabulary; empty for open_clip's own tokenizer."""
    folder = config["text_cfg"].get("hf_tokenizer_name")
    paths = (Path(folder) / name for name in VOCABULARY) if folder else ()
    return next((file_hash(path) for path in paths if path.is_file()), "")
