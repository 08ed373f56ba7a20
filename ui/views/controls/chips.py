"""Chips: the limits of the pictures shown; a click takes one away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from search.query.options import AUTO
from search.where.parts import parts_of
from ui.views.controls.address import SearchAddress, go
from ui.views.controls.search_form import MODE_NAMES
from ui.views.safe_text import browser_safe, literal


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that limits the pictures: its name, and the address without it."""

    name: str
    without: SearchAddress


def chips_of(address: SearchAddress) -> list[Chip]:
    """Limits of the pictures, except the words and the picture, which are seen anyway."""
    parts = parts_of(address.where) if address.filter else ()
    chips = [
        Chip(part, replace(address, where=" and ".join(_but(parts, place))))
        for place, part in enumerate(parts)
    ]
    chips += [
        Chip(f"tag: {tag}", replace(address, tags=tuple(_but(address.tags, place))))
        for place, tag in enumerate(address.tags)
    ]
    if address.mode != AUTO:
        chips.append(Chip(MODE_NAMES[address.mode], replace(address, mode=AUTO)))
    if address.diverse:
        chips.append(Chip("More variety", replace(address, diverse=False)))
    marks = len(address.right) + len(address.wrong)
    if marks:
        name = "1 mark" if marks == 1 else f"{marks} marks"
        chips.append(Chip(name, replace(address, right=(), wrong=())))
    return chips


def show_chips(address: SearchAddress) -> None:
    """Show the chips side by side; nothing if nothing limits the pictures."""
    chips = chips_of(address)
    if not chips:
        return
    with st.container(horizontal=True, key="chips"):
        for place, chip in enumerate(chips):
            st.button(
                literal(browser_safe(chip.name)),
                key=f"chip-{place}",
                icon=":material/close:",
                help="Remove",
                on_click=go,
                args=(chip.without,),
            )
        if len(chips) > 1:
            plain = SearchAddress(q=address.q, like=address.like, picture=address.picture)
            st.button("Clear all", key="chip-all", type="tertiary", on_click=go, args=(plain,))


def _but(parts: Sequence[str], place: int) -> list[str]:
    return [part for n, part in enumerate(parts) if n != place]
