"""Login by one password: a page that asks for it, a signed cookie, and a limit on tries."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from ui.web.endpoints import body_of, problem

LOGIN = "/pf/login"  # the address that takes the password
COOKIE = "picfuse-session"
REFUSED = 1008  # closes a websocket against the rules
_DAYS = 30  # that a session lasts, unless the app ends before
_PAGE = Template(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))
_FORM = 4096  # bytes of a form at most
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # no letter looks like another one


def random_password() -> str:
    """A password of 59 random bits that can be read out and typed: "k3wd-7mpx-gh2v"."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


class Tries:
    """Wrong passwords of the last minutes, by the address that they came from."""

    minutes = 5
    most, most_of_all = 5, 100  # from one address, from all together

    def __init__(self) -> None:
        self._wrong: deque[tuple[float, str]] = deque()

    def may(self, address: str) -> bool:
        """Whether an address may try again."""
        while self._wrong and self._wrong[0][0] < time.monotonic() - 60 * self.minutes:
            self._wrong.popleft()
        own = sum(other == address for _, other in self._wrong)
        return own < self.most and len(self._wrong) < self.most_of_all

    def note(self, address: str) -> None:
        """Note a wrong password."""
        self._wrong.append((time.monotonic(), address))


class Login:
    """ASGI app that asks strangers for the password; `knows` tells who has given it.

    Sessions are signed with a key of this process, so that they end with it.
    """

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._signer = TimestampSigner(secrets.token_bytes(32))
        self._tries = Tries()

    def knows(self, scope: Scope) -> bool:
        """Whether a request has the cookie of a session."""
        cookie = HTTPConnection(scope).cookies.get(COOKIE, "")
        try:
            self._signer.unsign(cookie, max_age=_DAYS * 86400)
        except BadSignature:
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for the password, or take it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": REFUSED})
            return
        request = Request(scope, receive)
        if request.method == "POST" and scope["path"] == LOGIN:
            response = await self._try(request)
        elif "text/html" in request.headers.get("Accept", ""):
            response = _page(_address(request))
        else:
            response = problem(401, "open this app in the browser and log in")
        await response(scope, receive, send)

    async def _try(self, request: Request) -> Response:
        """Answer a password: with a session, or with the page again."""
        form = await _form(request)
        after, client = form.get("next", "/"), request.client.host if request.client else ""
        if not self._tries.may(client):
            said = f"Too many wrong passwords. Wait {Tries.minutes} minutes."
            return _page(after, said, 429)
        if not hmac.compare_digest(form.get("password", "").encode(), self._password):
            self._tries.note(client)
            return _page(after, "This password is wrong.")
        response = RedirectResponse(_within(after), 303, {"Cache-Control": "no-store"})
        session = self._signer.sign(secrets.token_hex()).decode()
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, session, _DAYS * 86400, httponly=True, samesite="strict", secure=secure
        )
        return response


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; none of one that is too long."""
    body = await body_of(request, _FORM)
    fields = parse_qs((body or b"").decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


def _page(after: str, said: str = "", status: int = 401) -> Response:
    text = _PAGE.substitute(login=LOGIN, after=escape(_within(after)), said=escape(said))
    return HTMLResponse(text, status, _HEADERS)


def _address(request: Request) -> str:
    """The address within the app that was asked for."""
    url = request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def _within(address: str) -> str:
    """An address within the app: "/" for one that could lead elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\", LOGIN))
    return address if inside and address.isprintable() else "/"
