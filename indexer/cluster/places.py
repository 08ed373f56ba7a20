"""Files and folders by path or URI, on any file system that pyarrow knows, and on the web."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote
from urllib.request import Request, build_opener

from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

from indexer.errors import InputError
from indexer.pictures.limits import MAX_BYTES
from indexer.shards.places import filesystem_of, first_line, is_refused, is_uri

WEB = ("http", "https")
WEB_TIMEOUT = 30  # seconds without an answer
_LOCAL = "file"
_IN_ADDRESS = "%/:=&?~#+!$,;'@()*[]"  # beside letters and digits; anything else is escaped
_OPENER = build_opener()  # follows redirections, and speaks HTTP alone for an HTTP address


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: an absolute path of this machine, or a URI.

    `query` holds the options of a file system, as "endpoint_override=localhost:9000".
    """

    name: str
    query: str = ""

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that a user names; `file://` and relative paths become absolute ones."""
        if not is_uri(text):
            return cls(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH111
        scheme, _, rest = text.partition("://")
        if scheme == _LOCAL:
            return cls(os.path.abspath(unquote(rest.removeprefix("localhost"))))
        if scheme in WEB:
            return cls(text)
        bare, _, query = text.partition("?")
        return cls(bare.rstrip("/"), query)

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return "://" not in self.name

    @property
    def is_on_web(self) -> bool:
        """Whether it is an address of the web, where nothing can be listed."""
        return self.name.partition("://")[0] in WEB

    @property
    def path(self) -> Path:
        """The path of a local place."""
        return Path(self.name)

    @property
    def uri(self) -> str:
        """The name with the options of the file system."""
        return f"{self.name}?{self.query}" if self.query else self.name

    @property
    def base(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    def below(self, relative: bytes) -> Place:
        """A place in this folder."""
        return Place(f"{self.name.rstrip('/')}/{os.fsdecode(relative)}", self.query)

    def __str__(self) -> str:
        return self.name

    def info(self) -> FileInfo:
        """The kind, size and time of what is there, if anything; raises OSError."""
        filesystem, path = self._opened()
        return filesystem.get_file_info(path)

    def listed(self) -> list[FileInfo]:
        """The files and folders in this folder, by name; raises OSError."""
        filesystem, path = self._opened()
        entries = filesystem.get_file_info(FileSelector(path))
        return sorted(entries, key=lambda entry: os.fsencode(entry.base_name))

    def opened(self) -> Any:
        """The file as a pyarrow file that can seek; raises OSError."""
        filesystem, path = self._opened()
        return filesystem.open_input_file(path)

    def fetch(self, target: Path) -> int:
        """Copy the file to a local path; the number of bytes. Raises OSError."""
        if self.is_on_web:
            return _fetch_web(self.name, target)
        filesystem, path = self._opened()
        with filesystem.open_input_stream(path) as source:
            return _copied(source, target, self.name)

    def _opened(self) -> tuple[FileSystem, str]:
        if self.is_local:
            return LocalFileSystem(), self.name
        scheme, _, rest = self.name.partition("://")
        authority, _, below = rest.partition("/")
        filesystem, root = _filesystem(scheme, authority, self.query)
        below = below.lstrip("/")
        return filesystem, f"{root.rstrip('/')}/{below}" if below else root


@lru_cache(64)
def _filesystem(scheme: str, authority: str, query: str) -> tuple[FileSystem, str]:
    """The file system of a URI without its path, and the root there."""
    uri = f"{scheme}://{authority}" + ("" if authority else "/") + (f"?{query}" if query else "")
    return filesystem_of(uri)


def places_like(place: Place) -> Iterator[Place]:
    """The files of a folder whose names fit the last part, which has `*` or `?` in it."""
    folder, _, pattern = place.name.rpartition("/")
    for entry in Place(folder, place.query).listed():
        if entry.type is FileType.File and fnmatchcase(entry.base_name, pattern):
            yield Place(f"{folder}/{entry.base_name}", place.query)


def reason_of_storage(error: OSError | InputError) -> str:
    """Why a file or folder in a storage could not be read, and what helps."""
    if isinstance(error, InputError):
        return str(error)
    if is_refused(error):
        return "permission denied (check the credentials in this environment)"
    if isinstance(error, FileNotFoundError):
        return "no such file or folder (deleted meanwhile?)"
    return f"cannot be read: {error.strerror or first_line(error)}"


def _fetch_web(address: str, target: Path) -> int:
    try:
        request = Request(quote(address, _IN_ADDRESS), headers={"User-Agent": "picfuse"})
        with _OPENER.open(request, timeout=WEB_TIMEOUT) as answer:
            return _copied(answer, target, address)
    except HTTPError as error:
        raise OSError(f"the server answers {error.code} {error.reason}") from error
    except URLError as error:
        raise OSError(str(error.reason)) from error
    except (HTTPException, ValueError) as error:
        raise OSError(first_line(error)) from error


def _copied(source: BinaryIO, target: Path, name: str) -> int:
    done = 0
    with target.open("wb") as file:
        while block := source.read(1 << 20):
            done += len(block)
            if done > MAX_BYTES:
                raise OSError(f"{name}: over the limit of {MAX_BYTES >> 30} GiB for a file")
            file.write(block)
    return done
