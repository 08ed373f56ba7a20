"""The vector index: stored rows in FAISS, under the ids of their pictures.

It is a cache of the catalogue. A picture without a caption is kept under the complement `~id`
of its id, so that a row tells its kind without a look into the catalogue.
"""

from __future__ import annotations

import os
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.encoders.protocol import Rows
from indexer.errors import LibraryDamaged

Ids = NDArray[np.int64]


class VectorIndex:
    """Rows of one width, found by picture id; kept in memory, saved as a whole."""

    def __init__(self, width: int) -> None:
        self._faiss = faiss.IndexIDMap2(faiss.IndexFlatIP(width))

    @classmethod
    def load(cls, path: Path, width: int) -> VectorIndex:
        """The index in a file. Raises `LibraryDamaged` when it is not a whole index of `width`."""
        try:
            loaded = faiss.read_index(os.fspath(path))
        except Exception as error:  # FAISS raises bare RuntimeErrors of many causes
            raise LibraryDamaged(f"{path}: not a vector index; it will be built again") from error
        if not isinstance(loaded, faiss.IndexIDMap2) or loaded.d != width:
            raise LibraryDamaged(f"{path}: not an index of width {width}; it will be built again")
        index = cls.__new__(cls)
        index._faiss = loaded
        return index

    def save(self, path: Path) -> None:
        """Write the index to a temporary name, sync and rename: it appears whole or not at all."""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            faiss.write_index(self._faiss, os.fspath(temporary))
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @property
    def rows(self) -> Rows:
        """All rows (n, width): a view of FAISS's memory, valid until the next change."""
        if not len(self):
            return np.zeros((0, self._faiss.d), np.float32)
        flat = faiss.downcast_index(self._faiss.index)
        view: Rows = faiss.rev_swig_ptr(flat.get_xb(), len(self) * self._faiss.d)
        return view.reshape(len(self), self._faiss.d)

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
            self._faiss.remove_ids(np.concatenate([picture_ids, ~picture_ids]))
