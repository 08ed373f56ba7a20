"""A connection to one collection; errors of Milvus become one line with a remedy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from indexer.embedding import Floats
from indexer.errors import LibraryError, LibraryNotFound
from indexer.kinds.extras import CLUSTER_EXTRA, extra_module
from indexer.library.address import Address
from indexer.milvus.picture import features_of

MOST = 16_384  # rows that Milvus gives for one search or query
SECONDS = 10.0  # within which a server takes a connection
Entity = Mapping[str, Any]


def _effort(limit: int) -> dict[str, int]:
    """The effort of each kind of index for this number of rows."""
    return {"ef": max(64, 2 * limit), "nprobe": 128, "refine_k": 4, "search_list": limit + 100}


class Connection:
    """A client of Milvus and the name of a collection; threads may share it."""

    def __init__(self, address: Address) -> None:
        """Connect. Raises `LibraryError` for a server that does not answer."""
        self.address = address
        pymilvus = extra_module("pymilvus", CLUSTER_EXTRA, "a collection in Milvus")
        for name in ("pymilvus", "milvus_lite"):  # their errors become ours
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if address.file is not None and not (folder := Path(address.file).parent).is_dir():
            raise LibraryNotFound(f"{address.file}: no folder {folder}; make it first")
        self.pymilvus, self.types = pymilvus, pymilvus.DataType
        self._errors: tuple[type[Exception], ...] = (pymilvus.MilvusException, OSError, ValueError)
        with self.told():
            self.client = pymilvus.MilvusClient(
                uri=address.uri, token=address.token, timeout=SECONDS
            )
            self.is_lite = "lite" in str(self.client.get_server_version()).lower()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn errors of pymilvus into errors that name the collection and a remedy."""
        try:
            yield
        except self._errors as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> LibraryError:
        text, place = self.address.text, self.address.file or self.address.uri
        said = " ".join(str(getattr(error, "message", error)).split())
        small = said.lower()
        if "connect" in small or "unavailable" in small or "deadline" in small:
            return LibraryError(
                f"{text}: no Milvus answers at {place}; start it, or correct host and port"
            )
        if "auth" in small or "permission" in small:
            return LibraryError(
                f"{text}: {place} wants a login; write milvus://USER:PASSWORD@HOST:PORT/COLLECTION"
            )
        if "local milvus" in small:  # milvus-lite keeps the reason to itself
            return LibraryError(
                f"{text}: milvus-lite cannot open {place}: another process uses it, or it is no "
                "file of milvus-lite; end that process, or name another file"
            )
        return LibraryError(f"{text}: Milvus says: {said[:300]}")

    def has(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        with self.told():
            return bool(self.client.has_collection(name))

    def load(self, name: str) -> None:
        """Have Milvus load a collection, if it is not; one that was released answers nothing."""
        with self.told():
            if "Loaded" not in str(self.client.get_load_state(name).get("state")):
                self.client.load_collection(name)

    def count(self, condition: str = "", *, name: str = "") -> int:
        """The number of rows that fulfil a condition, as they are now."""
        with self.told():
            rows = self.client.query(
                name or self.address.name,
                filter=condition,
                output_fields=["count(*)"],
                consistency_level="Strong",
            )
        return int(rows[0]["count(*)"])

    def query(
        self, condition: str, fields: Sequence[str], *, limit: int = MOST, name: str = ""
    ) -> list[Entity]:
        """Rows that fulfil a condition, in no order."""
        with self.told():
            return list(
                self.client.query(
                    name or self.address.name,
                    filter=condition,
                    output_fields=list(fields),
                    limit=limit,
                    consistency_level="Strong",
                )
            )

    def digests(self, ids: Sequence[int]) -> dict[int, str]:
        """The digests of those rows that are there, by id."""
        rows = self.query(f"id in {list(ids)}", ["id", "digest"])
        return {int(row["id"]): str(row["digest"]) for row in rows}

    def nearest(
        self,
        field: str,
        sought: Sequence[Floats] | Sequence[str],
        *,
        condition: str,
        limit: int,
        metric: str = "IP",
    ) -> list[list[tuple[int, float]]]:
        """Ids and scores of the best rows for each row (dim,) or text that is sought."""
        data = [one if isinstance(one, str) else one.tolist() for one in sought]
        params = _effort(limit) if metric == "IP" else {}
        with self.told():
            found = self.client.search(
                self.address.name,
                data=data,
                anns_field=field,
                limit=limit,
                filter=condition,
                output_fields=["id"],
                search_params={"metric_type": metric, "params": params},
            )
        return [[(int(hit["id"]), float(hit["distance"])) for hit in hits] for hits in found]

    def ids(self, condition: str) -> Iterator[int]:
        """Ids of all rows that fulfil a condition, ascending."""
        for row in self._iterated(condition, ["id"]):
            yield int(row["id"])

    def sample(self, fields: Sequence[str], most: int) -> list[tuple[int, list[Floats]]]:
        """Up to `most` rows: ids, and the vectors of some fields."""
        rows = islice(self._iterated("", ["id", *fields]), most)
        return [(int(row["id"]), [features_of(row[field]) for field in fields]) for row in rows]

    def _iterated(self, condition: str, fields: Sequence[str]) -> Iterator[Entity]:
        with self.told():
            iterator = self.client.query_iterator(
                self.address.name,
                batch_size=1000,
                filter=condition,
                output_fields=list(fields),
                consistency_level="Strong",
            )
            with closing(iterator):
                while rows := iterator.next():
                    yield from rows

    def delete(self, ids: Sequence[int]) -> None:
        """Remove rows."""
        with self.told():
            self.client.delete(self.address.name, ids=list(ids))

    def flush(self) -> None:
        """Have Milvus write down all rows."""
        with self.told():
            self.client.flush(self.address.name)

    def upsert(self, rows: Sequence[Entity], *, name: str = "") -> None:
        """Write rows, in place of those of the same key."""
        with self.told():
            self.client.upsert(name or self.address.name, list(rows))

    def close(self) -> None:
        """Close the connection."""
        with suppress(*self._errors):
            self.client.close()
