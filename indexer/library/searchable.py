"""The side of a library that a search needs: of a local one, or of a collection in Milvus."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from indexer.catalogue.lookup.albums import AlbumLookup
from indexer.catalogue.lookup.captions import CaptionLookup
from indexer.catalogue.lookup.embeddings import EmbeddingLookup
from indexer.catalogue.lookup.facts import FactLookup
from indexer.catalogue.lookup.picked import PickedLookup
from indexer.catalogue.lookup.pictures import Catalogue
from indexer.catalogue.lookup.readings import ReadingLookup
from indexer.catalogue.lookup.tags import TagLookup
from indexer.catalogue.lookup.words import WordLookup
from indexer.confidence.calibration import Calibration
from indexer.embedding import PictureFeatures, Rows
from indexer.encoders import Encoder
from indexer.fusion import Fusion
from indexer.settings import LibrarySettings
from indexer.vectors.index import VectorIndex


class Searchable(Protocol):
    """A library that answers questions: its lookups, its encoder and fusion, and its rows.

    A local library has all rows at hand. A collection in Milvus has those that a question needs,
    which `gather` fetches; whoever asks does so again whenever `rows_key` has changed meanwhile.
    """

    @property
    def catalogue(self) -> Catalogue:
        """The folders, pictures, captions and settings."""

    @property
    def embeddings(self) -> EmbeddingLookup:
        """Embeddings by content or by picture."""

    @property
    def tags(self) -> TagLookup:
        """Tags of pictures."""

    @property
    def words(self) -> WordLookup:
        """The index of words."""

    @property
    def facts(self) -> FactLookup:
        """The facts that pictures say of themselves."""

    @property
    def captions(self) -> CaptionLookup:
        """Captions of pictures."""

    @property
    def readings(self) -> ReadingLookup:
        """Text that was read in pictures."""

    @property
    def albums(self) -> AlbumLookup:
        """Saved searches."""

    @property
    def picked(self) -> PickedLookup:
        """Albums of picked pictures."""

    @property
    def path(self) -> Path:
        """The directory of a library, or the address of a collection."""

    @property
    def offline(self) -> bool:
        """Whether the network may not be used."""

    @property
    def settings(self) -> LibrarySettings:
        """The encoder, the fusion and the weight of the library."""

    @property
    def generation(self) -> int:
        """A number that changes with the library."""

    @property
    def encoder_id(self) -> int:
        """The catalogue's number of the library's encoder."""

    @property
    def encoder(self) -> Encoder:
        """The encoder that made this library. Raises `EncoderMismatch` when it has changed."""

    @property
    def fusion(self) -> Fusion:
        """The fusion of the stored rows."""

    @property
    def weight(self) -> float:
        """The weight of queries that name none."""

    @property
    def calibration(self) -> Calibration:
        """Turns scores into confidences."""

    @property
    def thumbnails(self) -> Path:
        """The folder of the thumbnails."""

    @property
    def rows_key(self) -> str:
        """A text that changes when rows become others, or more."""

    def use_encoder(self, loaded: Encoder) -> None:
        """Use an encoder that is loaded already."""

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures; those that are not embedded are left out."""

    def vectors(self) -> VectorIndex:
        """The rows at hand; an index never changes."""

    def distrust(self, file: str) -> None:
        """Make the rows of a damaged file again."""

    def asking(self, where: str | None, date_order: str) -> AbstractContextManager[Searchable]:
        """The library for one question about the pictures that fulfil a condition of `--where`."""

    def gather(self, rows: Rows | None, weight: float, count: int) -> None:
        """Have the `count` best pictures for query rows (m, dim) at hand; the newest for None."""

    def close(self) -> None:
        """Close the library."""
