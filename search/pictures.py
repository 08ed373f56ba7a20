"""Query pictures: read from a file or a URL, within limits."""

from __future__ import annotations

import ipaddress
import os
import socket
import urllib.request
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from indexer.errors import PictureError, QueryError
from indexer.images import read_picture

MAX_BYTES = 64 * 2**20
TIMEOUT = 15.0  # seconds


def read_query_picture(picture: str | bytes, *, offline: bool = False) -> bytes:
    """The bytes of a query picture: a path, an http(s) URL, or bytes already.

    Raises `QueryError` when it is missing, too large, or forbidden by `offline`.
    """
    if isinstance(picture, bytes):
        return picture
    if picture.startswith(("http://", "https://")):
        if offline:
            raise QueryError(f"{picture}: --offline forbids it; save the picture and name the file")
        return _download(picture)
    path = Path(picture).expanduser()
    if not path.exists():
        raise QueryError(f"{path}: no such picture; check the name")
    try:
        return read_picture(path)
    except PictureError as error:
        raise QueryError(f"{path}: {error}") from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to public http(s) addresses only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        if parts.scheme not in ("http", "https") or not _is_public(parts.hostname or ""):
            raise QueryError(f"{req.full_url}: redirects to {newurl}, which is not public")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_public(host: str) -> bool:
    """Whether every address of a host is a public one."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address).is_global for address in found)


def _download(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "picfuse"})
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            content: bytes = response.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        said = reason if isinstance(reason, str) else os.fsdecode(str(reason))
        raise QueryError(f"{url}: cannot be fetched ({said}); save it and name the file") from error
    if len(content) > MAX_BYTES:
        raise QueryError(f"{url}: over {MAX_BYTES // 2**20} MB; save it and name the file")
    return content
