"""The protocol of encoders: independent features of images and texts in one space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Floats, Rows
from indexer.encoders.lexicon import Lexicon
from indexer.pictures.transform import ImageTransform

Places: TypeAlias = Floats  # (n, rows, columns, dim): a grid over the pixels
Pixels: TypeAlias = NDArray[np.uint8]  # (n, height, width, 3), RGB
FP32, INT8 = "fp32", "int8"  # precisions


@runtime_checkable
class Encoder(Protocol):
    """Encodes pictures and sentences as unit rows of one space (`v_i` and `v_t`).

    `fingerprint` covers everything that the rows depend on: the weights and the preparation of
    the input; after a "-" it names a precision other than the usual one. `means` holds the mean
    row of each modality over the encoder's training data, and is empty if that was never
    measured. Its optional row under `HUB` is zero except in the hubness column, where it holds
    the value of a text query (`centred_query`).

    An encoder may also have `languages`, a set of codes such as "en": those of the texts that it
    understands. Without it, or if it is None, an encoder counts as knowing every language.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def transform(self) -> ImageTransform: ...
    @property
    def means(self) -> Mapping[str, Floats]: ...

    def encode_images(self, images: Pixels) -> Rows:
        """Encode pixels made by `transform` as `v_i`, shape (n, dim); n may be 0."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Encode sentences as `v_t`, shape (n, dim); n may be 0."""
        ...


@runtime_checkable
class LocatingEncoder(Protocol):
    """An encoder that can also show how much each place of a picture contributes to it."""

    def encode_places(self, images: Pixels) -> Places:
        """Encode places as rows (n, rows, columns, dim), to be multiplied with a query.

        The higher the product, the better a place matches the query, compared with the other
        places of the same picture. Raises `ModelError` if the image tower has no such grid.
        """
        ...


@runtime_checkable
class LimitedEncoder(Protocol):
    """An encoder that reads no more than the beginning of a long text, and tells what it leaves."""

    def unread(self, text: str) -> str:
        """The end of a text that is not read; empty if all of it is."""
        ...


@runtime_checkable
class TranslatingEncoder(Protocol):
    """An encoder that reads English alone, with lexicons of further languages for queries."""

    @property
    def lexicons(self) -> Sequence[Lexicon]: ...


@runtime_checkable
class RestingEncoder(Protocol):
    """An encoder that can also release its memory while it is idle."""

    def rest(self) -> None:
        """Close the towers; the next call that encodes reopens them."""
        ...
