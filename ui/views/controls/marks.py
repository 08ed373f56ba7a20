"""Marks of right and wrong hits: they refine a search until it changes."""

from __future__ import annotations

import streamlit as st

from indexer.pictures.thumbnails import read_thumbnail
from ui.views.display.cards import Card
from ui.views.shared_library import SharedLibrary

_MARKS = "marks"  # in the session: whether a picture is right, by its id


def judge(picture_id: int, right: bool) -> None:
    """Mark a picture as right or as wrong."""
    st.session_state[_MARKS] = {**_marks(), picture_id: right}


def marked(right: bool) -> tuple[int, ...]:
    """Ids of the pictures marked as right (or wrong), in the order of marking."""
    return tuple(key for key, said in _marks().items() if said == right)


def clear_marks() -> None:
    """Remove all marks."""
    st.session_state.pop(_MARKS, None)


def show_marks(opened: SharedLibrary) -> None:
    """Show the marked pictures, each with a button that removes its mark."""
    marks = _marks()
    if not marks:
        return
    with opened.asking():
        found = opened.library.catalogue.pictures(marks)
    with st.container(horizontal=True, vertical_alignment="center", key="marks"):
        for right, title in ((True, "Right"), (False, "Wrong")):
            if marked(right):
                st.markdown(f"**{title}**", width="content")
            for key in marked(right):
                if key in found:
                    _show(Card.of_picture(found[key], opened.library.thumbnails))
        st.button("Clear", on_click=clear_marks, icon=":material/close:")


def _show(card: Card) -> None:
    with st.container(key=f"mark-{card.picture_id}", width="content"):
        small = read_thumbnail(card.thumbnail)
        if small is not None:
            st.image(small, alt=card.said, width=72)
        st.button(
            "Undo",
            key=f"unmark-{card.picture_id}",
            type="tertiary",
            on_click=_take_back,
            args=(card.picture_id,),
        )


def _take_back(picture_id: int) -> None:
    st.session_state[_MARKS] = {key: said for key, said in _marks().items() if key != picture_id}


def _marks() -> dict[int, bool]:
    found: dict[int, bool] = st.session_state.get(_MARKS, {})
    return found
