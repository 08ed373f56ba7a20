"""Queries from the words typed into the search box.

The grammar is that of the command line. One thing differs: a word that looks like a path is a word,
so that nobody can read files of this machine through the box.
"""

from __future__ import annotations

from search import Query


def query_of(text: str, picture: bytes | None = None, *, weight: float) -> Query:
    """Query of typed words and a picture's bytes; either may be missing.

    An `http(s)` URL among the words is a picture too, and nothing else is. Raises `QueryError`.
    """
    if not text.strip():
        return Query.of(picture=picture, weight=weight)
    return Query.parse(text, weight=weight, picture=picture, files=False)
