"""Albums: what was asked is saved under a name and asked anew whenever the album is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.albums import Album, AlbumTerm, KeptPicture
from indexer.catalogue.values import pack, unpack
from indexer.embedding import same_space, unit_rows
from indexer.errors import InputError, PictureError, QueryError
from indexer.library.library import Library
from indexer.pictures.hashes import hash_bytes
from search.answer.hits import Answer
from search.query.examples import Example, examples_of, stored_row
from search.query.feedback import NOTHING
from search.query.options import WORDS, Options, complete
from search.query.terms import Query, Term, as_query
from search.searcher import Searcher
from search.words.query_words import named_by_words

if TYPE_CHECKING:
    from indexer import Library

LONGEST = 200  # letters of a name


@dataclass(frozen=True, slots=True)
class AlbumAnswer:
    """The present pictures of an album.

    `lost` are contents of pictures that it asked with and can no more: their embeddings are those
    of another encoder, and neither library nor disk has the pictures.
    """

    album: Album
    answer: Answer
    lost: tuple[bytes, ...] = ()


def save_album(
    library: Library, name: str, query: Query | str, options: Options, *, replace: bool = False
) -> Album:
    """Save a question as an album; its query pictures and marks are kept by their embeddings.

    `k` of the options is how many pictures it holds at most; without it there is no limit. Raises
    `InputError` for a name that is taken, unless `replace`, and whatever asking raises: only what
    can be answered is saved.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise InputError(f"{name!r}: not a valid album name; use 1 to {LONGEST} characters")
    if not replace and name in library.albums.names():
        raise InputError(f"album {name!r} already exists; replace it with --replace")
    query = as_query(query)
    if not query.terms and not any(options.get(key) for key in ("like", "tags", "where")):
        raise QueryError(NOTHING)
    album = _asked(library, name, query, options)
    album_pictures(Searcher(library), album, k=1)
    with library.writing() as batch:
        batch.albums.put(album)
    return album


def delete_album(library: Library, name: str) -> None:
    """Delete an album; the pictures that it shows stay. Raises `InputError` for an unknown one."""
    if name not in library.albums.names():
        raise InputError(_unknown(library, name))
    with library.writing() as batch:
        batch.albums.drop(name)


def named_album(library: Library, name: str) -> Album:
    """The album of a name. Raises `InputError` for an unknown one."""
    found = library.albums.named(name) if name.isprintable() else None
    if found is None:
        raise InputError(_unknown(library, name))
    return found


def _unknown(library: Library, name: str) -> str:
    known = ", ".join(library.albums.names()) or "none yet"
    return f"no album {name!r}; existing albums: {known}"


def album_pictures(
    searcher: Searcher, album: Album, *, k: int | None = None, offset: int = 0
) -> AlbumAnswer:
    """What an album shows now, at most k after `offset`: first the present pictures that it asks
    with and those marked as right, as far as its filters allow them, then the best others.

    Raises `QueryError` when all that it asked with is lost.
    """
    library = searcher.library
    known = {c: _example(library, album.kept.get(c), c) for c in album.contents}
    found = {content: example for content, example in known.items() if example is not None}
    lost = tuple(content for content in known if content not in found)
    query = Query(tuple(_terms(album.terms, found)), album.weight)
    options: Options = {
        "k": _number(library, album, k, offset),
        "offset": offset,
        "mode": album.mode,
        "tags": album.tags,
        "where": album.where,
        "like": [found[content] for content in album.like if content in found],
        "unlike": [found[content] for content in album.unlike if content in found],
        "asked_first": True,
        "least": album.least,
    }
    if not query.terms and not options["like"]:
        if album.terms or album.like:
            raise QueryError(_all_lost(album.name))
        return _paged(album, searcher.listed(**options), lost)
    return _paged(album, searcher.search(query, **options), lost)


def _number(library: Library, album: Album, k: int | None, offset: int) -> int:
    """How many pictures follow after `offset`, at most k and as many as the album holds."""
    left = None if album.k is None else max(0, album.k - offset)
    limits = [limit for limit in (k, left) if limit is not None]
    return min(limits, default=max(1, library.catalogue.number_present()))


def _paged(album: Album, answer: Answer, lost: tuple[bytes, ...]) -> AlbumAnswer:
    """What an album shows, without doubtful pictures unless it says which score is enough; where it
    holds no more than that, nothing follows.
    """
    answer = answer.likely if album.least is None else answer
    following = answer.next_offset
    if following is not None and album.k is not None and following >= album.k:
        answer = replace(answer, next_offset=None)
    return AlbumAnswer(album, answer, lost)


def _all_lost(name: str) -> str:
    return (
        f"album {name!r}: all pictures it was saved with are lost: embedded by another encoder, "
        "and no longer in the library or on disk; save it again with --replace"
    )


def _terms(terms: Iterable[AlbumTerm], found: dict[bytes, Example]) -> Iterable[Term]:
    for term in terms:
        if term.picture is None:
            yield Term(text=term.text, weight=term.weight)
        elif term.picture in found:
            yield Term(picture=found[term.picture], weight=term.weight)


def _asked(library: Library, name: str, query: Query, options: Options) -> Album:
    """The question with its pictures embedded."""
    wanted = complete(options)
    query = named_by_words(query) if wanted["mode"] == WORDS else query
    pictures: dict[bytes, Example] = {}
    terms = []
    for term in query.terms:
        content = None
        if term.picture is not None:
            (content,) = _kept(pictures, examples_of(library, [term.picture]))
        terms.append(AlbumTerm(term.weight, term.text, content))
    like = _kept(pictures, examples_of(library, wanted["like"]))
    unlike = _kept(pictures, examples_of(library, wanted["unlike"]))
    by, tags = library.settings.fingerprint, tuple(wanted["tags"])
    return Album(
        name,
        tuple(terms),
        query.weight,
        like,
        unlike,
        tags,
        wanted["where"],
        options.get("k"),
        wanted["least"],
        wanted["mode"],
        {content: _keep(example, by) for content, example in pictures.items()},
    )


def _kept(pictures: dict[bytes, Example], examples: Sequence[Example]) -> tuple[bytes, ...]:
    """The contents of examples, which are put among the pictures."""
    pictures.update({example.content_hash: example for example in examples})
    return tuple(example.content_hash for example in examples)


def _keep(example: Example, encoder: str) -> KeptPicture:
    path = None if example.path is None else os.fsencode(example.path)
    return KeptPicture(example.content_hash, path, encoder, pack(example.row))


def _example(library: Library, kept: KeptPicture | None, content: bytes) -> Example | None:
    """A picture that an album asks with; None where no embedding of it can be had.

    As the library has embedded it; else as the album keeps it, if by an encoder of the same
    space; else embedded from its file, if that is still the same.
    """
    path = None if kept is None or kept.path is None else Path(os.fsdecode(kept.path))
    row = stored_row(library, content)
    settings = library.settings
    if row is None and kept is not None:
        if same_space(kept.encoder, settings.fingerprint) and len(kept.vector) == 2 * settings.dim:
            row = unit_rows(unpack([kept.vector], settings.dim))[0]
        elif path is not None and path.is_file():
            row = _embedded_again(library, path, content)
    return None if row is None else Example(content, row, path)


def _embedded_again(library: Library, path: Path, content: bytes) -> NDArray[np.float32] | None:
    """The embedding (dim,) of a file, if it can be read and holds what it did."""
    images = import_module("indexer.pictures.images")
    pictures = import_module("search.query.pictures")
    try:
        found = images.read_picture(path)
        if hash_bytes(found) == content:
            row: NDArray[np.float32] = pictures.encoded(found, library.encoder, str(path))
            return row
    except (PictureError, QueryError):
        pass
    return None
