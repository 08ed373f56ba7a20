"""The remote searcher answers as the searcher does, but for paths and digits."""

import inspect
from dataclasses import replace

import pytest
from running_service import address_of

from indexer.errors import InputError, LibraryError, PlacedError, QueryError
from search import Answer, Query, Searcher, Term
from search.remote import RemoteSearcher


@pytest.fixture
def both(colour_library):
    """A searcher, and one that asks a service of the same library."""
    with (
        address_of(colour_library.path, token="secret") as address,
        RemoteSearcher(address, token="secret") as remote,
    ):
        yield Searcher(colour_library), remote


def plain(answer: Answer) -> Answer:
    """An answer as a service can tell it: without paths and time, with four digits."""

    def rounded(score):
        return None if score is None else round(score, 4)

    hits = tuple(
        replace(
            hit,
            path=type(hit.path)(hit.path.name),
            thumbnail=type(hit.path)(),
            score=rounded(hit.score),
            confidence=rounded(hit.confidence),
            image_score=rounded(hit.image_score),
            caption_score=rounded(hit.caption_score),
            folded=tuple(picture.id for picture in hit.folded),
            explanation=None,
        )
        for hit in answer.hits
    )
    terms = tuple(replace(term, picture=term.picture and "picture") for term in answer.query.terms)
    return replace(answer, hits=hits, elapsed_ms=0.0, query=replace(answer.query, terms=terms))


def positional(method) -> list[str]:
    parameters = inspect.signature(method).parameters.values()
    return [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]


def test_remote_searcher_has_the_methods_of_the_searcher():
    for name, method in inspect.getmembers(Searcher, inspect.isfunction):
        if not name.startswith("_"):
            assert positional(getattr(RemoteSearcher, name)) == positional(method), name


def test_remote_searcher_answers_as_the_searcher(both, colour_pictures):
    red, blue = colour_pictures / "red.png", (colour_pictures / "blue.png").read_bytes()
    questions = [
        lambda s: s.search("a red wall", k=3),
        lambda s: s.search(Query.parse("blue -red"), weight=0.9, offset=1),
        lambda s: s.search(Query((Term("red"), Term(picture=str(red), weight=0.5)), 0.7)),
        lambda s: s.search("boat", mode="words", where="has: caption"),
        lambda s: s.search("red", like=[blue], unlike=[1], fold=True, diverse=0.2),
        lambda s: s.similar(1, k=2, exclude=[2]),
        lambda s: s.browse(where="has: caption", k=9),
    ]
    searcher, remote = both
    for number, ask in enumerate(questions):
        assert plain(ask(remote)) == plain(ask(searcher)), number
    hit = remote.search("red", k=1).hits[0]
    assert remote.image(hit.picture_id, "original") == red.read_bytes()
    assert remote.image(hit.picture_id).startswith(b"\xff\xd8")
    ids = searcher.matching_ids(where="has: caption").tolist()
    assert remote.matching_ids(where="has: caption").tolist() == ids
    near, far = (one.explain(Query.parse("blue -red"), 2).explanation for one in both)
    assert [share.term for share in near.terms] == [share.term for share in far.terms]
    assert near.picture == pytest.approx(far.picture, abs=1e-3)


def test_errors_of_a_service_are_those_of_the_searcher(both):
    remote = both[1]
    with pytest.raises(PlacedError, match="colour") as placed:
        remote.browse(where="colour: red")
    assert placed.value.place == 0
    with pytest.raises(QueryError, match="picture 99"):
        remote.similar(99)
    with pytest.raises(QueryError, match="no such picture"):
        remote.search(Query.of(picture="missing.jpg"))
    with pytest.raises(InputError, match="token"):
        RemoteSearcher(remote.address, token="wrong").search("red")
    with pytest.raises(LibraryError, match="start the service with 'picfuse serve'"):
        RemoteSearcher("http://127.0.0.1:9").search("red")
    with pytest.raises(QueryError, match="words only"):
        remote.explain(Query.of("red", picture="red.png"), 1)
    for address in ("localhost", "http://localhost:99999", "http://[::1"):
        with pytest.raises(InputError, match="not the address"):
            RemoteSearcher(address)
