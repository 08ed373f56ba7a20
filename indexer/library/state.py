"""The state of a library: its settings, and what follows from them and from stored embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from indexer.catalogue.database import Reading
from indexer.catalogue.lookup.embeddings import EmbeddingLookup
from indexer.catalogue.lookup.pictures import Catalogue
from indexer.catalogue.values import CALIBRATION, COMPRESSED, GENERATION, SETTINGS
from indexer.confidence.calibration import Calibration, built_in
from indexer.embedding import PictureFeatures
from indexer.encoders import Encoder, load_encoder
from indexer.errors import EncoderMismatch, LibraryDamaged
from indexer.fusion import Fusion
from indexer.library.kept_fusion import kept_fusion
from indexer.library.segments import FusedRows
from indexer.settings import DEFAULT_WEIGHT, LibrarySettings
from indexer.vectors.compressed import CompressedState


class LibraryState:
    """Reads settings and everything that depends on them; each read sees the newest commit."""

    offline = False
    cache: Path | None = None

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.catalogue = Catalogue(reading, path)
        self.embeddings = EmbeddingLookup(reading, path)
        self._encoder: Encoder | None = None
        self._fusion: Fusion | None = None

    @property
    def settings(self) -> LibrarySettings:
        """The encoder, the fusion and the weight of the library."""
        stored = self.catalogue.setting(SETTINGS)
        if stored is None:
            raise LibraryDamaged(
                f"{self.path}: the library has lost its settings; index the folders into a new one"
            )
        return LibrarySettings.from_json(stored)

    @property
    def generation(self) -> int:
        """The number of batches ever written."""
        return int(self.catalogue.setting(GENERATION) or 0)

    @property
    def encoder_id(self) -> int:
        """The catalogue's number of the library's encoder."""
        key = self.catalogue.encoder_id(self.settings.fingerprint)
        if key is None:
            raise LibraryDamaged(
                f"{self.path}: the library has lost its encoder; index the folders into a new one"
            )
        return key

    @property
    def encoder(self) -> Encoder:
        """The encoder that made this library. Raises `EncoderMismatch` when it has changed."""
        settings = self.settings
        if self._encoder is None or self._encoder.fingerprint != settings.fingerprint:
            loaded = load_encoder(settings.encoder, cache=self.cache, offline=self.offline)
            if loaded.fingerprint != settings.fingerprint:
                raise EncoderMismatch(
                    f"{self.path}: made with another version of {settings.encoder!r} "
                    f"({settings.fingerprint[:8]}, now {loaded.fingerprint[:8]}); {self.remedy}"
                )
            self._encoder = loaded
        return self._encoder

    def use_encoder(self, loaded: Encoder) -> None:
        """Use an encoder that is loaded already; one of another fingerprint is not used."""
        self._encoder = loaded

    @property
    def remedy(self) -> str:
        """A remedy that moves the library to another version of its model."""
        return f"run 'picfuse index --model {self.settings.encoder}' to move it to this one"

    @property
    def fusion(self) -> Fusion:
        """The fusion of the stored rows. Raises `LibraryDamaged` when its weights are lost."""
        settings = self.settings
        if self._fusion is None or self._fusion.fingerprint != settings.fusion_key:
            self._fusion = kept_fusion(self.catalogue, settings)
        return self._fusion

    @property
    def weight(self) -> float:
        """The weight of queries that name none; a fusion that takes none has its own."""
        return self.settings.weight if self.fusion.weighable else DEFAULT_WEIGHT

    @property
    def width(self) -> int:
        """The width of a fused row."""
        return self.fusion.width(self.settings.dim)

    @property
    def vectors_key(self) -> str:
        """The fingerprints of encoder and fusion: fused rows depend on them and on embeddings."""
        settings = self.settings
        return f"{settings.fingerprint} {settings.fusion_key}"

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures; those that are not embedded are left out."""
        return self.embeddings.embedded(self.encoder_id, self.settings.dim, picture_ids)

    def fused(self, picture_ids: Sequence[int]) -> FusedRows:
        """Pictures, their fused rows, and whether each has a caption, from stored embeddings."""
        features = self.embedded(picture_ids)
        rows = self.fusion.pictures(features.v_i, features.v_t, features.has_caption)
        return features.ids, rows, features.has_caption

    @property
    def compressed(self) -> CompressedState:
        """The state of the compressed index on disk."""
        return CompressedState.from_json(self.catalogue.setting(COMPRESSED), self.vectors_key)

    @property
    def own_calibration(self) -> Calibration | None:
        """The calibration fitted to this library's captions; None if its rows have changed."""
        stored = self.catalogue.setting(CALIBRATION)
        own = None if stored is None else Calibration.from_json(stored)
        return own if own is not None and own.made_with == self.vectors_key else None

    @property
    def has_shipped_calibration(self) -> bool:
        """Whether a calibration is shipped for this encoder and this fusion."""
        return self._shipped is not None

    @property
    def calibration(self) -> Calibration:
        """Turns scores into confidences: its own lines, and shipped ones where it has none."""
        own, shipped = self.own_calibration or Calibration({}), self._shipped
        return own if shipped is None else own.beside(shipped)

    @property
    def _shipped(self) -> Calibration | None:
        settings = self.settings
        return built_in(settings.fingerprint, settings.fusion_key)
