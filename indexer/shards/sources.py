"""Sources of a merge: local libraries and stores, opened read-only and all of one encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from indexer.catalogue.database import FILE
from indexer.errors import InputError
from indexer.library.directory import is_file
from indexer.library.library import Library
from indexer.shards.manifest import StoreEncoder
from indexer.shards.places import is_uri
from indexer.shards.reading import records_of_library
from indexer.shards.record import PictureRecord
from indexer.shards.store import MANIFEST, Store

Batches: TypeAlias = Iterator[list[PictureRecord]]


class LibrarySource:
    """A local library; it is never written to."""

    kind = "library"

    def __init__(self, path: Path) -> None:
        self.library = Library.open(path, read_only=True)
        self.place = str(self.library.path)

    @property
    def encoder(self) -> StoreEncoder:
        """The encoder of its embeddings."""
        settings = self.library.settings
        stored = self.library.catalogue.encoder(settings.fingerprint)
        golden = (stored.golden_image, stored.golden_text) if stored else (None, None)
        return StoreEncoder(settings.encoder, settings.fingerprint, settings.dim, "", *golden)

    @property
    def pictures(self) -> int:
        """The number of pictures, missing and failed ones too."""
        (number,) = self.library.catalogue.column("SELECT count(*) FROM pictures")
        return int(number)

    def parts(self) -> Iterator[Batches]:
        """All of its records, as one part."""
        yield records_of_library(self.library)

    def close(self) -> None:
        """Close the library."""
        self.library.close()

    @property
    def remedy(self) -> str:
        """The command that gives it the encoder of a name."""
        return f"picfuse index --library {self.place} --model"


class StoreSource:
    """A finished store of shards."""

    kind = "store"
    library = None

    def __init__(self, place: str) -> None:
        self.store = Store.open(place)
        self.place = place

    @property
    def encoder(self) -> StoreEncoder:
        """The encoder of its embeddings."""
        return self.store.encoder

    @property
    def pictures(self) -> int:
        """The number of pictures, failed ones too."""
        return self.store.manifest.pictures

    def parts(self) -> Iterator[Batches]:
        """The records of each shard, by name; damage in one leaves the others readable."""
        return map(self.store.records, self.store.names())

    def close(self) -> None:
        """Nothing is open between reads."""

    @property
    def remedy(self) -> str:
        """The command that makes it with the encoder of a name."""
        return "picfuse cluster encode with another --output and --model"


Source: TypeAlias = LibrarySource | StoreSource


def open_source(place: str) -> Source:
    """The library or store at a path or URI. Raises `InputError` if it is neither."""
    path = Path(place).expanduser().absolute()
    if is_uri(place) or is_file(path / MANIFEST):
        return StoreSource(place)
    if is_file(path / FILE):
        return LibrarySource(path)
    what = "neither a library nor a store of shards" if path.exists() else "not there"
    raise InputError(f"{place}: {what}; name the directory of a library, or a store")
