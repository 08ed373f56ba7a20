"""Albums: queries that are saved under a name and run again whenever the album is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.albums import Album, AlbumTerm, KeptPicture, album_name
from indexer.catalogue.values import SEARCH, pack, unpack
from indexer.embedding import same_space, unit_rows
from indexer.errors import InputError, PictureError, QueryError
from indexer.kinds.members import is_member
from indexer.library.library import Library
from indexer.library.searchable import Searchable
from indexer.pictures.hashes import hash_bytes
from indexer.settings import DATE_ORDERS
from search.answer.hits import Answer
from search.query.examples import Example, Mark, examples_of, stored_row
from search.query.feedback import NOTHING
from search.query.options import AUTO, WORDS, SearchOptions
from search.query.terms import Query, Term, as_query
from search.searcher import Searcher
from search.words.query_words import named_by_words

if TYPE_CHECKING:
    from indexer import Library


@dataclass(frozen=True, slots=True)
class AlbumAnswer:
    """The present pictures of an album.

    `lost` are contents of pictures of its query that cannot be used any more: another encoder
    embedded them, and neither the library nor the disk has the pictures.
    """

    album: Album
    answer: Answer
    lost: tuple[bytes, ...] = ()


def save_album(
    library: Library,
    name: str,
    query: Query | str,
    *,
    k: int | None = None,
    where: str | None = None,
    tags: Sequence[str] = (),
    mode: str = AUTO,
    like: Sequence[Mark] = (),
    unlike: Sequence[Mark] = (),
    least: float | None = None,
    min_confidence: float | None = None,
    date_order: str = DATE_ORDERS[0],
    replace: bool = False,
) -> Album:
    """Save a query with its options as an album; its pictures and marks are kept as embeddings.

    `k`: the album holds at most this many pictures, any number if it is None; `SearchOptions`
    describes the others. Raises `InputError` for a name that is taken, unless `replace`, and all
    that the search raises: only a query that can be answered is saved.
    """
    name = album_name(name)
    kind = library.albums.kind(name)
    if kind not in (None, SEARCH):
        raise InputError(f"album {name!r} holds picked pictures; choose another name")
    if kind is not None and not replace:
        raise InputError(f"album {name!r} already exists; replace it with --replace")
    query = as_query(query)
    if not query.terms and not (like or tags or where):
        raise QueryError(NOTHING)
    options = SearchOptions(
        where=where,
        tags=tuple(tags),
        mode=mode,
        like=tuple(like),
        unlike=tuple(unlike),
        least=least,
        min_confidence=min_confidence,
        date_order=date_order,
    )
    album = _album(library, name, query, k, options)
    album_pictures(Searcher(library), album, k=1)
    with library.writing() as batch:
        batch.albums.put(album)
    return album


def delete_album(library: Library, name: str) -> None:
    """Delete an album; the pictures that it shows stay. Raises `InputError` for an unknown one."""
    _check(library, name)
    with library.writing() as batch:
        batch.albums.drop(name)


def rename_album(library: Library, name: str, new: str) -> str:
    """Rename an album of any kind; returns its new name, without needless blanks.

    Raises `InputError` for an unknown album and for a name that is taken.
    """
    _check(library, name)
    new = album_name(new)
    if new != name and library.albums.kind(new) is not None:
        raise InputError(f"album {new!r} already exists; choose another name")
    with library.writing() as batch:
        batch.picked.rename(name, new)
    return new


def _check(library: Library, name: str) -> None:
    """Raise `InputError` unless there is an album of this name, of any kind."""
    if not name.isprintable() or library.albums.kind(name) is None:
        raise InputError(_unknown(library, name))


def named_album(library: Library, name: str) -> Album:
    """The album of a name. Raises `InputError` for an unknown one."""
    album = library.albums.named(name) if name.isprintable() else None
    if album is None:
        raise InputError(_unknown(library, name))
    return album


def _unknown(library: Library, name: str) -> str:
    known = ", ".join([*library.picked.names(), *library.albums.names()]) or "none yet"
    return f"no album {name!r}; existing albums: {known}"


def album_pictures(
    searcher: Searcher, album: Album, *, k: int | None = None, offset: int = 0
) -> AlbumAnswer:
    """The present pictures of an album, at most k after `offset`.

    Pictures of its query and those marked as right come first, as far as its filters allow them,
    then the best others. Raises `QueryError` if all pictures of its query are lost.
    """
    library = searcher.library
    known = {c: _example(library, album.kept.get(c), c) for c in album.contents}
    examples = {content: example for content, example in known.items() if example is not None}
    lost = tuple(content for content in known if content not in examples)
    query = Query(tuple(_terms(album.terms, examples)), album.weight)
    options = SearchOptions(
        k=_page_length(library, album, k, offset),
        offset=offset,
        where=album.where,
        tags=album.tags,
        mode=album.mode,
        like=tuple(examples[content] for content in album.like if content in examples),
        unlike=tuple(examples[content] for content in album.unlike if content in examples),
        asked_first=True,
        least=album.least,
        min_confidence=album.min_confidence,
        date_order=album.date_order,
    )
    searched = bool(query.terms or options.like)
    if not searched and (album.terms or album.like):
        raise QueryError(_all_lost(album.name))
    return _shown(album, searcher.ask(query if searched else None, options), lost)


def _page_length(library: Searchable, album: Album, k: int | None, offset: int) -> int:
    """The number of pictures after `offset`, at most k and no more than the album holds."""
    left = None if album.k is None else max(0, album.k - offset)
    limits = [limit for limit in (k, left) if limit is not None]
    return min(limits, default=max(1, library.catalogue.number_present()))


def _shown(album: Album, answer: Answer, lost: tuple[bytes, ...]) -> AlbumAnswer:
    """The answer as an album shows it: without doubtful pictures, unless it has a least score.

    No page follows once the album is full.
    """
    answer = answer.without_doubtful() if album.least is None else answer
    following = answer.next_offset
    if following is not None and album.k is not None and following >= album.k:
        answer = replace(answer, next_offset=None)
    return AlbumAnswer(album, answer, lost)


def _all_lost(name: str) -> str:
    return (
        f"album {name!r}: all pictures it was saved with are lost: embedded by another encoder, "
        "and no longer in the library or on disk; save it again with --replace"
    )


def _terms(terms: Iterable[AlbumTerm], examples: dict[bytes, Example]) -> Iterable[Term]:
    for term in terms:
        if term.picture is None:
            yield Term(text=term.text, weight=term.weight, literal=term.literal)
        elif term.picture in examples:
            yield Term(picture=examples[term.picture], weight=term.weight)


def _album(
    library: Library, name: str, query: Query, k: int | None, options: SearchOptions
) -> Album:
    """The album of a query, with its pictures embedded."""
    query = named_by_words(query) if options.mode == WORDS else query
    pictures: dict[bytes, Example] = {}
    terms = []
    for term in query.terms:
        content = None
        if term.picture is not None:
            (content,) = _kept(pictures, examples_of(library, [term.picture]))
        terms.append(AlbumTerm(term.weight, term.text, content, term.literal))
    like = _kept(pictures, examples_of(library, options.like))
    unlike = _kept(pictures, examples_of(library, options.unlike))
    encoder = library.settings.fingerprint
    return Album(
        name,
        terms=tuple(terms),
        weight=query.weight,
        like=like,
        unlike=unlike,
        tags=options.tags,
        where=options.where,
        k=k,
        least=options.least,
        mode=options.mode,
        min_confidence=options.min_confidence,
        date_order=options.date_order,
        kept={content: _keep(example, encoder) for content, example in pictures.items()},
    )


def _kept(pictures: dict[bytes, Example], examples: Sequence[Example]) -> tuple[bytes, ...]:
    """The contents of examples, which are added to the pictures."""
    pictures.update({example.content_hash: example for example in examples})
    return tuple(example.content_hash for example in examples)


def _keep(example: Example, encoder: str) -> KeptPicture:
    path = None if example.path is None else os.fsencode(example.path)
    return KeptPicture(example.content_hash, path, encoder, pack(example.row))


def _example(library: Searchable, kept: KeptPicture | None, content: bytes) -> Example | None:
    """A picture of the query of an album; None if no embedding of it can be had.

    Tries the embedding that the library has, then the one that the album keeps, if its encoder has
    the same space, then the file, if it is still the same.
    """
    path = None if kept is None or kept.path is None else Path(os.fsdecode(kept.path))
    row = stored_row(library, content)
    settings = library.settings
    if row is None and kept is not None:
        if same_space(kept.encoder, settings.fingerprint) and len(kept.vector) == 2 * settings.dim:
            row = unit_rows(unpack([kept.vector], settings.dim))[0]
        elif path is not None and (path.is_file() or is_member(path)):
            row = _embedded_again(library, path, content)
    return None if row is None else Example(content, row, path)


def _embedded_again(library: Searchable, path: Path, content: bytes) -> NDArray[np.float32] | None:
    """The embedding (dim,) of a file, if it can be read and its content is the same."""
    images = import_module("indexer.pictures.images")
    pictures = import_module("search.query.pictures")
    try:
        picture = images.read_picture(path)
        if hash_bytes(picture) == content:
            row: NDArray[np.float32] = pictures.encoded(picture, library.encoder, str(path))
            return row
    except (PictureError, QueryError):
        pass
    return None
