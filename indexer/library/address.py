"""Addresses of collections: `milvus://HOST:PORT/COLLECTION`, `milvus:///FILE.db/COLLECTION`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InputError

# A path keeps one of several slashes, so that one is enough, and files have whole paths.
_SCHEME = re.compile(r"(?:.*/)?milvus(?P<tls>\+tls)?:/{1,2}(?P<rest>.*)", re.DOTALL)
_FILE = re.compile(r"(?P<file>.+\.db)/(?P<name>[^/]+)")
_SERVER = re.compile(
    r"(?:(?P<login>[^@/]+:[^@/]*)@)?(?P<host>\[[^]]+\]|[^:/@]+):(?P<port>\d{1,5})/(?P<name>[^/]+)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_FORMS = (
    "write milvus://HOST:PORT/COLLECTION, or milvus:///FOLDER/FILE.db/COLLECTION for a file of "
    "milvus-lite"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A collection: the `uri` and `token` with which pymilvus connects, and its name.

    `text` is the address as it is shown, without a password.
    """

    uri: str
    token: str
    name: str
    text: str

    @property
    def file(self) -> str | None:
        """The file of milvus-lite; None for a server."""
        return None if "://" in self.uri else self.uri


def is_address(text: str | os.PathLike[str]) -> bool:
    """Whether a text or path names a collection and not a directory."""
    return _SCHEME.fullmatch(os.fspath(text)) is not None


def address_of(text: str | os.PathLike[str]) -> Address:
    """The collection that a text names. Raises `InputError` for other texts."""
    match = _SCHEME.fullmatch(os.fspath(text))
    if match is None:
        raise InputError(f"{text}: not a collection; {_FORMS}")
    rest, scheme = match["rest"], f"milvus{match['tls'] or ''}:/"
    server, file = _SERVER.fullmatch(rest.lstrip("/")), _FILE.fullmatch(rest)
    found = server or file
    if found is None:
        raise InputError(f"{scheme}/{rest.rpartition('@')[2]}: not a collection; {_FORMS}")
    if not _NAME.fullmatch(found["name"]):
        raise InputError(
            f"{found['name']!r}: not a name for a collection; use letters, digits and '_', "
            "and begin with a letter or '_'"
        )
    if server is not None:
        place = f"{server['host']}:{server['port']}"
        uri = f"{'https' if match['tls'] else 'http'}://{place}"
        return Address(
            uri, server["login"] or "", server["name"], f"{scheme}/{place}/{found['name']}"
        )
    path = _file_path(found["file"])
    return Address(path, "", found["name"], f"{scheme}/{path}/{found['name']}")


def _file_path(said: str) -> str:
    """The path of a file of milvus-lite, which is a whole one."""
    rest = said.lstrip("/")
    whole = rest if rest.startswith("~") or Path(rest).drive else f"/{rest}"
    return os.path.abspath(os.path.expanduser(whole))  # noqa: PTH111 - "~nobody"


def not_an_address(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` for the address of a collection where a directory is needed."""
    if is_address(path):
        raise InputError(
            f"{address_of(path).text}: a collection in Milvus can only be searched; for this, use "
            "the library that it was filled from"
        )
