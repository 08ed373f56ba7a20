"""Searching a library: queries, answers, albums, duplicates, maps.

The public names are imported when they are first used, so that a command that needs one
module does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.answer.hits import Answer, Hit
    from search.query.options import Options
    from search.query.terms import Query, Term
    from search.searcher import Searcher

_HOMES = {
    "Answer": "search.answer.hits",
    "Hit": "search.answer.hits",
    "Options": "search.query.options",
    "Query": "search.query.terms",
    "Searcher": "search.searcher",
    "Term": "search.query.terms",
}

__all__ = [
    "Answer",
    "Hit",
    "Options",
    "Query",
    "Searcher",
    "Term",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
