"""The remote searcher: a library behind `picfuse serve` answers as one on this machine does."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import SplitResult, urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import InputError, LibraryError, PicfuseError, PlacedError, QueryError
from indexer.settings import DATE_ORDERS
from search.answer.hits import Answer, Explanation, Hit, TermShare
from search.query.examples import Example, Mark
from search.query.options import AUTO, SearchOptions
from search.query.terms import Query, Reading, Term, as_query
from search.query.tokens import URLS
from search.words.unknown import Unknown

Image: TypeAlias = Literal["thumbnail", "view", "original"]
ADDRESS = "http://localhost:8600"
TIMEOUT = 60.0  # seconds


class RemoteSearcher:
    """Searches a library of a service as `Searcher` does one of this machine; a context manager.

    `library` is its name there, None for the first one. The service knows no paths of this machine,
    so it is sent the pictures of a query. A hit's `path` is the name of its file, or its path
    on the service's machine if that tells it; `thumbnail` is its address there. Scores are rounded
    to four digits. Threads may share it; they ask one after the other.
    """

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        library: str | None = None,
        token: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        parts = _parts(address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.address = address.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._named = "" if library is None else "?" + urlencode({"library": library})
        self._headers = {"Content-Type": "application/json"}
        self._headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        self._connection.close()

    def search(self, query: Query | str, *, weight: float | None = None, **options: Any) -> Answer:
        """The k best pictures for a query, with the options of `Searcher.search`.

        Raises `QueryError`, `InputError`, and `LibraryError` if the service cannot be reached.
        """
        return self.ask(as_query(query), _options(weight=weight, **options))

    def similar(self, picture_id: int, **options: Any) -> Answer:
        """Pictures like one of the library, with the options of `Searcher.similar`."""
        return self.ask(picture_id, _options(**options))

    def browse(self, **options: Any) -> Answer:
        """The k pictures that `where` and `tags` allow, without a query."""
        return self.ask(None, _options(**options))

    def explain(self, query: Query | str, picture_id: int, *, weight: float | None = None) -> Hit:
        """The hit that one picture is for a query in words, with an explanation.

        Raises `QueryError` for a query with a picture.
        """
        asked = as_query(query)
        if any(term.picture is not None for term in asked.terms):
            raise QueryError("a service explains queries in words only; leave pictures out")
        weight = asked.weight if weight is None else weight
        literal = len(asked.terms) == 1 and asked.terms[0].literal
        words = asked.terms[0].text if literal else str(asked)
        fields = {"id": picture_id, "query": words, "literal": literal, "weight": weight}
        return _hit(self._post("/explain", fields))

    def matching_ids(
        self,
        *,
        where: str | None = None,
        tags: Sequence[str] = (),
        date_order: str = DATE_ORDERS[0],
    ) -> NDArray[np.int64]:
        """Ids (n,) of all pictures that `where` and `tags` allow, in the order of `browse`."""
        asked = {"where": where, "tags": list(tags), "date_order": date_order}
        return np.array(self._post("/ids", asked)["ids"], np.int64)

    def ask(self, subject: Query | int | None, options: SearchOptions) -> Answer:
        """The answer of `search` to a query, of `similar` to an id, and of `browse` to None."""
        asked = asdict(replace(options, like=(), unlike=())) | {"all": True}
        asked |= {"like": [_picture(mark) for mark in options.like]}
        asked |= {"unlike": [_picture(mark) for mark in options.unlike]}
        asked |= {"exclude": [int(key) for key in options.exclude]}
        if isinstance(subject, Query):
            asked["terms"] = [_sent(term) for term in subject.terms]
            asked["weight"] = subject.weight if options.weight is None else options.weight
        elif subject is not None:
            asked = {name: value for name, value in asked.items() if name not in _NOT_OF_SIMILAR}
            return _answer(self._post("/similar", {"id": int(subject), **asked}))
        return _answer(self._post("/search", asked))

    def image(self, picture_id: int, kind: Image = "thumbnail") -> bytes:
        """Bytes of a picture: its thumbnail or a large view as JPEG, or the original file."""
        return self._exchanged("GET", f"/pictures/{int(picture_id)}/{kind}")

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that the service answers. Raises `PicfuseError`."""
        answer = self._exchanged("POST", path, json.dumps(body).encode())
        try:
            return json.loads(answer)
        except ValueError as error:
            raise LibraryError(f"{self.address}: not a service of picfuse; check it") from error

    def _exchanged(self, method: str, path: str, content: bytes | None = None) -> bytes:
        """The body of an answer. Raises `PicfuseError`."""
        try:
            with self._lock:
                response = self._response(method, self._prefix + path + self._named, content)
                answer = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            reason = str(error) or type(error).__name__
            raise LibraryError(
                f"{self.address}: no answer ({reason}); start the service with 'picfuse serve'"
            ) from error
        if response.status >= 400:
            raise _error(response.status, answer)
        return answer

    def _response(self, method: str, path: str, content: bytes | None) -> HTTPResponse:
        """The response; asks anew if an idle connection was closed meanwhile."""
        idle = self._connection.sock is not None
        try:
            self._connection.request(method, path, content, self._headers)
            return self._connection.getresponse()
        except (ConnectionError, HTTPException):
            self._connection.close()
            if not idle:
                raise
        self._connection.request(method, path, content, self._headers)
        return self._connection.getresponse()


def _parts(address: str) -> SplitResult:
    """The parts of an address. Raises `InputError` for one that no service can have."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # such as a port beyond 65535
        usable = False
    if not usable:
        raise InputError(f"{address}: not the address of a service, such as {ADDRESS}")
    return parts


_NOT_OF_SIMILAR = ("mode", "min_confidence")


def _options(
    *, like: Iterable[Mark] = (), unlike: Iterable[Mark] = (), **said: Any
) -> SearchOptions:
    said |= {name: tuple(said[name]) for name in ("tags", "exclude") if name in said}
    return SearchOptions(
        like=tuple(like), unlike=tuple(unlike), mode=said.pop("mode", AUTO), **said
    )


def _sent(term: Term) -> dict[str, Any]:
    if term.picture is None:
        return {"text": term.text, "weight": term.weight, "literal": term.literal}
    return {"picture": _picture(term.picture), "weight": term.weight}


def _picture(mark: Mark) -> dict[str, Any]:
    """The fields of a picture that is sent. Raises `QueryError` for one that cannot be read."""
    if isinstance(mark, int):
        return {"id": mark}
    if isinstance(mark, str) and mark.startswith(URLS):
        return {"url": mark}
    if isinstance(mark, Example):
        if mark.path is None:
            raise QueryError("an embedded picture cannot be sent; give its path or its bytes")
        mark = str(mark.path)
    content: bytes = import_module("search.query.pictures").read_query_picture(mark, offline=True)
    return {"data": b64encode(content).decode()}


def _error(status: int, answer: bytes) -> PicfuseError:
    """The error for a problem that the service reports."""
    try:
        problem = json.loads(answer)
    except ValueError:
        problem = None
    fields = problem if isinstance(problem, dict) else {}
    detail = str(fields.get("detail", f"the service answers with status {status}"))
    if isinstance(fields.get("text"), str) and isinstance(fields.get("place"), int):
        return PlacedError(detail, fields["text"], fields["place"])
    if status in (400, 404, 413, 422):
        return QueryError(detail)
    return InputError(detail) if status in (401, 403, 421) else LibraryError(detail)


def _answer(fields: Mapping[str, Any]) -> Answer:
    query = fields["query"]
    readings = tuple(Reading(**reading) for reading in query.get("readings", ()))
    return Answer(
        query=Query(tuple(map(_term, query["terms"])), query["weight"], readings),
        hits=tuple(map(_hit, fields["hits"])),
        elapsed_ms=fields["elapsed_ms"],
        next_offset=fields["next_offset"],
        unknown=tuple(Unknown(**word) for word in fields.get("unknown", ())),
        probability_present=fields["present"],
        suggestion=fields["suggestion"],
        left_out=tuple(fields.get("left_out", ())),
        unread_by=fields.get("unread_by"),
    )


def _term(fields: Mapping[str, Any]) -> Term:
    return Term(fields.get("text", ""), fields.get("picture"), fields["weight"])


def _hit(fields: Mapping[str, Any]) -> Hit:
    caption, words = fields["caption"], fields.get("words")
    explained = fields.get("explanation")
    return Hit(
        rank=fields["rank"],
        picture_id=fields["id"],
        path=_path(fields),
        score=fields["score"],
        confidence=fields["confidence"],
        caption=caption,
        captions=tuple(fields.get("captions", () if caption is None else (caption,))),
        image_score=fields["image_score"],
        caption_score=fields["caption_score"],
        thumbnail=Path(f"/pictures/{fields['id']}/thumbnail"),
        tags=fields.get("tags"),
        words=None if words is None else tuple(words),
        doubtful=fields.get("doubtful", False),
        folded=tuple(map(_info, fields.get("like", ()))),
        explanation=None if explained is None else _explanation(explained),
        found_by=fields["found_by"],
        metadata=fields.get("metadata", {}),
        excerpt=fields.get("excerpt"),
    )


def _path(fields: Mapping[str, Any]) -> Path:
    return Path(fields.get("path") or fields.get("name", ""))


def _info(fields: Mapping[str, Any]) -> PictureInfo:
    """A picture folded into a hit, of which the service tells only id and name."""
    return PictureInfo(fields["id"], _path(fields), b"", 0, 0, ())


def _explanation(fields: Mapping[str, Any]) -> Explanation:
    terms = tuple(TermShare(_term(part), part["share"]) for part in fields["terms"])
    given = {name: fields.get(name) for name in ("picture", "caption", "marks", "text")}
    return Explanation(terms=terms, exact=fields["exact"], **given)  # type: ignore[arg-type]
