"""The controls of the search page: what is asked, and how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from indexer import Library
from search.diversity import STRENGTH
from search.modes import AUTO, MODES, WORDS
from search.where import FIELDS
from ui.views.marking import clear_marks, marked
from ui.views.paste import paste_into

PICTURE = "picture"  # key of the uploader
LIKE = "like"  # in the address: the picture of the library that is asked with
MODE_NAMES = {"auto": "Both", "vector": "Meaning", "words": "Words"}
COUNTS = (12, 24, 48, 96)
LONGEST = 10_000  # letters that can be typed or pasted


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's controls say."""

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

    @property
    def refinable(self) -> bool:
        """Whether marks refine what is asked: they change what is meant, and no words."""
        return self.mode != WORDS or self.like is not None

    @property
    def nothing(self) -> bool:
        """Whether nothing is asked for but perhaps tags and conditions."""
        return self.like is None and self.picture is None and not self.words.strip()


def ask(library: Library, names: Sequence[str]) -> Asked:
    """Show the controls; what they say, and the picture of the library in the address."""
    words = st.text_input(
        "Search",
        key="q",
        type="search",
        placeholder="Describe a picture, as in: boats at sundown",
        label_visibility="collapsed",
        max_chars=LONGEST,
        bind="query-params",
        persist_state="session",
        on_change=leave_similar,
    )
    left, middle, right = st.columns([5, 4, 2], gap="medium")
    with left:
        uploaded = st.file_uploader(
            "A picture: choose, drop or paste it (Ctrl+V)",
            type="image",
            key=PICTURE,
            on_change=leave_similar,
        )
    with middle:
        weight = _weight(library.weight, weighable=library.fusion.weighable)
    with right:
        k = st.selectbox("Results", COUNTS, key="k", bind="query-params", persist_state="session")
    with st.expander("More ways to search", icon=":material/tune:"):
        where, tags, mode = _where(), _tags(names), _mode()
        fold, diverse = _variety()
    paste_into(PICTURE)
    like = st.query_params.get(LIKE)
    picture = uploaded.getvalue() if uploaded else None
    asked = Asked(words, picture, like, weight, k, tags, where, mode, fold, diverse)
    return replace(asked, right=marked(True), wrong=marked(False)) if asked.refinable else asked


def _mode() -> str:
    """How words are looked for; what the choices say is what `MODE_NAMES` calls them."""
    chosen = st.selectbox(
        "Search by",
        MODES,
        format_func=MODE_NAMES.__getitem__,
        key="mode",
        help="Meaning finds what pictures show and captions say in other words; words finds those "
        "of captions, names of files and tags. Both: by meaning, but names and numbers by words.",
        bind="query-params",
        persist_state="session",
    )
    return chosen or AUTO


def _where() -> str | None:
    """The conditions that pictures have to fulfil, in the language of `--where`."""
    said = st.text_input(
        "Only pictures that fulfil",
        key="where",
        placeholder="taken: last winter and not format: png",
        help="\n".join(f"- **{name}**: {field.meaning}" for name, field in FIELDS.items()),
        max_chars=LONGEST,
        bind="query-params",
        persist_state="session",
    )
    return said.strip() or None


def _variety() -> tuple[bool, float]:
    """Whether pictures that are nearly the same are one result, and how diverse results are."""
    with st.container(horizontal=True):
        fold = st.checkbox(
            "Fold what is nearly the same",
            value=True,
            key="fold",
            help="Shots that are nearly the same picture are one result; its +N opens the others.",
            bind="query-params",
            persist_state="session",
        )
        diverse = st.checkbox(
            "Diverse",
            key="diverse",
            help="Prefer pictures that are unlike the results before them.",
            bind="query-params",
            persist_state="session",
        )
    return fold, STRENGTH if diverse else 0.0


def _tags(names: Sequence[str]) -> tuple[str, ...]:
    """The tags that are asked for; nothing is shown where the library has none."""
    if not names:
        return ()
    chosen = st.multiselect(
        "Only pictures with these tags",
        names,
        key="tags",
        bind="query-params",
        persist_state="session",
    )
    return tuple(chosen)


def _weight(set_to: float, *, weighable: bool) -> float:
    if not weighable:
        st.slider(
            "What counts: caption (0) to picture (1)",
            0.0,
            1.0,
            set_to,
            key="fixed",
            disabled=True,
        )
        st.caption("This library's fusion has its weight built in.")
        return set_to
    return st.slider(
        "What counts: caption (0) to picture (1)",
        0.0,
        1.0,
        set_to,
        0.05,
        key="weight",
        help="0 goes by the caption alone, 1 by the look of the picture alone.",
        bind="query-params",
        persist_state="session",
    )


def leave_similar() -> None:
    """Ask no more with a picture of the library; what was marked refined another question."""
    st.query_params.pop(LIKE, None)
    clear_marks()
