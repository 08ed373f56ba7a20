"""A zip of the files of chosen pictures, made while it is sent."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from indexer import PicfuseError
from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import InputError, PictureError
from ui.views.safe_text import browser_safe
from ui.web.endpoints import ALONE, Endpoint, body_of, problem, refusal
from ui.web.libraries import Libraries
from ui.web.pictures import LARGEST_ID, attachment, contents

MOST = 100_000  # pictures
LEFT_OUT = "NOT INCLUDED.txt"
_BODY = 2_000_000  # bytes of a request
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a time that a zip can hold
_FORBIDDEN = dict.fromkeys(map(ord, '<>:"/\\|?*'), "_")  # in names of files on Windows


def zip_of(libraries: Libraries) -> Endpoint:
    """Endpoint that sends the originals of the pictures whose ids are posted."""

    async def respond(request: Request) -> Response:
        try:
            ids = ids_in(await _body(request), request.headers.get("Content-Type", ""))
            library = await to_thread.run_sync(libraries, request)
            known = await to_thread.run_sync(library.catalogue.pictures, ids)
        except HTTPException as error:
            return problem(error.status_code, error.detail)
        except PicfuseError as error:
            return refusal(error)
        headers = {"Content-Disposition": attachment("pictures.zip"), "Cache-Control": "no-store"}
        parts = zipped([(key, known.get(key)) for key in ids])
        return StreamingResponse(parts, 200, headers | ALONE, "application/zip")

    return respond


async def _body(request: Request) -> bytes:
    """Body of a request. Raises `HTTPException` for one that is too long."""
    body = await body_of(request, _BODY)
    if body is None:
        raise HTTPException(413, f"too many pictures; a zip holds up to {MOST:,}")
    return body


def ids_in(body: bytes, kind: str) -> list[int]:
    """The ids in a JSON object or form with the field `ids`, each once. Raises `InputError`."""
    text = body.decode("utf-8", "replace")
    if kind.partition(";")[0].strip() == "application/json":
        try:
            ids = json.loads(text)["ids"]
        except (ValueError, LookupError, TypeError, RecursionError):
            ids = None
    else:
        ids = [
            int(one) if one.isdecimal() and len(one) < 20 else -1
            for field in parse_qs(text).get("ids", [])
            for one in field.split(",")
        ]
    if not isinstance(ids, list) or not ids or not all(_is_id(key) for key in ids):
        raise InputError("ids: takes the ids of pictures, as a list of numbers")
    if len(ids) > MOST:
        raise InputError(f"ids: {len(ids):,} are too many; a zip holds up to {MOST:,}")
    return list(dict.fromkeys(ids))


def _is_id(key: object) -> bool:
    return type(key) is int and 0 < key <= LARGEST_ID


class _Pipe:
    """A file without places, as `zipfile` writes to; what was written is taken out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Take a part in."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        """All that was written since the last time."""
        parts, self._parts = b"".join(self._parts), []
        return parts


def zipped(pictures: Sequence[tuple[int, PictureInfo | None]]) -> Iterator[bytes]:
    """A zip of pictures by id, part by part; one file is in memory at a time.

    A text inside names the pictures that cannot be read.
    """
    pipe, lost, names = _Pipe(), [], dict[str, int]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for key, picture in pictures:
            try:
                if picture is None:
                    raise PictureError("not in the library any more")
                content = contents(picture)
            except PictureError as error:
                name = f"picture {key}" if picture is None else browser_safe(picture.path)
                lost.append(f"{name}: {error}")
                continue
            archive.writestr(_entry(_free(picture.path.name, names), picture), content)
            yield pipe.taken()
        if lost:
            archive.writestr(_free(LEFT_OUT, names), "\r\n".join([*lost, ""]))
    yield pipe.taken()


def _entry(name: str, picture: PictureInfo) -> zipfile.ZipInfo:
    """Head of a file in a zip, with the time when it was last changed."""
    try:
        changed = datetime.fromtimestamp(picture.path.stat().st_mtime).timetuple()[:6]
    except (OSError, ValueError, OverflowError):
        changed = _OLDEST
    entry = zipfile.ZipInfo(name, changed if _OLDEST <= changed < (2108,) else _OLDEST)
    entry.external_attr = 0o644 << 16
    return entry


def _free(name: str, taken: dict[str, int]) -> str:
    """A name for a file that works on every system and that no other one has.

    `taken` has the names in small letters, each with how often it was asked for.
    """
    plain = browser_safe(Path(name)).translate(_FORBIDDEN).strip(" .") or "picture"
    stem, dot, suffix = plain.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (plain, "")
    free, number = plain, taken.get(plain.casefold(), 0)
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    taken |= {free.casefold(): 1, plain.casefold(): max(number, 1)}
    return free
