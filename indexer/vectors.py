"""The vector index: stored rows in FAISS, under the ids of their pictures.

It is a cache of the catalogue. A picture without a caption is kept under the complement `~id`
of its id, so that the key of a row tells its kind without a look into the catalogue.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import faiss
import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.encoders.protocol import Rows
from indexer.errors import LibraryDamaged, LibraryError

Ids = NDArray[np.int64]
_callbacks: Any = faiss  # FAISS's type stubs leave them out


def picture_ids(keys: Ids) -> Ids:
    """The pictures that keys stand for, (n,)."""
    return np.where(keys >= 0, keys, ~keys)


def verify(path: Path, checksum: str) -> None:
    """Raise `LibraryDamaged` unless a file is there and has this checksum.

    FAISS trusts the sizes that stand in a file; so it gets none that was not looked at.
    """
    found = xxhash.xxh3_128()
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                found.update(part)
    except OSError as error:
        raise LibraryDamaged(f"{path}: {error.strerror}; it will be built again") from error
    if found.hexdigest() != checksum:
        raise LibraryDamaged(f"{path}: damaged (its checksum differs); it will be built again")


class VectorIndex:
    """Rows of one width, found by picture id; kept in memory, saved as a whole."""

    def __init__(self, width: int) -> None:
        self._faiss = faiss.IndexIDMap2(faiss.IndexFlatIP(width))

    @classmethod
    def load(cls, path: Path, width: int) -> VectorIndex:
        """The index in a file. Raises `LibraryDamaged` when it is not a whole index of `width`."""
        try:
            with path.open("rb") as file:  # FAISS itself takes no name that is not UTF-8
                loaded = faiss.read_index(_callbacks.PyCallbackIOReader(file.read))
        except Exception as error:  # FAISS raises bare RuntimeErrors of many causes
            raise LibraryDamaged(f"{path}: not a vector index; it will be built again") from error
        flat = isinstance(loaded, faiss.IndexIDMap2) and faiss.downcast_index(loaded.index)
        if not isinstance(flat, faiss.IndexFlatIP) or loaded.d != width:
            raise LibraryDamaged(f"{path}: not an index of width {width}; it will be built again")
        return cls._of(loaded)

    def copy(self) -> VectorIndex:
        """An index of the same rows that can change while this one is read."""
        return self._of(faiss.clone_index(self._faiss))

    @classmethod
    def _of(cls, made: faiss.Index) -> VectorIndex:
        index = cls.__new__(cls)
        index._faiss = cast(faiss.IndexIDMap2, made)
        return index

    def save(self, folder: Path) -> tuple[str, str]:
        """Write `vectors-….faiss`, named by its checksum; returns its name and the checksum.

        It is written to a temporary name, synced and renamed: it appears whole or not at all.
        Raises `LibraryError` when it cannot be written.
        """
        temporary = folder / f"vectors-{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                output = _Hashing(file)
                faiss.write_index(self._faiss, _callbacks.PyCallbackIOWriter(output.write))
                file.flush()
                os.fsync(file.fileno())
            checksum = output.checksum.hexdigest()
            path = folder / f"vectors-{checksum[:16]}.faiss"
            temporary.replace(path)
            _sync_names(folder)
        except (OSError, RuntimeError) as error:  # FAISS wraps what writing raises
            raise LibraryError(
                f"{folder}: the vector index cannot be written ({error}); free some space or make "
                "the library writable, and run the same command again"
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return path.name, checksum

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @property
    def rows(self) -> Rows:
        """All rows (n, width): a view of FAISS's memory, valid until the next change."""
        if not len(self):
            return np.zeros((0, self._faiss.d), np.float32)
        flat: Any = faiss.downcast_index(self._faiss.index)
        view = faiss.rev_swig_ptr(flat.get_xb(), len(self) * self._faiss.d)
        return np.asarray(_Memory(self._faiss, view)).reshape(len(self), self._faiss.d)

    @property
    def has_caption(self) -> NDArray[np.bool_]:
        """Which rows belong to a picture with a caption, (n,)."""
        return self.keys >= 0

    @property
    def picture_ids(self) -> Ids:
        """The picture of each row, (n,)."""
        return picture_ids(self.keys)

    @property
    def keys(self) -> Ids:
        """The key of each row, (n,): the picture's id, or its complement without a caption."""
        keys: Ids = faiss.vector_to_array(self._faiss.id_map)
        return keys

    def add(self, keys: Ids, rows: Rows) -> None:
        """Add rows under keys that are not there yet."""
        if len(keys):
            self._faiss.add_with_ids(np.ascontiguousarray(rows), keys)

    def put(self, picture_ids: Ids, rows: Rows, has_caption: NDArray[np.bool_]) -> None:
        """Add the rows of pictures, in place of what these pictures had."""
        self.remove(picture_ids)
        self.add(np.where(has_caption, picture_ids, ~picture_ids), rows)

    def remove(self, picture_ids: Ids) -> None:
        """Forget the rows of pictures; ids without a row are passed over."""
        if len(picture_ids) and len(self):
            keys = np.concatenate([picture_ids, ~picture_ids])
            self._faiss.remove_ids(faiss.IDSelectorBatch(keys))


class _Hashing:
    """A file whose checksum is taken while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = xxhash.xxh3_128()

    def write(self, part: bytes) -> int:
        self.checksum.update(part)
        return self._file.write(part)


def _sync_names(folder: Path) -> None:
    """Make a rename last: on most systems the names of a folder are synced by themselves."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Memory:
    """Memory of an index as an array's base: the index lives as long as what views it."""

    def __init__(self, owner: faiss.Index, view: NDArray[np.float32]) -> None:
        self.owner = owner
        self.__array_interface__ = view.__array_interface__
