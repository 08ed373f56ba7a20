"""Pictures side by side, each with its buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from ui.views.display.cards import Card
from ui.views.display.large import HeatFinder, More, open_alike, open_picture
from ui.views.safe_text import browser_safe


@dataclass(frozen=True, slots=True)
class Actions:
    """Functions that the buttons of a card call.

    `more` searches for pictures like one. `judge` marks a picture as right (True) or wrong; None
    if pictures cannot be marked. `where` makes a heat map of the search; None if it cannot.
    """

    more: More
    judge: Callable[[int, bool], None] | None = None
    where: HeatFinder | None = None


def grid(cards: Sequence[Card], actions: Actions) -> None:
    """Show the cards in rows."""
    with st.container(key="hits"):
        for place, card in enumerate(cards):
            with st.container(key=f"hit-{place}"):
                _show(card, place, actions)


def _show(card: Card, place: int, actions: Actions) -> None:
    """Show a card. Its button keys name the picture, since another may soon take its place."""
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
            quoted = ", ".join(f'"{word}"' for word in card.words)
            st.text(f"Matches {browser_safe(quoted)}")
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
    """Show two buttons that mark a picture as right or wrong."""
    for right, name, icon, said in (
        (True, "Right", ":material/thumb_up:", "Right: show more like this"),
        (False, "Wrong", ":material/thumb_down:", "Wrong: show less like this"),
    ):
        st.button(
            name,  # for screen readers: the style sheet shows only the icon
            icon=icon,
            key=f"{'right' if right else 'wrong'}-{card.picture_id}",
            type="tertiary",
            help=said,
            on_click=judge,
            args=(card.picture_id, right),
        )
