"""Encoders of open_clip that are ready: they open from their exported towers, without PyTorch.

To open a model in PyTorch takes many seconds and more memory than the model is large. Once both
its towers are exported and proved, what else opening needs is kept beside them. It serves as long
as the files that the encoder came from are as they were.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.graphs import Graph, beside
from indexer.encoders.kept_tokenizer import KeptTokenizer
from indexer.encoders.mapped import MappedGraph
from indexer.encoders.protocol import (
    IMAGE,
    TEXT,
    Encoder,
    LocatingEncoder,
    Pixels,
    Places,
    Rows,
    unit_rows,
)
from indexer.errors import ModelError
from indexer.transform import ImageTransform

FORMAT = "picfuse-ready-3"
GRAPHS = 2  # how towers are exported: those of a former version are made anew
BATCH = 32  # texts
DRIVER = Path("/dev/nvidiactl")  # there where CUDA can be: then the model belongs to PyTorch

logger = logging.getLogger(__name__)
Stamps = dict[str, list[int] | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """What an exported encoder is, and what it was made of.

    `sources` are the size and time of each file that decides what opens by its name, None for
    one that must not be there. `device` is what it was opened for.
    """

    name: str
    fingerprint: str
    dim: int
    transform: Mapping[str, str | int]
    sources: Stamps
    device: str

    @classmethod
    def of(cls, encoder: Encoder, sources: Stamps) -> Ready:
        """An encoder, with the files that it was opened from as they were then."""
        return cls(
            encoder.name,
            encoder.fingerprint,
            encoder.dim,
            asdict(encoder.transform),
            sources,
            _device(),
        )

    @property
    def current(self) -> bool:
        """Whether nothing has changed since."""
        return self.device == _device() and stamps_of(map(Path, self.sources)) == self.sources


class ExportedEncoder:
    """An encoder of open_clip by its exported towers; `reopen` opens it in PyTorch."""

    modalities = frozenset({IMAGE, TEXT})
    means: Mapping[str, NDArray[np.float32]] = MappingProxyType({})  # never measured

    def __init__(self, ready: Ready, cache: Path, reopen: Callable[[], Encoder]) -> None:
        self.name, self.fingerprint, self.dim = ready.name, ready.fingerprint, ready.dim
        self.transform = ImageTransform(**ready.transform)  # type: ignore[arg-type]
        self._reopen = reopen
        self._images = FixedGraph(tower_name(ready.fingerprint, IMAGE), cache)
        self._texts = MappedGraph(FixedGraph(tower_name(ready.fingerprint, TEXT), cache))

    def encode_images(self, images: Pixels) -> Rows:
        """`v_i`, shape (n, dim), of uint8 pixels (n, size, size, 3)."""
        if not len(images):
            return self._rows([])
        try:
            return self._rows([rows for (rows,) in self._images.run_pixels(images)])
        except ModelError as error:
            return self._again(error).encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """`v_t`, shape (n, dim)."""
        parts = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        try:
            return self._rows([self._texts.run_tokens(self._tokens(part)) for part in parts])
        except ModelError as error:
            return self._again(error).encode_texts(texts)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, rows, columns, dim) of places, by the model in PyTorch. Raises `ModelError`."""
        whole = self._whole
        if not isinstance(whole, LocatingEncoder):
            raise ModelError(f"{self.name}: cannot locate a query in a picture")
        return whole.encode_places(images)

    def rest(self) -> None:
        """Close the towers; what is encoded next opens them again."""
        self._images.rest()
        self._texts.rest()

    def _again(self, error: ModelError) -> Encoder:
        """The encoder in PyTorch, which exports its towers anew where they were lost."""
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
    """A graph that is cached, or lost: what it was exported from is not at hand."""

    def __init__(self, name: str, cache: Path) -> None:
        super().__init__(name, cache, Path())

    @cached_property
    def whole(self) -> bool:
        """Whether the graph was there and whole when this was first asked."""
        return self.cached

    def ensure(self) -> None:
        """Raises `ModelError` unless the graph is whole."""
        if not self.whole:
            self.export(self.path)

    def export(self, path: Path) -> None:
        """Raises `ModelError`."""
        raise ModelError(f"{self.path}: the exported tower is lost or damaged")


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> Encoder:
    """The encoder behind `open_clip:` and `rest`: exported where it is ready, else in PyTorch.

    Raises what opening it in PyTorch raises.
    """

    def reopen() -> Encoder:
        opened: Encoder = import_module("indexer.encoders.open_clip").open_encoder(
            name, rest, cache, offline
        )
        return opened

    ready = _read(_full_name(rest), cache)
    return reopen() if ready is None else ExportedEncoder(ready, cache, reopen)


def keep_ready(ready: Ready, images: Graph, texts: Graph, tokens: KeptTokenizer) -> None:
    """Keep what opens an encoder again, beside its exported towers. Raises `ModelError`."""
    MappedGraph(texts).ensure()
    final = [tokenizer_path(images), _path(ready.name, images.path.parents[1])]
    with beside(final[0]) as folder:
        made = [Path(folder) / path.name for path in final]
        tokens.write(made[0])
        made[1].write_text(json.dumps({"format": FORMAT} | asdict(ready)), "utf-8")
        for source, target in zip(made, final, strict=True):
            source.replace(target)


def tower_name(fingerprint: str, modality: str) -> str:
    """The name in the cache of an encoder's tower."""
    return f"open_clip{GRAPHS}-{fingerprint[:16]}-{modality}"


def tokenizer_path(images: Graph) -> Path:
    """The file of the tokenizer that belongs to an encoder's image tower."""
    return images.path.with_name(f"{images.path.stem.removesuffix(IMAGE)}tokenizer.json")


def _read(name: str, cache: Path) -> Ready | None:
    """What was kept of an encoder; None where that is lost, damaged or no longer true."""
    try:
        content = json.loads(_path(name, cache).read_text("utf-8"))
        if content.pop("format") != FORMAT:
            return None
        ready = Ready(**content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return ready if ready.name == name and ready.current else None


def _path(name: str, cache: Path) -> Path:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return cache / "towers" / f"open_clip-{digest[:16]}.ready"


def _full_name(rest: str) -> str:
    """The name that the encoder has: files by their whole path."""
    head, _, file = rest.partition(":")
    whole = f"{head}:{Path(file).expanduser().resolve()}" if file and head != "hf-hub" else rest
    return f"open_clip:{whole}"


def stamps_of(paths: Iterable[Path]) -> Stamps:
    """Size and time of change of files; None for those that are not there."""
    return {str(path): _stamp(path) for path in paths}


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _device() -> str:
    return "cuda" if DRIVER.exists() else "cpu"
