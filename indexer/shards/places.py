"""Places of stores: a folder here or in object storage, by its path or URI."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from indexer.errors import InputError, LibraryError

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_REFUSED = re.compile(r"access.?denied|forbidden|permission|unauthor|credential|\b40[13]\b", re.I)

_PATIENCE = 10  # seconds


def is_uri(place: str) -> bool:
    """Whether a place is a URI, such as `s3://bucket/folder`."""
    return bool(_SCHEME.match(place))


def folder_of(place: str) -> Any:
    """The folder of a path or URI, as an Arrow file system of its own.

    Raises `InputError` for a URI that Arrow cannot read, `LibraryError` without permission.
    """
    with storage_errors(place):
        if not is_uri(place):
            path = os.path.abspath(Path(place).expanduser())
            return fs.SubTreeFileSystem(path, fs.LocalFileSystem())
        try:
            system, path = fs.FileSystem.from_uri(place)
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{place}: not a place that can be read ({error}); name a folder, or a URI of "
                "file://, s3:// or gs://"
            ) from error
        return fs.SubTreeFileSystem(path, system)


def _impatient(place: str) -> str:
    """The URI, with a limit for retries: those of Google's storage would take 15 minutes."""
    if not place.startswith(("gs://", "gcs://")) or "retry_limit_seconds" in place:
        return place
    return f"{place}{'&' if '?' in place else '?'}retry_limit_seconds={_PATIENCE}"


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn errors of a file system into a `LibraryError` that names the place and a remedy."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        if isinstance(error, PermissionError) or _REFUSED.search(said):
            remedy = "no permission; check the credentials and the rights of this user"
            raise LibraryError(f"{place}: {remedy} ({said})") from error
        raise LibraryError(
            f"{place}: cannot be used ({said}); what is finished is kept: check the place and "
            "run the same command again"
        ) from error


def exists(folder: Any, name: str) -> bool:
    """Whether a file is in a folder."""
    return bool(folder.get_file_info(name).type == fs.FileType.File)


def names_in(folder: Any, below: str) -> list[tuple[str, int]]:
    """Names of the files in a folder below this one, with their sizes in bytes, in order."""
    selector = fs.FileSelector(below, allow_not_found=True)
    files = [each for each in folder.get_file_info(selector) if each.type == fs.FileType.File]
    return sorted((each.base_name, each.size) for each in files)


def write_whole(folder: Any, name: str, content: Any) -> None:
    """Write a file that is there as a whole, or not at all; one of its name is replaced."""
    above, _, base = name.rpartition("/")
    temporary = f"{above}/.{base}.{os.getpid()}" if above else f".{base}.{os.getpid()}"
    if above:
        folder.create_dir(above, recursive=True)
    with folder.open_output_stream(temporary) as stream:
        stream.write(content)
    folder.move(temporary, name)
