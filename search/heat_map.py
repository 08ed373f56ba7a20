"""The heat map: where in a picture a query is found."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders import LocatingEncoder
from indexer.errors import ModelError, PictureError, QueryError
from indexer.library.library import Library
from indexer.pictures.images import decode
from indexer.pictures.transform import Box, ImageTransform
from indexer.vectors.scoring import CentredIndex
from search.query.embedding import embed
from search.query.pictures import read_query_picture
from search.query.terms import Query, as_query

COLD, HOT = np.array([[20, 24, 60], [255, 90, 20]], np.float32)  # colours laid over a picture
COVER = 0.6  # of a picture that these hide where it is coldest; half as much where it is hottest
ROUNDING = 1e-5  # scores closer than this are equal: processors differ in what they round off


@dataclass(frozen=True, slots=True)
class HeatMap:
    """How much each place of a picture speaks for a query, compared with its other places.

    `scores` (rows, columns) belong to a grid over the `box` of the picture that its encoder sees:
    what its `image_score` would lose without the place (the built-in model), or the cosine of the
    place (open_clip).
    """

    scores: NDArray[np.float32]
    box: Box

    @property
    def peak(self) -> tuple[float, float]:
        """The middle of the place that fits best, as shares of the picture's width and height.

        Of places that score the same, the first in reading order.
        """
        highest = self.scores >= self.scores.max() - ROUNDING
        row, column = np.unravel_index(int(highest.argmax()), self.scores.shape)
        rows, columns = self.scores.shape
        left, top, right, bottom = self.box
        x = left + (right - left) * (float(column) + 0.5) / columns
        y = top + (bottom - top) * (float(row) + 0.5) / rows
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    @property
    def highest(self) -> float:
        """The score of the place that fits best."""
        return float(self.scores.max())

    @property
    def median(self) -> float:
        """The score that half of all places reach."""
        return float(np.median(self.scores))

    def over(self, image: Image.Image) -> Image.Image:
        """The picture (RGB) with warm colours where it fits best, and darkened where it does not.

        The hottest place of each picture is equally hot: what it scores is in `scores`.
        """
        heat = self._heat(image.size)[..., None]
        cover = COVER * (1 - heat / 2)
        mixed = np.asarray(image, np.float32) * (1 - cover) + (COLD + heat * (HOT - COLD)) * cover
        return Image.fromarray(mixed.round().astype(np.uint8))

    def _heat(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """0 (no more than most places) to 1 for each pixel (height, width); 0 outside the box."""
        low, spread = self.median, self.highest - self.median
        shares = (self.scores - low) / spread if spread > ROUNDING else np.zeros_like(self.scores)
        left, top, right, bottom = (
            round(share * side) for share, side in zip(self.box, size * 2, strict=True)
        )
        grid = Image.fromarray(shares.astype(np.float32))
        smooth = grid.resize((right - left, bottom - top), Image.Resampling.BICUBIC)
        heat = Image.new("F", size)
        heat.paste(smooth, (left, top))
        clipped: NDArray[np.float32] = np.clip(np.asarray(heat), 0, 1)
        return clipped


@dataclass(frozen=True, slots=True)
class HeatMapQuery:
    """What a heat map needs of a library: its encoder and a query `q` (dim,)."""

    encoder: LocatingEncoder
    transform: ImageTransform
    q: NDArray[np.float32]

    @classmethod
    def of(cls, library: Library, query: Query) -> HeatMapQuery:
        """A query as a library asks it.

        Raises `ModelError` for an encoder that cannot tell places apart, and `QueryError`.
        """
        encoder = library.encoder
        if not isinstance(encoder, LocatingEncoder):
            raise ModelError(
                f"the encoder {encoder.name!r} cannot locate a query in a picture; use the "
                "built-in one ('picfuse index --model mini'), or another open_clip model"
            )
        means = CentredIndex.in_index(library.vectors(), encoder.means).centres.means
        q = embed(query, encoder, means, offline=library.offline).q
        return cls(encoder, encoder.transform, q)

    def on(self, image: Image.Image) -> HeatMap:
        """Where in a picture (upright RGB) it is found. Raises `ModelError`."""
        (rows,) = self.encoder.encode_places(self.transform(image)[None])
        return HeatMap(rows @ self.q, self.transform.seen(*image.size))


def heat_map(library: Library, picture: str | bytes, query: Query | str) -> HeatMap:
    """Where in a picture (path, URL or bytes) a query is found, as a library's encoder sees it.

    The picture need not be in the library; it is only read. Raises `QueryError` and `ModelError`.
    """
    return HeatMapQuery.of(library, as_query(query)).on(
        opened_picture(picture, offline=library.offline)
    )


def opened_picture(picture: str | bytes, *, offline: bool = False) -> Image.Image:
    """A picture (path, URL or bytes), decoded upright. Raises `QueryError`."""
    try:
        return decode(io.BytesIO(read_query_picture(picture, offline=offline)))
    except PictureError as error:
        name = picture if isinstance(picture, str) else "the picture"
        raise QueryError(f"{name}: {error}") from error
