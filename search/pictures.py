"""Query pictures: read from a file or a URL, within limits."""

from __future__ import annotations

import ipaddress
import os
import socket
import time
import urllib.request
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from indexer.errors import PictureError, QueryError
from indexer.images import read_picture

MAX_BYTES = 64 * 2**20
TIMEOUT = 15.0  # seconds without a word from the server
DEADLINE = 60.0  # seconds until all is there


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
    path = Path(os.path.expanduser(picture))  # noqa: PTH111 - knows what to do with "~nobody"
    if not os.path.exists(path):  # noqa: PTH110 - and this with a name that is too long
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
        headers: HTTPMessage,
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
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "picfuse"})
        with opener.open(request, timeout=TIMEOUT) as response:
            content = _body(response)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        said = reason if isinstance(reason, str) else os.fsdecode(str(reason))
        raise QueryError(f"{url}: cannot be fetched ({said}); save it and name the file") from error
    if len(content) > MAX_BYTES:
        raise QueryError(f"{url}: over {MAX_BYTES // 2**20} MB; save it and name the file")
    return content


def _body(response: HTTPResponse) -> bytes:
    """What a server sends, up to a byte over the limit. Raises `TimeoutError` when it dawdles."""
    content, end = bytearray(), time.monotonic() + DEADLINE
    while len(content) <= MAX_BYTES and (part := response.read1(2**16)):
        content += part
        if time.monotonic() > end:
            raise TimeoutError(f"not there after {DEADLINE:g} s")
    return bytes(content)
