"""Pictures by id and hash of their bytes: thumbnails, views of any size, the files themselves.

A file whose bytes have another hash than the catalogue's is never sent: by now its path may lead
to something that nobody added to the library.
"""

from __future__ import annotations

import io
import mimetypes
import os
import threading
from collections.abc import Callable
from urllib.parse import quote

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import InputError, PictureError
from indexer.library.searchable import Searchable
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.images import decode, read_picture
from indexer.pictures.thumbnails import THUMBNAIL_SIDE, read_thumbnail, thumbnail_path

SIDES = (256, 512, 800, 1200, 1600, 2048, 2560, 3200, 4096)  # few, so that caches help
SIDE = 1600  # pixels of a view that asks for none
LARGEST_ID = 2**63 - 1  # that SQLite can hold
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
_QUALITY = 88  # of JPEG
# No more pictures are in memory at a time, however many are asked for.
_DECODING = threading.BoundedSemaphore(os.cpu_count() or 1)


def thumb(library: Searchable, request: Request) -> Response:
    """Thumbnail of a picture; made anew if it is lost and the file is still there."""
    return thumbnail_of(library, request, *asked(library, request))


def view(library: Searchable, request: Request) -> Response:
    """Picture upright in sRGB, its longer side at most `side` pixels."""
    side = _side(request.query_params.get("side", str(SIDE)))
    return view_of(library, request, *asked(library, request), side)


def original(library: Searchable, request: Request) -> Response:
    """The file's own bytes, as an attachment."""
    key, _ = asked(library, request)
    return attached(present(library, key))


def thumbnail_of(library: Searchable, request: Request, key: int, content: bytes) -> Response:
    """Response with the thumbnail of a picture with this content."""
    path = thumbnail_path(library.thumbnails, content)
    return _jpeg(request, content.hex(), lambda: read_thumbnail(path) or rendered(library, key))


def view_of(library: Searchable, request: Request, key: int, content: bytes, side: int) -> Response:
    """Response with a picture of this content, its longer side at most `side` pixels."""
    return _jpeg(request, f"{content.hex()}-{side}", lambda: rendered(library, key, side))


def attached(picture: PictureInfo) -> Response:
    """Response with the bytes of a picture's file. Raises `PictureError`."""
    headers = {"Content-Disposition": attachment(picture.path.name), **_FOR_GOOD}
    kind = mimetypes.guess_type(picture.path.name)[0] or ""
    safe = kind if kind.startswith("image/") and "svg" not in kind else "application/octet-stream"
    return Response(contents(picture), media_type=safe, headers=headers)


def asked(library: Searchable, request: Request) -> tuple[int, bytes]:
    """Id and content of the picture in the address; status 404 unless they belong together."""
    key, content = request.path_params["id"], request.path_params["hash"]
    known = library.catalogue.hashes_of([key] if key <= LARGEST_ID else [])
    found, _ = known.get(key, (None, None))
    if found is None or found.hex() != content:
        raise HTTPException(404, "the library has no such picture; reload the page")
    return key, found


def present(library: Searchable, key: int) -> PictureInfo:
    """A picture that is there. Raises `PictureError` for one that is missing."""
    picture = library.catalogue.pictures([key]).get(key)
    if picture is None:
        raise PictureError("the file was not found when its folder was last updated")
    return picture


def contents(picture: PictureInfo) -> bytes:
    """Bytes of a picture's file. Raises `PictureError` if they are not those in the catalogue."""
    found = read_picture(picture.path)
    if hash_bytes(found) != picture.content_hash:
        raise PictureError("the file has changed since it was indexed; update its folder")
    return found


def attachment(name: str) -> str:
    """Content-Disposition (RFC 6266) that saves a file under a name, whatever its letters."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(os.fsencode(name), safe='')}"


def _jpeg(request: Request, tag: str, make: Callable[[], bytes]) -> Response:
    """A JPEG that never changes under its tag; status 304 if the browser has it."""
    headers = {"ETag": f'"{tag}"', **_FOR_GOOD}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type="image/jpeg", headers=headers)


def _side(text: str) -> int:
    """Next of `SIDES`. Raises `InputError` for a text that is no number."""
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise InputError(f"side: takes a number of pixels up to {SIDES[-1]}")
    return next((side for side in SIDES if side >= int(text)), SIDES[-1])


def rendered(library: Searchable, key: int, side: int = THUMBNAIL_SIDE) -> bytes:
    """JPEG of a picture, its longer side at most `side` pixels. Raises `PictureError`."""
    picture = present(library, key)
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    least = -(-side * shorter // longer) if shorter else side  # of the shorter one, in this view
    with _DECODING:
        image = decode(io.BytesIO(contents(picture)), min_side=least)
        image.thumbnail((side, side))
    return as_jpeg(image)


def as_jpeg(image: Image.Image) -> bytes:
    """JPEG of an RGB picture, without metadata."""
    image.info = {}  # a comment of the camera stays in its file
    with io.BytesIO() as buffer:
        image.save(buffer, "JPEG", quality=_QUALITY)
        return buffer.getvalue()
