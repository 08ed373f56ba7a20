"""A store: a folder of shards here or in object storage, and its manifest.

    manifest.json          the encoder; once all is written, also the shards and their numbers
    shards/NAME.parquet    records of pictures

A shard is there when its file is: it is written under another name and then moved, its footer says
which encoder made it, and its pages have checksums. So the shards are the truth and the manifest,
until it is finished, only names the encoder: a kill at any moment costs the shards in work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import compress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.errors import (
    EncoderMismatch,
    InputError,
    LibraryDamaged,
    LibraryError,
    LibraryNotFound,
)
from indexer.shards.manifest import FORMAT, Manifest, Shard, StoreEncoder, too_new_error
from indexer.shards.places import exists, folder_of, names_in, storage_errors, write_whole
from indexer.shards.record import PictureRecord
from indexer.shards.schema import records_of, schema_of, to_table

MANIFEST = "manifest.json"
SUFFIX = ".parquet"
_FOLDER = "shards"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_FOOTER = b"picfuse"  # key of the footer's metadata
_READERS = 16  # footers that are read at a time
_ROWS = 1000  # in a row group, which is read at a time
_DAMAGE = (
    pa.ArrowException,
    OSError,
    LibraryDamaged,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


class Store:
    """A folder of shards; `create` or `open` one. Any number of processes may write shards to it.

    `encoder` is the one whose embeddings it holds, `folder` the file system of its folder.
    """

    def __init__(self, place: str, folder: Any, manifest: Manifest) -> None:
        self.place = place
        self.manifest = manifest
        self.folder = folder

    @property
    def encoder(self) -> StoreEncoder:
        """The encoder that made all embeddings."""
        return self.manifest.encoder

    @classmethod
    def create(cls, place: str, encoder: StoreEncoder) -> Store:
        """Make a store, or go on with one of the same encoder, which counts as unfinished then.

        Raises the errors of `prepare`.
        """
        store = cls.prepare(place, encoder)
        store.begin()
        return store

    @classmethod
    def prepare(cls, place: str, encoder: StoreEncoder) -> Store:
        """Make a store, or open one of the same encoder, which stays as it is until `begin`.

        Raises `EncoderMismatch` for a store of another encoder, `LibraryError` for a place that
        cannot be written.
        """
        folder = folder_of(place)
        with storage_errors(place):
            if exists(folder, MANIFEST):
                store = cls.open(place, unfinished=True)
                store.check_encoder(encoder)
                return store
            if names_in(folder, _FOLDER):
                raise LibraryDamaged(f"{place}: has shards and no {MANIFEST}; name an empty folder")
            manifest = Manifest(encoder)
            folder.create_dir(_FOLDER, recursive=True)
            write_whole(folder, MANIFEST, manifest.to_json().encode())
        return cls(place, folder, manifest)

    @classmethod
    def open(cls, place: str, *, unfinished: bool = False) -> Store:
        """Open a store. Raises `LibraryNotFound` if there is none.

        Raises `LibraryError` for one that is not finished, unless that is asked for.
        """
        folder = folder_of(place)
        with storage_errors(place):
            if not exists(folder, MANIFEST):
                raise LibraryNotFound(
                    f"{place}: no store of embeddings here ({MANIFEST} is missing); make one with "
                    "'picfuse cluster encode'"
                )
            with folder.open_input_stream(MANIFEST) as stream:
                manifest = Manifest.from_json(stream.read(), place)
        store = cls(place, folder, manifest)
        if not manifest.finished and not unfinished:
            raise LibraryError(
                f"{place}: only partly written (shards so far: {len(store.names())}); run the "
                "command that makes it again; it goes on from there"
            )
        return store

    def begin(self) -> None:
        """Note in the manifest that shards are being written."""
        self._note(replace(self.manifest, finished=False, shards=()))

    def check_encoder(self, encoder: StoreEncoder) -> None:
        """Raise `EncoderMismatch` if this store was made with another encoder."""
        own = self.encoder
        if own.fingerprint != encoder.fingerprint:
            raise EncoderMismatch(
                f"{self.place}: made with {own.name!r} ({own.fingerprint[:8]}), not "
                f"{encoder.name!r} ({encoder.fingerprint[:8]}); name another place, or use --model "
                f"{own.name}"
            )

    def write_shard(self, name: str, records: Sequence[PictureRecord]) -> Shard:
        """Write a shard as a whole; one of the same name is replaced.

        Raises `InputError` for a name that is no file name, or embeddings of another width.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r}: not a name for a shard; use letters, digits and - _ .")
        failed = sum(record.v_i is None for record in records)
        content = self._content(records, failed)
        with storage_errors(self.place):
            write_whole(self.folder, _path(name), content)
        return Shard(name, len(records), failed, content.size)

    def _content(self, records: Sequence[PictureRecord], failed: int) -> pa.Buffer:
        said = {
            "format": FORMAT,
            "fingerprint": self.encoder.fingerprint,
            "pictures": len(records),
            "failed": failed,
        }
        table = to_table(records, self.encoder.dim)
        table = table.replace_schema_metadata({_FOOTER: json.dumps(said).encode()})
        sink = pa.BufferOutputStream()
        pq.write_table(
            table,
            sink,
            row_group_size=_ROWS,
            compression="zstd",
            write_page_checksum=True,
        )
        return sink.getvalue()

    def drop_shard(self, name: str) -> None:
        """Delete a shard, if it is there."""
        with storage_errors(self.place), suppress(FileNotFoundError):
            self.folder.delete_file(_path(name))

    def complete(self) -> set[str]:
        """Names of the shards that are there as a whole; the others are to be written again."""
        names = self.names()
        with ThreadPoolExecutor(_READERS) as pool:  # in object storage each footer is a round trip
            return set(compress(names, pool.map(self._is_sound, names)))

    def names(self) -> list[str]:
        """Names of all shards that should be there, damaged and missing ones too, in order."""
        return sorted({name for name, _ in self._files()} | {s.name for s in self.manifest.shards})

    def shards(self) -> list[Shard]:
        """Every shard with its numbers, by name.

        Raises `LibraryDamaged` for one that was cut short or is missing, `EncoderMismatch` for one
        of another encoder.
        """
        sizes = dict(self._files())
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(lambda name: self._shard(name, sizes.get(name, 0)), self.names()))

    def records(self, shard: Shard | str) -> Iterator[list[PictureRecord]]:
        """The records of a shard, up to a thousand at a time. Raises the errors of `shards`."""
        name = shard if isinstance(shard, str) else shard.name
        with self._opened(name) as file:
            self._shard_of(file, name, 0)
            for group in range(file.num_row_groups):
                with self._damage(name):
                    records = records_of(file.read_row_group(group))
                yield records

    def finish(self) -> Manifest:
        """Note in the manifest that all shards are written, and which they are."""
        self._note(replace(self.manifest, finished=True, shards=tuple(self.shards())))
        return self.manifest

    def _note(self, manifest: Manifest) -> None:
        if manifest != self.manifest:
            with storage_errors(self.place):
                write_whole(self.folder, MANIFEST, manifest.to_json().encode())
        self.manifest = manifest

    def _files(self) -> list[tuple[str, int]]:
        with storage_errors(self.place):
            files = names_in(self.folder, _FOLDER)
        return [
            (name.removesuffix(SUFFIX), size)
            for name, size in files
            if name.endswith(SUFFIX) and not name.startswith(".")
        ]

    def _is_sound(self, name: str) -> bool:
        try:
            self._shard(name, 0)
        except (EncoderMismatch, LibraryDamaged):
            return False
        return True

    def _shard(self, name: str, size: int) -> Shard:
        with self._opened(name) as file:
            return self._shard_of(file, name, size)

    def _shard_of(self, file: Any, name: str, size: int) -> Shard:
        """The numbers in the footer of an open shard."""
        with self._damage(name):
            said = json.loads(file.schema_arrow.metadata[_FOOTER])
            version, fingerprint = int(said["format"]), said["fingerprint"]
            numbers = int(said["pictures"]), int(said["failed"])
            rows = file.metadata.num_rows
            is_whole = file.schema_arrow.equals(schema_of(self.encoder.dim)) and rows == numbers[0]
        if version > FORMAT:
            raise too_new_error(f"{self.place}: shard {name}", version)
        if fingerprint != self.encoder.fingerprint:
            raise EncoderMismatch(
                f"{self.place}: the shard {name} was made with another encoder "
                f"({fingerprint[:8]}, the store is of {self.encoder.fingerprint[:8]}); delete it "
                "and run the command that makes the store again"
            )
        if not is_whole:
            raise self._damaged(name, "its columns or rows are not those of a shard")
        return Shard(name, *numbers, size)

    @contextmanager
    def _opened(self, name: str) -> Iterator[Any]:
        with ExitStack() as opened:
            with self._damage(name):
                stream = opened.enter_context(self.folder.open_input_file(_path(name)))
                file = opened.enter_context(pq.ParquetFile(stream, page_checksum_verification=True))
            yield file

    @contextmanager
    def _damage(self, name: str) -> Iterator[None]:
        """Turn whatever a damaged file makes Arrow say into `LibraryDamaged`."""
        try:
            yield
        except FileNotFoundError as error:
            raise LibraryDamaged(
                f"{self.place}: the shard {name} is missing; run the command that makes the store "
                "again"
            ) from error
        except PermissionError as error:
            with storage_errors(self.place):
                raise error
        except _DAMAGE as error:
            said = " ".join(str(error).split())
            raise self._damaged(name, said) from error

    def _damaged(self, name: str, reason: str) -> LibraryDamaged:
        return LibraryDamaged(
            f"{self.place}: the shard {name} is damaged or cut short ({reason}); delete "
            f"{_path(name)} and run the command that makes the store again"
        )


def _path(name: str) -> str:
    return f"{_FOLDER}/{name}{SUFFIX}"
