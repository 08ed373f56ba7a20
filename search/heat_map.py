"""Heat maps: the places of a picture that match a query."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders import LocatingEncoder
from indexer.errors import ModelError, PictureError, QueryError
from indexer.library.searchable import Searchable
from indexer.pictures.images import decode
from indexer.pictures.transform import Box, ImageTransform
from indexer.vectors.scoring import CentredIndex
from search.query.embedding import embed
from search.query.pictures import read_query_picture
from search.query.terms import Query, as_query
from search.words.languages import in_english

COLD, HOT = np.array([[20, 24, 60], [255, 90, 20]], np.float32)  # colours laid over a picture
COVER = 0.6  # share of a picture that the coldest colour hides; the hottest hides half of it
ROUNDING = 1e-5  # scores closer than this are equal: processors differ in what they round off


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The score of each place of a picture for a query, to be compared with its other places.

    `scores` (rows, columns) form a grid over the `box` of the picture that the encoder sees. A
    score is the amount that `image_score` would lose without the place (the built-in model), or
    the cosine of the place (open_clip).
    """

    scores: NDArray[np.float32]
    box: Box

    @property
    def peak(self) -> tuple[float, float]:
        """The centre of the best place, as shares of the width and height of the picture.

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
        """The score of the best place."""
        return float(self.scores.max())

    @property
    def median(self) -> float:
        """The median score of all places."""
        return float(np.median(self.scores))

    def over(self, image: Image.Image) -> Image.Image:
        """The picture (RGB) in warm colours where it matches best, and darkened elsewhere.

        The hottest place of each picture is equally hot, whatever its score is.
        """
        heat = self._heat(image.size)[..., None]
        cover = COVER * (1 - heat / 2)
        mixed = np.asarray(image, np.float32) * (1 - cover) + (COLD + heat * (HOT - COLD)) * cover
        return Image.fromarray(mixed.round().astype(np.uint8))

    def _heat(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Heat of each pixel (height, width), 0 (up to the median) to 1; 0 outside the box."""
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
    """A query as it was read, its row `q` (dim,), and the encoder that finds it in pictures."""

    query: Query
    encoder: LocatingEncoder
    transform: ImageTransform
    q: NDArray[np.float32]

    @classmethod
    def of(cls, library: Searchable, query: Query) -> HeatMapQuery:
        """A query, embedded as in a search of a library.

        Raises `ModelError` for an encoder that cannot tell places apart, and `QueryError`.
        """
        encoder = library.encoder
        if not isinstance(encoder, LocatingEncoder):
            raise ModelError(
                f"the encoder {encoder.name!r} cannot locate a query in a picture; use the "
                "built-in one ('picfuse index --model mini'), or another open_clip model"
            )
        means = CentredIndex.in_index(library.vectors(), encoder.means).centres.means
        read = in_english(query, encoder)
        q = embed(read, encoder, means, offline=library.offline).q
        return cls(read, encoder, encoder.transform, q)

    def on(self, image: Image.Image) -> HeatMap:
        """The heat map of a picture (upright RGB). Raises `ModelError`."""
        (rows,) = self.encoder.encode_places(self.transform(image)[None])
        return HeatMap(rows @ self.q, self.transform.seen(*image.size))


def locate(library: Searchable, picture: str | bytes, query: Query | str) -> HeatMap:
    """The heat map of a picture (path, URL or bytes) for a query, by the encoder of a library.

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
