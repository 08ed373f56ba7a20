"""The controls of the search page: the query and its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from indexer import Library
from indexer.settings import DATE_ORDERS
from search.query.options import DIVERSITY, MODES
from search.where import FIELDS
from ui.views.controls.address import LONGEST, SearchAddress, bound, change
from ui.views.controls.browsing import offer_browsing
from ui.views.controls.uploads import shelf
from ui.views.shared_library import SharedLibrary

LIKE = "like"  # in the address: id of a picture of the library to search with
PICTURE = "picture"  # key of the uploader
UPLOADER = f".st-key-{PICTURE} input[type=file]"
MODE_NAMES = {"auto": "Everything", "vector": "What pictures show", "words": "Text only"}
_ORDER_NAMES = {"DMY": "day/month/year", "MDY": "month/day/year", "YMD": "year/month/day"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question: the address, with what only the server knows.

    `picture`: bytes of the uploaded one; None without one, or if it is not kept any more.
    """

    address: SearchAddress
    picture: bytes | None
    weight: float
    date_order: str

    @property
    def lost(self) -> bool:
        """Whether nothing is left to ask with, since the uploaded picture is not kept any more."""
        address = self.address
        left = address.like or address.q.strip() or address.right
        return bool(address.picture) and self.picture is None and not left

    @property
    def diversity(self) -> float:
        """Strength of diversity (0: none)."""
        return DIVERSITY if self.address.diverse else 0.0


def ask(
    opened: SharedLibrary, names: Sequence[str], address: SearchAddress, date_order: str
) -> Question:
    """Show the controls as the address says; `date_order` is the one that is used at first."""
    st.text_input(
        "Search",
        type="search",
        placeholder="Search your pictures, e.g. boats at sunset",
        label_visibility="collapsed",
        max_chars=LONGEST,
        **bound("q", address.q, folded=False),
    )
    with st.popover("Filters", icon=":material/tune:", key="options"):
        offer_browsing(opened)
        weight = _weight(opened.library, address)
        order = _filters(names, address, date_order)
    return Question(address, shelf().get(address.picture), weight, order)


def take_uploads() -> None:
    """Take a picture to search with, from the gallery's button or from a drop.

    The control is not seen, and comes last, so that the page does not move when it is hidden.
    """
    st.file_uploader(
        "Search by picture: choose, drop or paste", type="image", key=PICTURE, on_change=_upload
    )


def _upload() -> None:
    """Keep the uploaded picture, and search with it instead of one of the library."""
    uploaded = st.session_state.get(PICTURE)
    if uploaded is not None:
        key = shelf().put(uploaded.getvalue())
        change(picture=key, like="", right=(), wrong=(), weaker=False)


def _filters(names: Sequence[str], address: SearchAddress, date_order: str) -> str:
    """Show limits and variations of the results; returns the order of day, month and year."""
    st.text_input(
        "Filter",
        placeholder="taken: last winter and not format: png",
        help="\n".join(f"- **{name}**: {field.meaning}" for name, field in FIELDS.items()),
        max_chars=LONGEST,
        **bound("where", address.where),
    )
    order = _date_order(address, date_order)
    if names:
        chosen = [tag for tag in address.tags if tag in names]
        st.multiselect("Tags", names, **bound("tags", chosen))
    st.selectbox(
        "Search in",
        MODES,
        format_func=MODE_NAMES.__getitem__,
        help='"What pictures show" understands a description. "Text only" looks for the exact '
        "words in captions, file names and tags.",
        **bound("mode", address.mode),
    )
    st.checkbox(
        "Group near-identical shots",
        help="Near-identical shots are one result. Its +N opens the others.",
        **bound("fold", address.fold),
    )
    st.checkbox(
        "More variety", help="Shows fewer look-alikes.", **bound("diverse", address.diverse)
    )
    return order


def _date_order(address: SearchAddress, first: str) -> str:
    """Order of day, month and year; asked for only if a filter names a date in numbers."""
    order = address.dates or first
    if re.search(r"\d[./-]\d", address.where):
        st.selectbox(
            "Dates like 06/12/2019 are",
            DATE_ORDERS,
            format_func=_ORDER_NAMES.__getitem__,
            **bound("dates", order),
        )
    return order


def _weight(library: Library, address: SearchAddress) -> float:
    label = "Match by: caption - both - picture"
    if not library.fusion.weighable:
        st.slider(label, 0.0, 1.0, library.weight, key="fixed", disabled=True)
        st.caption("This library always uses both.")
        return library.weight
    weight = library.weight if address.weight is None else address.weight
    st.slider(
        label,
        0.0,
        1.0,
        step=0.05,
        help="At the left, only captions count; at the right, only pictures.",
        **bound("weight", weight),
    )
    return weight


def search_for(words: str) -> None:
    """Search for words, with the filters as they are."""
    change(q=words, like="", right=(), wrong=(), weaker=False)


def similar_to(picture_id: int) -> None:
    """Search for pictures like one of the library, with the filters as they are."""
    change(q="", like=str(picture_id), picture="", right=(), wrong=(), weaker=False)
