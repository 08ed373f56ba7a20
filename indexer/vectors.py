"""The vector index: stored rows in FAISS, under the ids of their pictures.

It is a cache of the catalogue. A picture without a caption is kept under the complement `~id`
of its id, so that a row tells its kind without a look into the catalogue.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.encoders.protocol import Rows
from indexer.errors import LibraryDamaged, LibraryError

Ids = NDArray[np.int64]
_callbacks: Any = faiss  # FAISS's type stubs leave them out


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

    def save(self, path: Path) -> None:
        """Write the index to a temporary name, sync and rename: it appears whole or not at all.

        Raises `LibraryError` when it cannot be written.
        """
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                faiss.write_index(self._faiss, _callbacks.PyCallbackIOWriter(file.write))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except (OSError, RuntimeError) as error:  # FAISS wraps what writing raises
            raise LibraryError(
                f"{path}: the vector index cannot be written ({error}); free some space or make "
                "the library writable, and run the same command again"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

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
        return self._keys >= 0

    @property
    def picture_ids(self) -> Ids:
        """The picture of each row, (n,)."""
        keys = self._keys
        return np.where(keys >= 0, keys, ~keys)

    @property
    def _keys(self) -> Ids:
        keys: Ids = faiss.vector_to_array(self._faiss.id_map)
        return keys

    def put(self, picture_ids: Ids, rows: Rows, has_caption: NDArray[np.bool_]) -> None:
        """Add the rows of pictures, in place of what these pictures had."""
        self.remove(picture_ids)
        if len(picture_ids):
            self._faiss.add_with_ids(rows, np.where(has_caption, picture_ids, ~picture_ids))

    def remove(self, picture_ids: Ids) -> None:
        """Forget the rows of pictures; ids without a row are passed over."""
        if len(picture_ids) and len(self):
            keys = np.concatenate([picture_ids, ~picture_ids])
            self._faiss.remove_ids(faiss.IDSelectorBatch(keys))


class _Memory:
    """Memory of an index as an array's base: the index lives as long as what views it."""

    def __init__(self, owner: faiss.Index, view: NDArray[np.float32]) -> None:
        self.owner = owner
        self.__array_interface__ = view.__array_interface__
