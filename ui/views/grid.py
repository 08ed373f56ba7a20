"""Pictures side by side, each with what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from ui.views.cards import Card
from ui.views.large import HeatFinder, More, open_alike, open_picture
from ui.views.plain import shown


@dataclass(frozen=True, slots=True)
class Actions:
    """What the buttons of a card do.

    `more` asks for pictures like one. `judge` is called with a picture that is marked as right
    (True) or wrong; None where none can be. `where` finds where in a picture is what was asked
    for; None where that cannot be done.
    """

    more: More
    judge: Callable[[int, bool], None] | None = None
    where: HeatFinder | None = None


def grid(cards: Sequence[Card], actions: Actions) -> None:
    """The cards in rows."""
    with st.container(key="hits"):
        for place, card in enumerate(cards):
            with st.container(key=f"hit-{place}"):
                _show(card, place, actions)


def _show(card: Card, place: int, actions: Actions) -> None:
    """One card. Its buttons are those of the picture: at its place there may soon be another."""
    small = card.small()
    if small is None:
        with st.container(key=f"none-{place}"):
            st.markdown(":material/hide_image:")
    else:
        st.image(small, width="stretch", alt=card.said)
    if st.button("Show picture", key=f"open-{card.picture_id}", type="tertiary"):
        open_picture(card, actions.more, actions.where)
    with st.container(key=f"said-{place}"):
        st.text(card.said)
        if card.words:
            st.text(f"Has: {shown(', '.join(card.words))}")
    with st.container(key=f"foot-{place}", horizontal=True, horizontal_alignment="distribute"):
        st.button(
            "More like this",
            key=f"more-{card.picture_id}",
            type="tertiary",
            on_click=actions.more,
            args=(card.picture_id,),
        )
        if card.like and st.button(
            f"+{len(card.like)}", key=f"like-{card.picture_id}", type="tertiary"
        ):
            open_alike(card)
        if actions.judge is not None:
            _judging(card, actions.judge)
        if card.score:
            st.caption(card.score, width="content")


def _judging(card: Card, judge: Callable[[int, bool], None]) -> None:
    """Two buttons that mark a picture as right or wrong."""
    for right, name, icon, said in (
        (True, "Right", ":material/thumb_up:", "Right: find more such pictures"),
        (False, "Wrong", ":material/thumb_down:", "Wrong: find others than such pictures"),
    ):
        st.button(
            name,  # for who hears the page: the style sheet shows the icon alone
            icon=icon,
            key=f"{'right' if right else 'wrong'}-{card.picture_id}",
            type="tertiary",
            help=said,
            on_click=judge,
            args=(card.picture_id, right),
        )
