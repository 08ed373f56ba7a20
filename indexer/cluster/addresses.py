"""Pictures by a path or address in a list or a table, and lists of them."""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from indexer.cluster.pieces import Asked, Files, cut
from indexer.cluster.places import Place
from indexer.kinds.members import facts_of
from indexer.shards.places import is_uri


def contents_of_list(place: Place, size: int) -> Iterator[Files]:
    """Cut a list of paths and addresses, one a line, into pieces. Raises OSError."""
    folder, changed = Place(place.name.rpartition("/")[0], place.query), place.info().mtime_ns or 0
    with place.opened() as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape")
        named = (text for line in lines if (text := line.strip()))
        for part in cut(named, os.fsencode, size):
            asked = (_with_state(asked_at(text, folder, changed)) for text in part)
            yield Files(tuple(asked), query=place.query)


def _with_state(asked: Asked) -> Asked:
    """The picture with its size and time, if it lies on this machine."""
    if b"://" not in asked.folder:
        with suppress(OSError):  # whoever decodes it will say what is wrong
            size, mtime_ns = facts_of(asked.place)
            return replace(asked, size=size, mtime_ns=mtime_ns)
    return asked


def asked_at(text: str, base: Place, mtime_ns: int) -> Asked:
    """The picture at a path or address in a list that lies in the folder `base`.

    Its folder is that of the list if it is below it, else the server, bucket or folder it is in.
    """
    text = text.replace("\0", "").rstrip("/")
    place = Place.of(text) if is_uri(text) else _joined(text, base)
    folder, relative = _divided(place, base.name.rstrip("/"))
    if {"", ".", ".."} & set(relative.split("/")):  # a server may know such a path
        folder, _, relative = place.name.rpartition("/")
    return Asked(os.fsencode(folder), os.fsencode(relative), 0, mtime_ns)


def _divided(place: Place, folder: str) -> tuple[str, str]:
    """The folder of a place, and the path below it."""
    if place.name.startswith(folder + "/"):
        return folder, place.name[len(folder) + 1 :]
    if place.is_local:
        above, _, name = place.name.rpartition("/")
        return above or "/", name
    scheme, _, rest = place.name.partition("://")
    authority, _, below = rest.partition("/")
    return f"{scheme}://{authority}", below


def _joined(text: str, base: Place) -> Place:
    if base.is_local:
        return Place.of(os.path.join(base.name, os.path.expanduser(text)))  # noqa: PTH111
    inside = posixpath.normpath(f"/{text}").lstrip("/")  # ".." does not lead out of the folder
    return Place(f"{base.name}/{inside}", base.query)
