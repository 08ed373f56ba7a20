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

RETRIES = 60  # seconds


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
        system, path = filesystem_of(place)
        return fs.SubTreeFileSystem(path, system)


def filesystem_of(uri: str) -> tuple[Any, str]:
    """The file system of a URI, and its path there. Raises OSError and `InputError`."""
    try:
        system, path = fs.FileSystem.from_uri(_with_limit(uri))
    except (pa.ArrowException, ValueError, ImportError) as error:
        raise InputError(
            f"{uri}: no storage that picfuse can read ({first_line(error)}); name a local path, "
            "or a URI of s3://, gs:// or file://"
        ) from error
    return system, path


def _with_limit(uri: str) -> str:
    """The URI, with a limit for retries: those of Google's storage would take 15 minutes."""
    if not uri.startswith(("gs://", "gcs://")) or "retry_limit_seconds" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}retry_limit_seconds={RETRIES}"


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn errors of a file system into a `LibraryError` that names the place and a remedy."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        if is_refused(error):
            remedy = "no permission; check the credentials and the rights of this user"
            raise LibraryError(f"{place}: {remedy} ({said})") from error
        raise LibraryError(
            f"{place}: cannot be used ({said}); what is finished is kept: check the place and "
            "run the same command again"
        ) from error


def is_refused(error: Exception) -> bool:
    """Whether an error of a file system tells that permission is lacking."""
    return isinstance(error, PermissionError) or _REFUSED.search(str(error)) is not None


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return next(iter(str(error).splitlines()), type(error).__name__)


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
