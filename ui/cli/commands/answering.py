"""Answers of `picfuse search` and `picfuse similar`, in this process or by a warm service."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from indexer.errors import QueryError
from indexer.library.away import away_folders
from search import Query, Searcher
from search.query.options import AUTO
from search.query.recalling import recalled
from search.query.tokens import STDIN
from ui.cli.group import NOTHING_MATCHED
from ui.cli.options.searching import paged, style_of
from ui.cli.output.answers import complete_answer_fields
from ui.cli.output.away import say_away
from ui.cli.output.dates import dates_of, say_dates
from ui.cli.output.notes import say_hidden, say_recalled, say_understood
from ui.cli.output.text import print_answer, print_json


def query_of(
    terms: Sequence[str], weight: float | None, options: Mapping[str, Any], *, literal: bool
) -> Query | None:
    """The query of a command's terms; None if only tags or conditions are given.

    With only --like and --unlike, it has no terms. '@-' is read from standard input.
    """
    query = _parsed(terms, weight, options, literal=literal)
    return None if query is None else with_standard_input(query)


def _parsed(
    terms: Sequence[str], weight: float | None, options: Mapping[str, Any], *, literal: bool
) -> Query | None:
    if terms:
        return Query.parse(terms, weight=weight, literal=literal)
    if options["like"] or options["unlike"]:
        return Query((), weight)
    return None if options["tags"] or options["where"] is not None else Query.parse(())


def warm_status(searcher: Searcher, command: Mapping[str, Any]) -> int | None:
    """Print the answer to `picfuse search` for a client of the service; its exit status.

    None for a query with pictures, which are files and streams of the client. Raises all that the
    command would; the client then meets it by itself.
    """
    options = dict(command["options"])
    if options["like"] or options["unlike"]:
        return None
    query = _parsed(command["terms"], command["weight"], options, literal=command["literal"])
    if query is not None and any(term.picture is not None for term in query.terms):
        return None
    return print_found(searcher, query, **options)


def print_found(
    searcher: Searcher,
    query: Query | None,
    *,
    tags: Sequence[str],
    where: str | None,
    date_order: str,
    explain: bool,
    least: float | None,
    min_confidence: float | None,
    like: Sequence[str],
    unlike: Sequence[str],
    mode: str = AUTO,
    as_json: bool,
    as_jsonl: bool,
    zero: bool,
    fold: bool,
    everything: bool = False,
    to_recall: bool = False,
    **pages: Any,
) -> int:
    """Print the answer to a query; returns the exit status.

    `to_recall`: the name of a file stands for the picture, which is not among the hits.
    """
    style = style_of(as_json=as_json, as_jsonl=as_jsonl, zero=zero)
    options = replace(
        paged(**pages),
        tags=tuple(tags),
        where=where,
        date_order=date_order,
        explain=explain,
        least=least,
        min_confidence=min_confidence,
        like=tuple(like),
        unlike=tuple(unlike),
        mode=mode,
        fold=fold,
    )
    library = searcher.library
    answer = searcher.ask(recalled(library, query) if query and to_recall else query, options)
    likely = answer if everything else answer.without_doubtful()
    if query:
        say_recalled(query, answer)
    if style == "json":
        print_json(complete_answer_fields(library, likely, where, date_order))
    else:
        print_answer(likely, style)
        say_dates(dates_of(where, date_order))
        say_away(away_folders(library.catalogue))
    if style == "lines":
        say_hidden(answer, len(likely.hits), options.offset)
        say_understood(answer)
    return 0 if likely.hits else NOTHING_MATCHED


def with_standard_input(query: Query) -> Query:
    """The query with '@-' replaced by the picture on standard input."""
    if not any(term.picture == STDIN for term in query.terms):
        return query
    content = sys.stdin.buffer.read()
    if not content:
        raise QueryError("'@-': standard input is empty; pipe a picture into the command")
    return replace(
        query,
        terms=tuple(replace(t, picture=content) if t.picture == STDIN else t for t in query.terms),
    )
