"""Results: the answer to a search as far as it was read, page by page."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import streamlit as st

from search import Answer, Hit, Searcher
from ui.views.shared_library import SharedLibrary

PAGE = 96  # hits that are asked for at once
_PAGES = "pages"  # in the session: number of pages to read


@dataclass(frozen=True, slots=True)
class Results:
    """Hits to show, of how many weaker ones a button tells, and whether more can be read."""

    first: Answer
    hits: tuple[Hit, ...]
    weaker: int
    more: bool


def read_results(
    opened: SharedLibrary,
    asked: Hashable,
    find: Callable[[Searcher, int], Answer],
    *,
    with_weaker: bool,
) -> Results:
    """Results of a search; `find` answers it from an offset on.

    Pages that were read are kept until the search or the library changes.
    """
    answers: list[Answer] = opened.kept("answers", asked, lambda _: [])
    pages = st.session_state.setdefault(_PAGES, {"asked": asked, "count": 1})
    if pages["asked"] != asked or not answers:
        pages.update(asked=asked, count=1)
    while len(answers) < pages["count"]:
        offset = answers[-1].next_offset if answers else 0
        if offset is None:
            break
        with opened.asking() as searcher:
            answers.append(find(searcher, offset))
    return _shown(answers, with_weaker)


def read_more(_: object = None) -> None:
    """Read one more page from the next run on."""
    st.session_state[_PAGES]["count"] += 1


def _shown(answers: list[Answer], with_weaker: bool) -> Results:
    """Results of pages: weaker hits come last, so that after one there is nothing but them."""
    hits = tuple(hit for answer in answers for hit in answer.hits)
    more = answers[-1].next_offset is not None
    if with_weaker:
        return Results(answers[0], hits, 0, more)
    likely = tuple(hit for hit in hits if not hit.doubtful)
    ended = bool(hits) and hits[-1].doubtful
    return Results(answers[0], likely, len(hits) - len(likely), more and not ended)
