"""Questions: requests as queries and options of the searcher, with the pictures that they send."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.encoders.parts import encode_with_parts
from indexer.errors import PictureError, QueryError
from indexer.library.searchable import Searchable
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.sandbox import Sandbox
from search.answer.hits import Answer, Hit
from search.query.examples import Example, examples_of, stored_row
from search.query.options import SearchOptions
from search.query.pictures import public_picture
from search.query.terms import Query, Term
from search.searcher import Searcher
from ui.service.requests import ExplainRequest, SearchRequest, SentPicture, SentTerm, SimilarRequest
from ui.service.served import NotThere

MISSING = "no picture {} in this library; ids come with the hits of a search"


@dataclass(frozen=True, slots=True)
class PictureReader:
    """Makes examples of the pictures that a request sends.

    `urls`: whether pictures may be fetched from public addresses.
    """

    library: Searchable
    sandbox: Sandbox
    urls: bool = False

    def example(self, picture: SentPicture, name: str = "the picture") -> Example:
        """The picture with its embedding. Raises `QueryError` with the reason."""
        if picture.id is not None:
            return examples_of(self.library, [picture.id])[0]
        if picture.url is not None:
            return self.of_bytes(self._fetched(picture.url), picture.url)
        return self.of_bytes(picture.data or b"", name)

    def of_bytes(self, content: bytes, name: str) -> Example:
        """The picture of a file's bytes; one that the library has is not decoded."""
        key = hash_bytes(content)
        row = stored_row(self.library, key)
        if row is None:
            encoder = self.library.encoder
            try:
                ready = self.sandbox.prepare(content, encoder.transform)
            except PictureError as error:
                raise QueryError(f"{name}: {error}") from error
            row = encode_with_parts(encoder, ready.pixels[None], [ready.parts])[0]
        return Example(key, row)

    def _fetched(self, url: str) -> bytes:
        if not self.urls:
            raise QueryError(f"{url}: this service fetches nothing (--allow-urls); send its bytes")
        return public_picture(url)


def picture_info(library: Searchable, key: int) -> PictureInfo:
    """A picture that the library has. Raises `NotThere` for any other."""
    info = library.catalogue.pictures([key]).get(key)
    if info is None:
        raise NotThere(MISSING.format(key))
    return info


def tag_counts(library: Searchable) -> dict[str, int]:
    """Numbers of pictures by tag."""
    counts = library.tags.counts(library.encoder_id)
    return {tag: number for head in counts.values() for tag, number in head.items()}


def search(searcher: Searcher, asked: SearchRequest, reader: PictureReader) -> Answer:
    """The answer to a request. Raises what the searcher raises."""
    like, unlike = _marks(reader, asked.like), _marks(reader, asked.unlike)
    query = _query(asked, reader)
    if query is None and (like or unlike):
        query = Query((), asked.weight)
    if query is None and not asked.tags and asked.where is None:
        query = Query.parse(())  # raises that it is empty
    answer = searcher.ask(query, _options(asked, like, unlike))
    return answer if asked.all else answer.without_doubtful()


def similar(searcher: Searcher, asked: SimilarRequest, reader: PictureReader) -> Answer:
    """The pictures like one of the library."""
    like, unlike = _marks(reader, asked.like), _marks(reader, asked.unlike)
    answer = searcher.ask(asked.id, _options(asked, like, unlike))
    return answer if asked.all else answer.without_doubtful()


def explained(searcher: Searcher, asked: ExplainRequest) -> Hit:
    """The hit that a picture is for a query, with an explanation."""
    picture_info(searcher.library, asked.id)
    query = query_in_words(asked.query, literal=asked.literal)
    return searcher.explain(query, asked.id, weight=asked.weight)


def query_in_words(text: str, *, literal: bool = False) -> Query:
    """The query of a text. Raises `QueryError` if it asks for a picture too."""
    query = Query.parse(text, literal=literal, files=False)
    if any(term.picture is not None for term in query.terms):
        raise QueryError("query: takes words only; a URL stands for a picture")
    return query


def _query(asked: SearchRequest, reader: PictureReader) -> Query | None:
    """The query in words and terms; None without any."""
    said = None
    if asked.query is not None and asked.query.strip():
        said = Query.parse(asked.query, literal=asked.literal, files=False)
    terms = [_named(term, reader) for term in (said.terms if said else ())]
    terms += [_term(term, reader) for term in asked.terms]
    return Query(tuple(terms), asked.weight, said.readings if said else ()) if terms else None


def _named(term: Term, reader: PictureReader) -> Term:
    """A term of the words of a query; one that is a URL becomes its picture."""
    if not isinstance(term.picture, str):
        return term
    example = reader.example(SentPicture(url=term.picture))
    return Term(picture=example, weight=term.weight)


def _term(term: SentTerm, reader: PictureReader) -> Term:
    if term.picture is None:
        return Term(text=term.text.strip(), weight=term.weight, literal=term.literal)
    return Term(picture=reader.example(term.picture), weight=term.weight)


def _marks(reader: PictureReader, pictures: list[SentPicture]) -> tuple[Example, ...]:
    return tuple(reader.example(picture, "the marked picture") for picture in pictures)


def _options(
    asked: SearchRequest | SimilarRequest, like: tuple[Example, ...], unlike: tuple[Example, ...]
) -> SearchOptions:
    fields = {"k", "weight", "offset", "where", "fold", "diverse", "asked_first", "least"}
    fields |= {"date_order", "explain", "mode", "min_confidence"}
    given = asked.model_dump(include=fields)
    return SearchOptions(
        **given,
        tags=tuple(asked.tags),
        exclude=tuple(asked.exclude),
        like=like,
        unlike=unlike,
    )
