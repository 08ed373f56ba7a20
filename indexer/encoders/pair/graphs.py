"""The two graphs of a pair, run where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from indexer.encoders.pair.description import DESCRIPTION
from indexer.encoders.protocol import Pixels
from indexer.encoders.runtime.graphs import Graph, open_session, shortened
from indexer.encoders.runtime.layout import Run
from indexer.errors import ModelError

_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_MASK = "attention_mask"
_NAMES = {"input_ids", "tokens", "text", _MASK}  # of the inputs, if there are two
_BYTES = "tensor(uint8)"
_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class PairGraph(Graph):
    """A graph in the folder of its pair; only the fastest layout for it is kept in the cache."""

    def __init__(self, path: Path, digest: str, dim: int, cache: Path) -> None:
        super().__init__(f"pair-{digest[:16]}-{path.stem}", cache)
        self._kept_layout, self._digest = self.path.with_suffix(".layout"), digest
        self.path, self.dim = path, dim

    @property
    def _layout_file(self) -> Path:
        return self._kept_layout

    @property
    def _hash(self) -> str:
        return self._digest

    @property
    def cached(self) -> bool:
        """Always: the file is the user's own."""
        return True

    def make(self, path: Path) -> None:
        """Raise `ModelError`: there is nothing to make it from."""
        raise ModelError(f"{path}: no such file; copy the model there again")

    def _open(self) -> onnxruntime.InferenceSession:
        return self._session_of(0)

    def _session_of(self, threads: int) -> onnxruntime.InferenceSession:
        try:
            return open_session(self.path, threads)
        except Exception as error:  # ONNX Runtime has an error of its own for each way to fail
            raise ModelError(
                f"{self.path}: not a graph that ONNX Runtime can run ({_line(error)}); export it "
                "again"
            ) from error

    def rows_of(
        self, session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
    ) -> NDArray[np.float32]:
        """The rows (n, dim) among what a graph gives for n inputs. Raises `ModelError`."""
        count = len(next(iter(inputs.values())))
        try:
            given = session.run(None, dict(inputs))
        except Exception as error:
            raise ModelError(
                f"{self.path}: does not run with inputs as in its model.json ({_line(error)})"
            ) from error
        for rows in given:
            if np.shape(rows) == (count, self.dim):
                return np.asarray(rows, np.float32)
        shapes = ", ".join(str(np.shape(rows)) for rows in given)
        raise ModelError(
            f"{self.path}: gives {shapes} for {count} inputs, but 'dim' of its model.json asks for "
            f"({count}, {self.dim}); correct it, or export the graph with its projection"
        )


class ImageGraph(PairGraph):
    """Takes bytes (n, size, size, 3), or floats (n, 3, size, size) that are normalised here."""

    def __init__(
        self,
        path: Path,
        digest: str,
        dim: int,
        cache: Path,
        channels: tuple[Sequence[float] | None, Sequence[float] | None],
    ) -> None:
        super().__init__(path, digest, dim, cache)
        self._channels = channels

    def _run_of(self, threads: int) -> Run:
        session = self._session_of(threads)
        name, kind = self._input_of(session)
        return lambda pixels: [self.rows_of(session, {name: self._prepared(pixels, kind)})]

    def _input_of(self, session: onnxruntime.InferenceSession) -> tuple[str, str]:
        """The name and the type of what a graph takes. Raises `ModelError`."""
        (taken, *more) = session.get_inputs()
        if more or taken.type not in (*_FLOATS, _BYTES):
            raise ModelError(
                f"{self.path}: takes {_said(session)}; an image graph takes one input of floats "
                "or bytes"
            )
        if taken.type != _BYTES and None in self._channels:
            raise ModelError(
                f"{self.path.with_name(DESCRIPTION)}: has no 'mean' and 'std', but "
                f"{self.path.name} takes floats; add them"
            )
        return taken.name, taken.type

    def _prepared(self, pixels: Pixels, kind: str) -> NDArray[Any]:
        """Pixels as a graph takes them: bytes as they are, floats normalised, channels first."""
        if kind == _BYTES:
            return pixels
        mean, std = (np.array(values, np.float32) for values in self._channels)
        scaled = (np.asarray(pixels, np.float32) / 255 - mean) / std
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), _FLOATS[kind])


class TextGraph(PairGraph):
    """Takes tokens (n, length), and a mask of the same shape if it asks for one."""

    def rows(self, tokens: NDArray[np.int64], pad: int, *, any_length: bool) -> NDArray[np.float32]:
        """The rows (n, dim) of tokens. Raises `ModelError`."""
        session = self._running()
        taken = session.get_inputs()
        odd = [i for i in taken if i.type not in _INTEGERS or (i.name not in _NAMES and taken[1:])]
        if odd or not 1 <= len(taken) <= 2:
            raise ModelError(
                f"{self.path}: takes {_said(session)}; a text graph takes tokens, and an "
                f"{_MASK!r} if need be"
            )
        used = shortened(tokens) if any_length and pad == 0 else tokens
        inputs = {
            one.name: (used != pad if one.name == _MASK else used).astype(_INTEGERS[one.type])
            for one in taken
        }
        return self.rows_of(session, inputs)


def _said(session: onnxruntime.InferenceSession) -> str:
    return ", ".join(f"{one.name} {one.type} {one.shape}" for one in session.get_inputs())


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
