"""The manifest of a store: the encoder of its embeddings and, once it is finished, its shards."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from indexer.catalogue.values import pack
from indexer.encoders import Encoder
from indexer.encoders.golden import golden_of
from indexer.errors import LibraryDamaged, LibraryError

FORMAT = 1  # of manifests and shards: a reader refuses a later one


@dataclass(frozen=True, slots=True)
class StoreEncoder:
    """The encoder that made a store: as a library keeps it, and its preparation of pictures.

    `golden_image` and `golden_text` are embeddings of the golden pair (float16 bytes), None if
    unknown.
    """

    name: str
    fingerprint: str
    dim: int
    transform: str = ""
    golden_image: bytes | None = field(default=None, compare=False)
    golden_text: bytes | None = field(default=None, compare=False)

    @classmethod
    def of(cls, encoder: Encoder) -> StoreEncoder:
        """The facts of an encoder, which encodes the golden pair for them."""
        golden = golden_of(encoder)
        return cls(
            encoder.name,
            encoder.fingerprint,
            encoder.dim,
            repr(encoder.transform),
            pack(golden.image),
            pack(golden.text),
        )

    def to_json(self) -> dict[str, Any]:
        """The facts as values of JSON."""
        known = asdict(self)
        for name in ("golden_image", "golden_text"):
            raw = known[name]
            known[name] = None if raw is None else base64.b64encode(raw).decode()
        return known

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> StoreEncoder:
        """The facts that `to_json` wrote; raises `KeyError` or `ValueError` for others."""
        image, text = (
            None if values.get(name) is None else base64.b64decode(values[name], validate=True)
            for name in ("golden_image", "golden_text")
        )
        name, fingerprint, transform = (
            str(values[key]) for key in ("name", "fingerprint", "transform")
        )
        return cls(name, fingerprint, int(values["dim"]), transform, image, text)


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard: its name, its pictures, those of them without an embedding, and its size."""

    name: str
    pictures: int
    failed: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """The encoder of a store, whether it is finished, and then its shards."""

    encoder: StoreEncoder
    finished: bool = False
    shards: tuple[Shard, ...] = ()

    @property
    def pictures(self) -> int:
        """The number of pictures in all shards, those that could not be read too."""
        return sum(shard.pictures for shard in self.shards)

    @property
    def failed(self) -> int:
        """The number of pictures without an embedding."""
        return sum(shard.failed for shard in self.shards)

    def to_json(self) -> str:
        """The manifest as JSON."""
        return json.dumps(
            {
                "format": FORMAT,
                "encoder": self.encoder.to_json(),
                "finished": self.finished,
                "pictures": self.pictures,
                "failed": self.failed,
                "shards": [asdict(shard) for shard in self.shards],
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str | bytes, place: str) -> Manifest:
        """The manifest that `to_json` wrote. Raises `LibraryError` for a later format."""
        try:
            values = json.loads(text)
            version = int(values["format"])
            if version > FORMAT:
                raise too_new_error(place, version)
            encoder = StoreEncoder.from_json(values["encoder"])
            shards = tuple(Shard(**shard) for shard in values["shards"])
            return cls(encoder, bool(values["finished"]), shards)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise LibraryDamaged(
                f"{place}: manifest.json cannot be read ({error!r}); run the command that made "
                "the store again"
            ) from error


def too_new_error(place: str, version: int) -> LibraryError:
    """The error for a store or shard of a format that this picfuse does not know yet."""
    return LibraryError(
        f"{place}: made by a newer picfuse (format {version}, this one knows {FORMAT}); update "
        "picfuse: pip install -U picfuse"
    )
