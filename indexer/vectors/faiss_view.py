"""One view of the compressed index: rows whose products are the scores at one weight, in FAISS.

IVF lists of RaBitQ codes (Gao and Long, 2024): one bit per dimension and a few numbers per row.
The ids are picture ids. The file of a view is checked before FAISS reads it, since FAISS trusts
the sizes in a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Self

import faiss
import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.vectors.blocks import RowsDamaged, read_checked
from indexer.vectors.files import write_named
from indexer.vectors.keys import Ids

SUFFIX = ".ivf"
_CODES = "RaBitQfs"
_ROUNDS = 10  # of k-means
_ALL_CORES = 15  # FAISS's code for a search that spreads the lists of one query over all cores
_faiss: Any = faiss  # for names that are missing in FAISS's type stubs


class CompressedView:
    """Codes of one row per picture, searched by inner product."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._turn, self._lists = _parts(index)
        self._lists.implem = _ALL_CORES

    @classmethod
    def trained(cls, sample: Rows, lists: int) -> Self:
        """Make an empty view whose lists fit a sample (n, dim) of rows.

        Rows are rotated at random first: one bit per dimension works best if all dimensions carry
        equal information, which those of an embedding do not.
        """
        dim = sample.shape[1]
        spec = f"RR{dim},IVF{lists},{_CODES}"
        index = faiss.index_factory(dim, spec, faiss.METRIC_INNER_PRODUCT)
        faiss.extract_index_ivf(index).cp.niter = _ROUNDS
        index.train(np.ascontiguousarray(sample))
        return cls(index)

    @classmethod
    def load(cls, path: Path, checksum: str) -> Self:
        """Load a view from a file. Raises `RowsDamaged` unless it has this checksum."""
        view = memoryview(read_checked(path, checksum))
        try:
            return cls(faiss.read_index(_faiss.PyCallbackIOReader(_Reading(view).read)))
        except Exception as error:  # FAISS raises bare RuntimeErrors for many causes
            raise RowsDamaged(path, "not a compressed index") from error

    def save(self, folder: Path) -> tuple[str, str]:
        """Write `vectors-….ivf`; returns its name and checksum. Raises `LibraryError`."""

        def write(file: BinaryIO) -> str:
            output = _Hashing(file)
            faiss.write_index(self._index, _faiss.PyCallbackIOWriter(output.write))
            return output.checksum.hexdigest()

        return write_named(folder, SUFFIX, write)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        """The number of lists."""
        return int(self._lists.nlist)

    def add(self, rows: Rows, pictures: Ids) -> None:
        """Add rows (n, dim) of pictures; former rows of the same pictures stay."""
        if len(rows):
            self._index.add_with_ids(np.ascontiguousarray(rows), pictures)

    def candidates(self, q: NDArray[np.float32], count: int, probes: int) -> Ids:
        """Up to `count` pictures whose rows seem nearest to `q` (dim,), from `probes` lists."""
        settings = _faiss.SearchParametersIVF(nprobe=min(probes, self.lists))
        turned = q if self._turn is None else self._turn @ q
        _, rows = self._lists.search(np.ascontiguousarray(turned[None]), count, params=settings)
        ids: Ids = rows[0]
        return ids[ids >= 0]


def _parts(index: Any) -> tuple[NDArray[np.float32] | None, Any]:
    """The rotation (dim, dim) before the lists, or None, and the lists.

    The rotation is applied here, since the matrix library of FAISS would hold 10 MB for it.
    """
    lists = _faiss.downcast_index(_faiss.extract_index_ivf(index))
    if not isinstance(index, _faiss.IndexPreTransform):
        return None, lists
    turn = _faiss.downcast_VectorTransform(index.chain.at(0))
    return _faiss.vector_to_array(turn.A).reshape(turn.d_out, turn.d_in), lists


class _Reading:
    """A buffer that FAISS reads like a file."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._place = 0

    def read(self, size: int) -> bytes:
        start = self._place
        self._place += size
        return bytes(self._content[start : self._place])


class _Hashing:
    """A file whose checksum is computed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = xxhash.xxh3_128()

    def write(self, part: bytes) -> int:
        self.checksum.update(part)
        return self._file.write(part)
