"""What an encoder is: independent features of image and text, in one space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.pictures.transform import ImageTransform

Places: TypeAlias = NDArray[np.float32]  # (n, rows, columns, dim), of a grid over the pixels
Pixels: TypeAlias = NDArray[np.uint8]  # (n, height, width, 3), RGB


FP32, INT8 = "fp32", "int8"  # precisions


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures and sentences into unit-length rows of one space (`v_i` and `v_t`).

    `fingerprint` covers everything that the rows depend on: weights and preparation of the
    input; behind a "-" it names a precision other than the usual one. `means` holds the mean
    row of each modality, as measured on the encoder's training data; an encoder that was never
    measured has none. Under `HUB` it may have a row for `asking`, zeros but for the column of
    hubness. `modalities` names what can be encoded, so that a third one can join.

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
    def modalities(self) -> frozenset[str]: ...
    @property
    def transform(self) -> ImageTransform: ...
    @property
    def means(self) -> Mapping[str, NDArray[np.float32]]: ...

    def encode_images(self, images: Pixels) -> Rows:
        """`v_i`, shape (n, dim), of pixels that `transform` made; n may be 0."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """`v_t`, shape (n, dim); n may be 0."""
        ...


@runtime_checkable
class LocatingEncoder(Protocol):
    """What an encoder may do besides: say what each place of a picture adds to it."""

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, rows, columns, dim) whose products with a query tell places apart.

        The higher, the more a place speaks for the query, compared with the others of the same
        picture. Raises `ModelError` where the image tower has no such grid.
        """
        ...


@runtime_checkable
class RestingEncoder(Protocol):
    """What an encoder may do besides: let go of memory between two things that it encodes."""

    def rest(self) -> None:
        """Close the towers; what is encoded next opens them again."""
        ...
