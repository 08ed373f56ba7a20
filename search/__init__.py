"""Searching a library: queries, answers, albums, duplicates, maps.

The public names are imported when they are first used, so that a command that needs one
module does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.answer.hits import Answer, Hit
    from search.audit import suggest_captions, worst_captions
    from search.duplicates import find_duplicates
    from search.export.writing import export_records
    from search.heat_map import locate
    from search.library_map import draw_map
    from search.query.options import SearchOptions
    from search.query.terms import Query, Term
    from search.searcher import Searcher

_HOMES = {
    "Answer": "search.answer.hits",
    "Hit": "search.answer.hits",
    "Query": "search.query.terms",
    "SearchOptions": "search.query.options",
    "Searcher": "search.searcher",
    "Term": "search.query.terms",
    "draw_map": "search.library_map",
    "export_records": "search.export.writing",
    "find_duplicates": "search.duplicates",
    "locate": "search.heat_map",
    "suggest_captions": "search.audit",
    "worst_captions": "search.audit",
}

__all__ = [
    "Answer",
    "Hit",
    "Query",
    "SearchOptions",
    "Searcher",
    "Term",
    "draw_map",
    "export_records",
    "find_duplicates",
    "locate",
    "suggest_captions",
    "worst_captions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
