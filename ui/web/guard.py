"""Guard of the app: other hosts' names, other pages and strangers do not get past it.

It stands before all of the app: Streamlit checks host and origin of its websocket only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.web.endpoints import problem
from ui.web.hosts import host_name, is_own_origin
from ui.web.login import REFUSED, Login

_SAFE = ("GET", "HEAD")
_OURS = ("same-origin", "none")  # Sec-Fetch-Site of the app's own pages, and of an address typed in


class Guard:
    """Middleware that lets through requests of this app's own pages.

    `hosts` are the names of this machine; any other in a request was made to lead here (DNS
    rebinding). With a `login`, numeric addresses are good as well, and the user has to log in.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], login: Login | None = None) -> None:
        self._app = app
        self._hosts = frozenset(name.lower() for name in hosts)
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass on a request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not (self._is_ours(host_name(headers.get("Host", ""))) and _is_own_page(scope, headers)):
            await _refuse(scope, receive, send)
        elif self._login is not None and not self._login.knows(scope):
            await self._login(scope, receive, send)
        else:
            await self._app(scope, receive, _unframed(send))

    def _is_ours(self, name: str) -> bool:
        """Whether a host is this machine."""
        return name in self._hosts or (self._login is not None and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_own_page(scope: Scope, headers: Headers) -> bool:
    """Whether a page of this app asks, or a program that is no browser.

    Anybody may link to the app; no other page may embed it, read from it or change anything.
    """
    safe = scope.get("method") in _SAFE  # a websocket has no method
    if not (safe or is_own_origin(headers)):
        return False
    if headers.get("Sec-Fetch-Site", "none") in _OURS:
        return True
    visit = headers.get("Sec-Fetch-Mode") == "navigate"
    return safe and visit and headers.get("Sec-Fetch-Dest") == "document"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": REFUSED})
    else:
        said = "the app answers only its own pages, at its own address; open the address that "
        said += "'picfuse ui' prints"
        await problem(403, said)(scope, receive, send)


def _unframed(send: Send) -> Send:
    """Sends the app's answers, which no other page may show in a frame."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return sending
