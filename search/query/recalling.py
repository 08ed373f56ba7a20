"""Recalling: pictures of a query whose files are away, but which the library knows.

Their disk may not be plugged in, or the user gives the name of a file without its folder.
"""

from __future__ import annotations

import os
from dataclasses import replace

from indexer.library.searchable import Searchable
from search.query.examples import away_example, file_of, ids_of_name
from search.query.terms import Query, Term


def recalled(library: Searchable, query: Query) -> Query:
    """The query with an `Example` for each picture whose file is away.

    Raises `QueryError` for a picture that neither the disk nor the library has.
    """
    return replace(query, terms=tuple(_recalled(library, term) for term in query.terms))


def pictures_of_name(library: Searchable, query: Query) -> list[int]:
    """Ids of the pictures that a query names, if it is nothing but the name of a file.

    The name may have the last folders of the path, as "a/b.jpg". If such a file is there, the query
    means that file, and no id is returned.
    """
    named = [term.picture for term in query.terms]
    if len(named) != 1 or not isinstance(named[0], str) or query.terms[0].weight <= 0:
        return []
    path = file_of(named[0])
    return [] if path is None or os.path.lexists(path) else ids_of_name(library, named[0])


def _recalled(library: Searchable, term: Term) -> Term:
    path = file_of(term.picture) if isinstance(term.picture, str) else None
    if path is None or os.path.lexists(path):
        return term
    return replace(term, picture=away_example(library, str(term.picture), path))
