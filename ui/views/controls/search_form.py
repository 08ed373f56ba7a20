"""The controls of the search page: the query and its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from indexer import Library
from indexer.settings import DATE_ORDERS
from search.query.options import AUTO, DIVERSITY, MODES, WORDS
from search.where import FIELDS
from ui.views.controls.marks import clear_marks, marked
from ui.views.controls.paste import paste_into

WORDS_KEY = "q"  # of the search box, also in the address
PICTURE = "picture"  # key of the uploader
LIKE = "like"  # in the address: id of a picture of the library to search with
MODE_NAMES = {"auto": "Both", "vector": "Meaning", "words": "Words"}
COUNTS = (12, 24, 48, 96)
_ORDER_NAMES = {"DMY": "day/month/year", "MDY": "month/day/year", "YMD": "year/month/day"}
LONGEST = 10_000  # characters that can be typed or pasted


@dataclass(frozen=True, slots=True)
class SearchForm:
    """State of the page's controls."""

    words: str
    picture: bytes | None
    like: str | None
    weight: float
    k: int
    tags: tuple[str, ...] = ()
    where: str | None = None
    mode: str = AUTO
    fold: bool = True
    diverse: float = 0.0
    right: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()
    date_order: str = DATE_ORDERS[0]

    @property
    def refinable(self) -> bool:
        """Whether marks can refine the search; they cannot if it compares words only."""
        return self.mode != WORDS or self.like is not None

    @property
    def nothing(self) -> bool:
        """Whether there is no query; tags and a filter may still be set."""
        return self.like is None and self.picture is None and not self.words.strip()


def ask(library: Library, names: Sequence[str], date_order: str) -> SearchForm:
    """Show the controls; returns their state, with the picture id in the address.

    `date_order` is the one that is chosen at first.
    """
    words = st.text_input(
        "Search",
        key=WORDS_KEY,
        type="search",
        placeholder="Search your pictures, e.g. boats at sunset",
        label_visibility="collapsed",
        max_chars=LONGEST,
        bind="query-params",
        persist_state="session",
        on_change=leave_similar,
    )
    left, middle, right = st.columns([5, 4, 2], gap="medium")
    with left:
        uploaded = st.file_uploader(
            "Search by picture: choose, drop or paste",
            type="image",
            key=PICTURE,
            on_change=leave_similar,
        )
    with middle:
        weight = _weight(library.weight, weighable=library.fusion.weighable)
    with right:
        k = st.selectbox("Results", COUNTS, key="k", bind="query-params", persist_state="session")
    with st.expander("Filters and options", icon=":material/tune:"):
        where, tags, mode = _where(), _tags(names), _mode()
        order = _date_order(where, date_order)
        fold, diverse = _variety()
    paste_into(PICTURE)
    like = st.query_params.get(LIKE)
    picture = uploaded.getvalue() if uploaded else None
    asked = SearchForm(words, picture, like, weight, k, tags, where, mode, fold, diverse)
    asked = replace(asked, date_order=order)
    return replace(asked, right=marked(True), wrong=marked(False)) if asked.refinable else asked


def _mode() -> str:
    """Mode of the search; the choices are shown as in `MODE_NAMES`."""
    chosen = st.selectbox(
        "Search by",
        MODES,
        format_func=MODE_NAMES.__getitem__,
        key="mode",
        help="Meaning understands descriptions. Words looks for the words themselves in captions, "
        "file names and tags.",
        bind="query-params",
        persist_state="session",
    )
    return chosen or AUTO


def _where() -> str | None:
    """Filter in the language of `--where`; None if the box is empty."""
    said = st.text_input(
        "Filter",
        key="where",
        placeholder="taken: last winter and not format: png",
        help="\n".join(f"- **{name}**: {field.meaning}" for name, field in FIELDS.items()),
        max_chars=LONGEST,
        bind="query-params",
        persist_state="session",
    )
    return said.strip() or None


def _date_order(where: str | None, first: str) -> str:
    """Order of day, month and year; asked for only if a filter names a date in numbers."""
    if where is None or not re.search(r"\d[./-]\d", where):
        return first
    chosen = st.selectbox(
        "Dates like 06/12/2019 are",
        DATE_ORDERS,
        index=DATE_ORDERS.index(first),
        format_func=_ORDER_NAMES.__getitem__,
        key="dates",
        persist_state="session",
    )
    return chosen or first


def _variety() -> tuple[bool, float]:
    """Whether near-identical pictures are grouped, and the strength of diversity (0: none)."""
    with st.container(horizontal=True):
        fold = st.checkbox(
            "Group near-identical shots",
            value=True,
            key="fold",
            help="Near-identical shots are one result. Its +N opens the others.",
            bind="query-params",
            persist_state="session",
        )
        diverse = st.checkbox(
            "More variety",
            key="diverse",
            help="Shows fewer look-alikes.",
            bind="query-params",
            persist_state="session",
        )
    return fold, DIVERSITY if diverse else 0.0


def _tags(names: Sequence[str]) -> tuple[str, ...]:
    """Tags that every result must have; no control is shown if the library has none."""
    if not names:
        return ()
    chosen = st.multiselect(
        "Tags",
        names,
        key="tags",
        bind="query-params",
        persist_state="session",
    )
    return tuple(chosen)


def _weight(set_to: float, *, weighable: bool) -> float:
    if not weighable:
        st.slider(
            "Match by: caption (0) to picture (1)",
            0.0,
            1.0,
            set_to,
            key="fixed",
            disabled=True,
        )
        st.caption("This library always uses both.")
        return set_to
    return st.slider(
        "Match by: caption (0) to picture (1)",
        0.0,
        1.0,
        set_to,
        0.05,
        key="weight",
        help="0 compares captions only, 1 pictures only.",
        bind="query-params",
        persist_state="session",
    )


def search_for(words: str) -> None:
    """Put words into the search box, and search for them."""
    st.session_state[WORDS_KEY] = words
    leave_similar()


def leave_similar() -> None:
    """Stop searching with a picture of the library, and clear the marks of that search."""
    st.query_params.pop(LIKE, None)
    clear_marks()
