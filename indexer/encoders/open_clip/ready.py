"""The record of exported towers, written after an export and read to run them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.embedding import IMAGE
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.protocol import Encoder
from indexer.encoders.runtime.graphs import Graph, beside
from indexer.encoders.runtime.mapped import SeparatedGraph

FORMAT = "picfuse-ready-3"
GRAPHS = 2  # version of the export; towers of another version are exported again
BATCH = 32  # texts, or pictures in PyTorch
DRIVER = Path("/dev/nvidiactl")  # exists if CUDA may be available: then PyTorch runs the model
Stamps = dict[str, list[int] | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """Facts and sources of an exported encoder.

    `sources` holds the size and time of each file that determines the model of this name, None
    for one that must not exist. `device` is the kind of device it was opened for.
    """

    name: str
    fingerprint: str
    dim: int
    transform: Mapping[str, str | int]
    sources: Stamps
    device: str

    @classmethod
    def of(cls, encoder: Encoder, sources: Stamps) -> Ready:
        """Describe an encoder and its source files as they were when it was opened."""
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
        """Whether device and sources are unchanged."""
        return self.device == _device() and stamps_of(map(Path, self.sources)) == self.sources


def keep_ready(ready: Ready, images: Graph, texts: Graph, tokens: KeptTokenizer) -> None:
    """Store the record and the tokenizer beside the exported towers. Raises `ModelError`."""
    SeparatedGraph(texts).ensure()
    final = [tokenizer_path(images), _path(ready.name, images.path.parents[1])]
    with beside(final[0]) as folder:
        made = [Path(folder) / path.name for path in final]
        tokens.write(made[0])
        made[1].write_text(json.dumps({"format": FORMAT} | asdict(ready)), "utf-8")
        for source, target in zip(made, final, strict=True):
            source.replace(target)


def tower_name(fingerprint: str, modality: str) -> str:
    """Name of an encoder's tower in the cache."""
    return f"open_clip{GRAPHS}-{fingerprint[:16]}-{modality}"


def tokenizer_path(images: Graph) -> Path:
    """File of the tokenizer that belongs to an encoder's image tower."""
    return images.path.with_name(f"{images.path.stem.removesuffix(IMAGE)}tokenizer.json")


def kept_ready(name: str, cache: Path) -> Ready | None:
    """Read the record of an encoder; None if it is lost, damaged or out of date."""
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


def full_name(rest: str) -> str:
    """The name of the encoder `open_clip:` + `rest`, with the absolute path of a file."""
    head, _, file = rest.partition(":")
    whole = f"{head}:{Path(file).expanduser().resolve()}" if file and head != "hf-hub" else rest
    return f"open_clip:{whole}"


def stamps_of(paths: Iterable[Path]) -> Stamps:
    """Size and modification time of files; None for files that do not exist."""
    return {str(path): _stamp(path) for path in paths}


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _device() -> str:
    return "cuda" if DRIVER.exists() else "cpu"
