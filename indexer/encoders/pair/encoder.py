"""Encoders by the name `onnx:FOLDER`: two graphs like those of CLIP, without PyTorch.

The folder has `image.onnx`, `text.onnx`, `tokenizer.json` (of the package tokenizers) and
`model.json` (`Description`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Floats, Rows, unit_rows
from indexer.encoders.open_clip.ready import BATCH, stamps_of
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.pair.description import DESCRIPTION, Description
from indexer.encoders.pair.graphs import ImageGraph, TextGraph
from indexer.encoders.protocol import Pixels
from indexer.errors import InputError, ModelError
from indexer.files import file_hash, whole_file

FORMAT = "picfuse-pair-1"


class PairEncoder:
    """`onnx:FOLDER`; its fingerprint covers the bytes of every file that the rows depend on."""

    means: Mapping[str, Floats] = MappingProxyType({})  # never measured

    def __init__(self, folder: Path, cache: Path) -> None:
        self.name = f"onnx:{folder}"
        own = self.description = Description.read(folder)
        self.dim, self.transform = int(own.fields["dim"]), own.transform
        self.fingerprint = _fingerprint(own, cache)
        channels = own.fields["mean"], own.fields["std"]
        known = (self.fingerprint, self.dim, cache)
        self._images = ImageGraph(own.file("image"), *known, channels)
        self._texts = TextGraph(own.file("text"), *known)
        self._tokens = _tokenizer(own)

    def encode_images(self, images: Pixels) -> Rows:
        """Encode uint8 pixels (n, size, size, 3) as `v_i`, shape (n, dim). Raises `ModelError`."""
        parts = self._images.run_pixels(images) if len(images) else []
        return self._rows([rows for (rows,) in parts])

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Encode sentences as `v_t`, shape (n, dim). Raises `ModelError`."""
        own = self.description.fields
        parts = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
        run = self._texts.rows
        return self._rows(
            [run(self._tokens(part), own["pad"], any_length=own["any_length"]) for part in parts]
        )

    def unread(self, text: str) -> str:
        """The end of a text that is not read; empty if all of it is."""
        return self._tokens.unread(text)

    def rest(self) -> None:
        """Close both graphs; the next call that encodes reopens them."""
        self._images.rest()
        self._texts.rest()

    def _rows(self, parts: Sequence[NDArray[np.float32]]) -> Rows:
        return unit_rows(np.concatenate([np.zeros((0, self.dim), np.float32), *parts]))


def _tokenizer(own: Description) -> KeptTokenizer:
    """The tokenizer of a pair, cut and padded to its length. Raises `ModelError`."""
    fields = own.fields
    model = _padded(own.file("tokenizer"), fields["context_length"], fields["pad"])
    tokens = KeptTokenizer(fields["cleaning"], fields["words"], model, fields["blank"])
    try:
        tokens([""])  # compiles the pattern
    except Exception as error:  # `re` and `regex` have an error each
        raise ModelError(
            f"{own.folder / DESCRIPTION}: 'words' is no regular expression ({error}); correct it"
        ) from error
    return tokens


def _padded(path: Path, length: int, pad: int) -> str:
    """The JSON of a tokenizer that cuts and pads texts to a length. Raises `ModelError`."""
    from tokenizers import Tokenizer

    try:
        model = Tokenizer.from_str(path.read_text("utf-8"))
        model.enable_truncation(length)
        padding = model.padding or {}
        model.enable_padding(
            direction=padding.get("direction", "right"),
            pad_id=pad,
            pad_token=padding.get("pad_token", "[PAD]"),
            length=length,
        )
    except Exception as error:  # `tokenizers` raises nothing more precise
        raise ModelError(
            f"{path}: not a tokenizer.json of the package tokenizers ({error}); copy it again"
        ) from error
    return str(model.to_str())


def _fingerprint(own: Description, cache: Path) -> str:
    """The hash of a pair's files; kept with their sizes and times, for large ones take seconds."""
    files = own.files
    name = hashlib.sha256(str(own.folder).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    note, stamps = cache / "towers" / f"pair-{name}.stamps", stamps_of(files)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(note.read_text("utf-8"))
        if kept["stamps"] == stamps and kept["format"] == FORMAT:
            return str(kept["fingerprint"])
    parts = [FORMAT, *(f"{path.name} {file_hash(path)}" for path in files)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    with suppress(OSError), whole_file(note) as unfinished:  # it will be computed again
        facts = {"format": FORMAT, "stamps": stamps, "fingerprint": digest}
        unfinished.write_text(json.dumps(facts), "utf-8")
    return digest


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> PairEncoder:
    """Open `onnx:FOLDER`; never uses the network. Raises `InputError` and `ModelError`."""
    if not rest:
        raise InputError(f"{name} names no folder; write onnx:FOLDER")
    folder = Path(rest).expanduser().resolve()
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; check the path after 'onnx:'")
    return PairEncoder(folder, cache)
