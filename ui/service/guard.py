"""The guard before a service: who may ask, how often, and how slowly."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.service.metrics import Metrics
from ui.service.problems import of_failure, problem
from ui.service.settings import ServiceSettings
from ui.web.hosts import host_name, is_own_origin

OPEN = frozenset({"/health"})  # without a token
_MOST_CLIENTS = 10_000  # whose rates are remembered
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
logger = logging.getLogger("picfuse.service")


class RateLimit:
    """Buckets of tokens, one for each client: `rate` a second, up to two seconds' worth."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._most, self._clock = rate, max(1.0, 2 * rate), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> float:
        """Seconds until a client may ask again; 0 if this request may pass, which counts."""
        if not self._rate:
            return 0.0
        now = self._clock()
        tokens, since = self._buckets.pop(client, (self._most, now))
        tokens = min(self._most, tokens + (now - since) * self._rate)
        passes = tokens >= 1
        self._buckets[client] = (tokens - 1 if passes else tokens, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - tokens) / self._rate


class Guard:
    """Middleware that refuses strangers, foreign pages, haste and slow bodies; counts requests.

    A browser sends `Host` and `Origin`: a page of another site reaches neither a service without a
    token (by a name that resolves to this machine) nor one with it.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.rates = RateLimit(settings.limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, started = time.perf_counter(), 500, False

        async def counted(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        with self.metrics.waiting.track_inprogress():
            try:
                refusal = self._refusal(scope)
                app = self.app if refusal is None else refusal
                await app(scope, self._timed(receive), counted)
            except Exception as error:
                logger.exception("unexpected error")
                if not started:
                    await (await of_failure(None, error))(scope, receive, counted)  # type: ignore[arg-type]
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.answered(route, status, time.perf_counter() - start)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that may not pass; None if it may."""
        headers = Headers(scope=scope)
        refused = self._foreign(headers)
        if refused is None and scope["path"] not in OPEN:
            refused = self._stranger(headers) or self._hasty(scope)
        return refused

    def _foreign(self, headers: Headers) -> JSONResponse | None:
        """The refusal of an unknown name of this host, or of another site's page."""
        host = headers.get("host", "")
        if host_name(host) not in self.settings.hosts:
            detail = f"{host[:100]!r} is no name of this service; allow it with --host-name"
            return problem(421, "unknown-host", "Unknown host", detail)
        if not is_own_origin(headers):
            detail = "pages of other sites may not ask this service"
            return problem(403, "foreign-page", "Foreign page", detail)
        return None

    def _stranger(self, headers: Headers) -> JSONResponse | None:
        """The refusal of a client that does not know the token."""
        token = self.settings.token
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if token is None or (
            scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
        ):
            return None
        wrong = "the token is wrong" if given else "a token is needed"
        detail = f"{wrong}; send 'Authorization: Bearer TOKEN' with that of the service"
        return problem(401, "token", "Not allowed", detail, _CHALLENGE)

    def _hasty(self, scope: Scope) -> JSONResponse | None:
        """The refusal of a client that asks too often."""
        client = (scope.get("client") or ("local",))[0]
        seconds = self.rates.seconds_to_wait(client)
        if not seconds:
            return None
        detail = f"more than {self.settings.limits.rate:g} requests a second; ask more slowly"
        return problem(429, "too-often", "Too many requests", detail, _retry_after(seconds))

    def _timed(self, receive: Receive) -> Receive:
        """Receive the body within its time."""
        end = time.monotonic() + self.settings.limits.body_seconds
        complete = False

        async def timed() -> Message:
            nonlocal complete
            if complete:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.01, end - time.monotonic()))
            except TimeoutError as error:
                detail = "the body did not arrive in time; send it faster, or a smaller one"
                raise HTTPException(408, detail, {"Connection": "close"}) from error
            complete = not message.get("more_body", False)
            return message

        return timed


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(seconds)))}
