"""Browsing: the years, places, people and the like of the library, as filters to choose."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from search.browsing.facets import Facet, Facets, FolderFacet, facets
from search.where.parts import narrowed
from ui.views.controls.address import change, current
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

_KINDS = {  # a name for people, and the list of `Facets`
    "Year": "years", "Place": "places", "Person": "people", "Keyword": "keywords",
    "Camera": "cameras",
}  # fmt: skip
_LEAST = 2  # things of a kind: a choice of one is none


def offer_browsing(opened: SharedLibrary) -> None:
    """Show a list of each kind of thing that the library has; a choice narrows the filter."""
    known = opened.kept("facets", None, lambda _: facets(opened.library))
    for name, things in _lists(known):
        if len(things) >= _LEAST:
            key = f"browse-{name}"
            st.selectbox(
                name,
                things,
                index=None,
                placeholder="Any",
                format_func=_label,
                key=key,
                on_change=_narrow,
                args=(key,),
            )


def _lists(known: Facets) -> Iterator[tuple[str, list[Facet]]]:
    for name, kind in _KINDS.items():
        yield name, getattr(known, kind)
    yield "Folder", [one for folder in known.folders for one in _below(folder, "")]


def _below(folder: FolderFacet, above: str) -> Iterator[Facet]:
    """A folder and all in it, each named from the indexed one on."""
    name = f"{above}/{folder.name}" if above else folder.name
    yield Facet(name, folder.pictures, folder.where)
    for inner in folder.folders.values():
        yield from _below(inner, name)


def _label(thing: Facet) -> str:
    return browser_safe(f"{thing.name} ({thing.pictures:,})")


def _narrow(key: str) -> None:
    thing: Facet | None = st.session_state[key]
    st.session_state[key] = None  # the chip shows what was chosen
    if thing is not None and thing.where:
        change(where=narrowed(current().where, thing.where))
