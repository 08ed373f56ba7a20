"""Results: the answer to a search as far as it was read, page by page."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import streamlit as st

from search import Answer, Hit, Searcher
from ui.sentences import counted
from ui.views.shared_library import SharedLibrary

Find = Callable[[Searcher, int, int], Answer]  # from an offset on, at most so many hits
PAGE = 96  # hits that are asked for at once
_PAGES = "pages"  # in the session: number of pages to read


@dataclass(frozen=True, slots=True)
class Results:
    """Hits to show, the number of weaker ones that a button would add, and whether more follow."""

    first: Answer
    hits: tuple[Hit, ...]
    weaker: int
    more: bool

    @property
    def number(self) -> str:
        """Number of hits as text: "12 pictures", "First 96 pictures"."""
        return f"First {counted(len(self.hits))}" if self.more else counted(len(self.hits))


def read_results(
    opened: SharedLibrary, asked: Hashable, place: str, find: Find, *, with_weaker: bool
) -> Results:
    """Results of a search, as many pages of them as were asked for at this `place`.

    Pages that were read are kept until the search or the library changes. A search that changes in
    its place, by a mark, is answered as far as the one before.
    """
    answers: list[Answer] = opened.kept("answers", asked, lambda _: [])
    pages = st.session_state.setdefault(_PAGES, {"place": place, "count": 1})
    if pages["place"] != place:
        pages.update(place=place, count=1)
    wanted = pages["count"] * PAGE
    while (offset := _next(answers)) is not None and offset < wanted:
        with opened.asking() as searcher:
            answers.append(find(searcher, offset, wanted - offset))
    return _shown(answers, with_weaker)


def read_more(_: object = None) -> None:
    """Read one more page from the next run on."""
    st.session_state[_PAGES]["count"] += 1


def _next(answers: list[Answer]) -> int | None:
    """Offset of the next page; None at the end."""
    return answers[-1].next_offset if answers else 0


def _shown(answers: list[Answer], with_weaker: bool) -> Results:
    """Results of pages: weaker hits come last, so that after one there is nothing but them."""
    hits = tuple(hit for answer in answers for hit in answer.hits)
    more = answers[-1].next_offset is not None
    if with_weaker:
        return Results(answers[0], hits, 0, more)
    likely = tuple(hit for hit in hits if not hit.doubtful)
    ended = bool(hits) and hits[-1].doubtful
    return Results(answers[0], likely, len(hits) - len(likely), more and not ended)
