"""The settings of a library, and their defaults."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

DEFAULT_ENCODER = "mini"
DEFAULT_FUSION = "concat"
DEFAULT_WEIGHT = 0.5  # of picture against caption
DATE_ORDERS = ("DMY", "MDY", "YMD")  # of day, month and year in a date; the first is the default


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """The encoder and fusion that made every vector of a library, and the weight of its queries.

    `fingerprint` covers the encoder's weights and its preparation of pictures; vectors of two
    fingerprints are never compared. `weight` of picture against caption is that of queries that
    name none. `reads_text`: indexing reads the text in pictures. `fillers` are texts that are no
    captions.
    """

    encoder: str = DEFAULT_ENCODER
    fingerprint: str = ""
    dim: int = 0
    fusion: str = DEFAULT_FUSION
    weight: float = DEFAULT_WEIGHT
    fusion_fingerprint: str = ""
    reads_text: bool = False
    fillers: tuple[str, ...] = ()

    @property
    def fusion_key(self) -> str:
        """The fingerprint of the fusion; the name of one without learned weights."""
        return self.fusion_fingerprint or self.fusion

    def to_json(self) -> str:
        """These settings as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> LibrarySettings:
        """The settings that `to_json` wrote; unknown keys of a later version are ignored."""
        known = {key: value for key, value in json.loads(text).items() if key in cls.__slots__}
        return cls(**known | {"fillers": tuple(known.get("fillers", ()))})

    def with_fusion(self, fusion: str, fingerprint: str) -> LibrarySettings:
        """The same settings with another fusion, which needs new rows but no new embeddings."""
        learned = "" if fingerprint == fusion else fingerprint
        return replace(self, fusion=fusion, fusion_fingerprint=learned)

    def with_weight(self, weight: float) -> LibrarySettings:
        """The same settings with another weight for queries that name none."""
        return replace(self, weight=weight)
