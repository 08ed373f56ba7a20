"""Query pictures: read from a file or a URL, within limits, and encoded."""

from __future__ import annotations

import functools
import io
import ipaddress
import os
import socket
import string
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urljoin, urlsplit

import numpy as np
from numpy.typing import NDArray

from indexer.encoders import Encoder
from indexer.encoders.parts import encode_with_parts
from indexer.errors import PictureError, QueryError
from indexer.kinds.members import is_member
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.images import decode, read_picture
from indexer.pictures.parts import transformed_parts
from search.query.tokens import URLS

MAX_BYTES = 64 * 2**20
MAX_REDIRECTS = 5
TIMEOUT = 15.0  # seconds without data from the server
DEADLINE = 60.0  # seconds for the whole download
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REMEDY = "save it and name the file"


def encoded_picture(
    picture: str | bytes, encoder: Encoder, *, offline: bool = False
) -> tuple[NDArray[np.float32], bytes]:
    """The embedding (dim,) of a query picture, and the hash of its bytes. Raises `QueryError`."""
    content = read_query_picture(picture, offline=offline)
    name = picture if isinstance(picture, str) else "the query picture"
    return encoded(content, encoder, name), hash_bytes(content)


def encoded(content: bytes, encoder: Encoder, name: str) -> NDArray[np.float32]:
    """The embedding (dim,) of a picture's bytes. Raises `QueryError` with its name."""
    try:
        image = decode(io.BytesIO(content), min_side=encoder.transform.size)
    except PictureError as error:
        raise QueryError(f"{name}: {error}") from error
    pixels, parts = encoder.transform(image)[None], transformed_parts(encoder.transform, image)
    row: NDArray[np.float32] = encode_with_parts(encoder, pixels, [parts])[0]
    return row


def read_query_picture(picture: str | bytes, *, offline: bool = False) -> bytes:
    """The bytes of a query picture, given as path, http(s) URL or bytes.

    Raises `QueryError` if it is missing, too large, or forbidden by `offline`.
    """
    if isinstance(picture, bytes):
        return picture
    if not isinstance(picture, str):
        kind = type(picture).__name__
        raise QueryError(f"a picture is given by its path, its URL or its bytes, not as {kind}")
    if picture.startswith(URLS):
        if offline:
            raise QueryError(f"{picture}: not fetched because of --offline; {_REMEDY}")
        return _download(picture)
    path = Path(os.path.expanduser(picture))  # noqa: PTH111 - accepts "~nobody"
    if not (os.path.exists(path) or is_member(path)):  # noqa: PTH110 - accepts too long names
        raise QueryError(f"{path}: no such picture; check the name")
    try:
        return read_picture(path)
    except PictureError as error:
        raise QueryError(f"{path}: {error}") from error


def public_picture(url: str) -> bytes:
    """The bytes of a picture at a URL that a stranger names: of a public address alone.

    Raises `QueryError`.
    """
    return _download(url, public=True)


def _download(url: str, *, public: bool = False) -> bytes:
    """The bytes of a picture at a URL. Raises `QueryError` for anything a server can do wrong."""
    try:
        _refuse_credentials(url)
        return _in_time(lambda: _fetched(url, public=public))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        text = reason if isinstance(reason, str) else os.fsdecode(str(reason))
        raise QueryError(f"{url}: cannot be fetched ({text}); {_REMEDY}") from error


def _refuse_credentials(url: str) -> None:
    """Raise `QueryError` for a URL with a name or password, without repeating them."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise QueryError(f"{bare}: user names and passwords in a URL are never sent; {_REMEDY}")


def _in_time(work: Callable[[], bytes]) -> bytes:
    """The result of `work`. Raises `TimeoutError` after `DEADLINE`, however slow the server.

    Each step of a connection has its own timeout, but a server can make any number of steps.
    """
    answer: Future[bytes] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # raised again where the result is awaited
            answer.set_exception(error)

    threading.Thread(target=run, name="download", daemon=True).start()
    try:
        return answer.result(DEADLINE)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer after {DEADLINE:g} s") from error


def _fetched(url: str, *, public: bool) -> bytes:
    """The picture that a URL leads to, through redirects to public addresses only."""
    opener = urllib.request.OpenerDirector()  # the default one also reads file: and ftp:
    for handler in (urllib.request.ProxyHandler(), urllib.request.UnknownHandler()):
        opener.add_handler(handler)
    opener.add_handler(_Http())
    opener.add_handler(_Https())
    if public:
        refusal = f"{url}: not a public address; send the picture itself"
        request = _public_request(_quoted(url, "utf-8"), refusal)
    else:
        request = _Request(url)
    for _ in range(MAX_REDIRECTS + 1):
        with opener.open(request, timeout=TIMEOUT) as response:
            if response.status not in _REDIRECTS:
                return _content(url, response)
            location = response.headers.get("Location")
        if not location:
            raise QueryError(f"{url}: redirects without a target; {_REMEDY}")
        target = urljoin(request.full_url, _quoted(location, "iso-8859-1"))  # as headers are read
        refusal = f"{url}: redirects to {target}, which is not public; name that address yourself"
        request = _public_request(target, f"{refusal}, or save the picture and name the file")
    raise QueryError(f"{url}: more than {MAX_REDIRECTS} redirects; {_REMEDY}")


def _quoted(url: str, encoding: str) -> str:
    """A URL in ASCII."""
    return quote(url, encoding=encoding, safe=string.punctuation)


def _public_request(url: str, refusal: str) -> _Request:
    """A request that a public address alone may get. Raises `QueryError` with the refusal."""
    parts = urlsplit(url)
    web = parts.scheme in ("http", "https") and "@" not in parts.netloc
    if not web or not _is_public(parts.hostname or ""):
        raise QueryError(refusal)
    return _Request(parts.geturl(), public=True)


class _Request(urllib.request.Request):
    """A request that knows whether only a public address may get it, and if a proxy takes it."""

    def __init__(self, url: str, *, public: bool = False) -> None:
        super().__init__(url, headers={"User-Agent": "picfuse"})
        self.public = public
        self.proxied = False

    def set_proxy(self, host: str, type: str) -> None:
        """Send the request to a proxy that `ProxyHandler` found in the environment."""
        self.proxied = True
        super().set_proxy(host, type)


class _Http(urllib.request.HTTPHandler):
    """Opens http addresses over checked connections."""

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        opened = functools.partial(_Connection, request=cast(_Request, req))
        return self.do_open(opened, req)


class _Https(urllib.request.HTTPSHandler):
    """Opens https addresses over checked connections."""

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        opened = functools.partial(_SecureConnection, request=cast(_Request, req))
        return self.do_open(opened, req)


class _Connection(HTTPConnection):
    """A connection that closes itself if its request may not go there."""

    def __init__(self, host: str, *, request: _Request, **options: Any) -> None:
        super().__init__(host, **options)
        self._request = request

    def connect(self) -> None:
        super().connect()
        _check_peer(self._request, self.sock)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same, encrypted; certificates are verified, as is the default in Python."""


def _check_peer(request: _Request, connected: socket.socket) -> None:
    """Raise `QueryError` if a public request reaches a private address, before anything is sent.

    A name may resolve differently the next time, so the address of the connected peer is checked.
    An address that the user typed may be on his own network. Behind a proxy, the peer is the proxy,
    usually on that network, and it resolves names itself: only the name in the URL can be checked,
    and the rest is up to the proxy.
    """
    if request.public and not request.proxied:
        address = connected.getpeername()[0]
        if not _is_public(address):
            connected.close()
            raise QueryError(
                f"{request.full_url}: leads to {address}, which is not public; {_REMEDY}"
            )


def _is_public(host: str) -> bool:
    """Whether every address of a host is public."""
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(_is_global(address) for address in addresses)


def _is_global(text: str) -> bool:
    """Whether an address is global, also one of IPv4 within IPv6."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = within or address
    return address.is_global and not address.is_multicast


def _content(url: str, response: HTTPResponse) -> bytes:
    """The picture in a response. Raises `QueryError` if it is missing or too large."""
    if response.status != 200:
        raise QueryError(
            f"{url}: cannot be fetched ({response.status} {response.reason}); {_REMEDY}"
        )
    coding = response.headers.get("Content-Encoding") or "identity"
    if coding.strip().lower() != "identity":  # not requested, and 1 KB may become 1 GB
        raise QueryError(f"{url}: arrives compressed ({coding}), not as a picture; {_REMEDY}")
    announced = response.length or 0
    content = b"" if announced > MAX_BYTES else _body(response)
    if max(announced, len(content)) > MAX_BYTES:
        raise QueryError(f"{url}: larger than {MAX_BYTES // 2**20} MB; {_REMEDY}")
    if response.length:  # announced, but not received
        raise QueryError(f"{url}: ends {response.length:,} bytes early; try again")
    if not content:
        raise QueryError(f"{url}: the server sent nothing; {_REMEDY}")
    return content


def _body(response: HTTPResponse) -> bytes:
    """The body of a response, up to a byte over the limit. Raises `TimeoutError` if it is slow."""
    content, end = bytearray(), time.monotonic() + DEADLINE
    while len(content) <= MAX_BYTES and (part := response.read1(2**16)):
        content += part
        if time.monotonic() > end:
            raise TimeoutError(f"no answer after {DEADLINE:g} s")
    return bytes(content)
