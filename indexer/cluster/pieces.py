"""Pieces of work: each becomes one shard, whose name tells whether it was done before."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias, TypeVar

from indexer.captions import Caption
from indexer.captions.nearby import FileState
from indexer.cluster.places import Place
from indexer.metadata.fact import Fact
from indexer.metadata.fields import VERSION

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture to encode: its folder (absolute path or URI), path below it, size and time."""

    folder: bytes
    relative: bytes
    size: int
    mtime_ns: int

    @property
    def place(self) -> bytes:
        """The whole path or URI."""
        return posixpath.join(self.folder, self.relative)


@dataclass(frozen=True, slots=True)
class Beside:
    """A file beside pictures of a folder: its path below that, its pictures, and its state."""

    relative: bytes
    pictures: tuple[bytes, ...]
    state: FileState


@dataclass(frozen=True, slots=True)
class Files:
    """Pictures that are files, of one folder or of several.

    `captions` and `facts` are those of tables, by relative path; `beside` are the files beside
    single pictures, which all lie in the folder of the first one. `query` holds the options of the
    file system.
    """

    asked: tuple[Asked, ...]
    captions: Mapping[bytes, tuple[Caption, ...]] = field(default_factory=dict)
    facts: Mapping[bytes, tuple[Fact, ...]] = field(default_factory=dict)
    beside: tuple[Beside, ...] = ()
    query: str = ""

    @property
    def pictures(self) -> int:
        """Their number."""
        return len(self.asked)


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar archive in a storage, which is fetched as a whole; nobody knows what is in it yet."""

    place: Place
    size: int
    mtime_ns: int
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a Parquet file, `first` to `end` - 1, whose columns hold pictures and captions.

    `picture` names the column of addresses, or of bytes if `holds_bytes`.
    """

    place: Place
    size: int
    mtime_ns: int
    first: int
    end: int
    picture: str
    captions: tuple[str, ...]
    holds_bytes: bool

    @property
    def pictures(self) -> int:
        """Their number."""
        return self.end - self.first


Content: TypeAlias = Files | Archive | Rows


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a source, with the name of its shard."""

    name: str
    content: Content

    @classmethod
    def of(cls, source: str, content: Content) -> Piece:
        """The piece of a source, given by its key.

        The name covers all that is known of the pictures before they are read, and the version of
        the readers of metadata: as long as it is the same, so is the shard.
        """
        known = repr((VERSION, content)).encode("utf-8", "surrogatepass")
        return cls(f"{source}-{hashlib.blake2b(known, digest_size=12).hexdigest()}", content)


def source_key(name: str) -> str:
    """The beginning of the names of all shards of a source."""
    return hashlib.blake2b(os.fsencode(name), digest_size=6).hexdigest()


def cut(items: Iterable[T], key: Callable[[T], bytes], size: int) -> Iterator[list[T]]:
    """Cut items into parts of at most `size`; items in a row with one key stay together.

    The keys decide where (content-defined chunking), so that an item more or less changes the parts
    around it and no others. Only more than `size` items of one key make a larger part.
    """
    least = max(1, size // 2)
    part: list[T] = []
    for ending, together in groupby(items, key):
        group = list(together)
        if part and len(part) + len(group) > size:
            yield part
            part = []
        part.extend(group)
        if len(part) >= least and _is_end(ending, max(1, size - least)):
            yield part
            part = []
    if part:
        yield part


def _is_end(key: bytes, one_in: int) -> bool:
    """Whether a part may end after this key, as one key in so many does."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) % one_in == 0
