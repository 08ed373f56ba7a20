"""Hosts and origins of requests, from the headers that browsers send."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def host_name(host: str) -> str:
    """Name in a `Host` header: in small letters, without port; empty for a malformed header."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    if not name or parts.netloc != host or "@" in host:
        return ""
    return f"[{name}]" if ":" in name else name.rstrip(".")


def is_own_origin(headers: Headers) -> bool:
    """Whether a request comes from a page of the same host, or from a program without pages."""
    origin = headers.get("Origin")
    return origin is None or _host_of(origin) == headers.get("Host", "").lower()


def _host_of(origin: str) -> str:
    """Host and port of an origin, in small letters; empty for one that has none ("null")."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
