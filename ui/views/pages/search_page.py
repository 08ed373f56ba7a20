"""The start page: all pictures by time, or the hits of a search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import InputError, PicfuseError, PlacedError
from indexer.library.away import AwayFolder, away_folders, away_message
from search import Answer, Query, Searcher
from search.browsing.listing import quoted
from search.query.options import WORDS
from search.where import ambiguous_dates
from search.where.parts import narrowed
from ui.gallery.component import gallery
from ui.gallery.data import GalleryData, ListSource, Mark
from ui.sentences import unknown_words_message, unread_message
from ui.views.controls.address import SearchAddress, arrive, change, current, go
from ui.views.controls.album_saving import offer_saving, options_of, picture_id
from ui.views.controls.chips import show_chips
from ui.views.controls.picking import album_names, can_pick, picking_events, tell
from ui.views.controls.search_form import (
    UPLOADER,
    Question,
    ask,
    search_for,
    similar_to,
    take_uploads,
)
from ui.views.controls.typed_query import query_of
from ui.views.display.example import show_example
from ui.views.display.heat_maps import HeatFinder, heat_finder, show_heat
from ui.views.display.items import items_of
from ui.views.display.results import Results, read_more, read_results
from ui.views.display.understanding import show_understanding
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import came_from_elsewhere, notice
from ui.views.safe_text import browser_safe, literal, sentence
from ui.views.shared_library import SharedLibrary

_NOTHING = GalleryData("nothing", (), "", title="", uploader=UPLOADER)
_HEAT = "heat"  # in the session: id of the picture whose heat map was asked for


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; an error that has a remedy takes the place of the pictures.

    A search reruns only this part of the app.
    """
    opened = filled_or_said(options, library_page)
    if opened is not None:
        _search(opened, arrive(came_from_elsewhere()), options.date_order)


def _search(opened: SharedLibrary, address: SearchAddress, date_order: str) -> None:
    """Show the controls and the pictures; without pictures the gallery still takes dropped ones."""
    data = _NOTHING
    try:
        with opened.asking():
            names = opened.library.tags.names(opened.library.encoder_id)
            away = away_folders(opened.library.catalogue)
        _say_away(away)
        with st.container(horizontal=True, vertical_alignment="center", key="asking"):
            asked = ask(opened, names, address, date_order)
            offer_saving(opened, asked)
        show_chips(address)
        data = _list(opened, asked) if address.nothing else _answer(opened, asked)
    except PlacedError as error:
        title = "This filter is not understood" if error.option else "Cannot search for this"
        notice(title, error.problem)
        st.code(error.marked, language=None)
    except InputError as error:
        notice("Cannot search for this", str(error))
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
    gallery(data, _events(opened), key="gallery")
    take_uploads()
    tell()


def _say_away(folders: Sequence[AwayFolder]) -> None:
    """Say which pictures cannot be opened now, since their disk is not plugged in."""
    for folder in folders:
        place = literal(browser_safe(folder.path))
        st.caption(f":material/usb_off: {away_message(folder.pictures)}: {place}")


# All pictures


def _list(opened: SharedLibrary, asked: Question) -> GalleryData:
    """All pictures, or as many as a filter allows, in the chosen order."""
    address, where = asked.address, _where(asked.address)
    _say_readings(asked)
    if where is not None:
        with opened.asking() as searcher:
            found = len(searcher.matching_ids(where=where, date_order=asked.date_order))
        if not found:
            notice("Nothing found", _limits(address, searched=False), icon="search_off")
    listing = ListSource(address.sort, where, date_order=asked.date_order if where else None)
    return _data(opened, f"{listing} {opened.library.path}", listing, title=None)


def _where(address: SearchAddress) -> str | None:
    """Filter with the tags as conditions of it."""
    where = address.filter
    for tag in address.tags:
        where = narrowed(where, f"tag: {quoted(tag)}")
    return where


# Answers


def _answer(opened: SharedLibrary, asked: Question) -> GalleryData:
    """The pictures that a search finds."""
    address = asked.address
    show_example(opened, asked)
    if asked.lost:
        return _NOTHING
    with st.container(key="busy"), st.spinner("Searching …", show_time=False):
        results = read_results(
            opened,
            asked,
            _place(asked),
            lambda searcher, offset, k: _asked(searcher, asked, offset, k),
            with_weaker=address.weaker,
        )
    _say_readings(asked)
    show_understanding(results.first, search_for)
    _say_doubt(results)
    if not results.first.hits:
        notice("Nothing found", _nothing(asked, results.first), icon="search_off")
    marks: dict[int, Mark] = dict.fromkeys(address.right, "right")
    with opened.asking():
        items = items_of(opened.library, results.hits, marks)
    can = {"mark"} if address.markable else set()
    finder = heat_finder(opened, results.first.query)
    if finder is not None:
        can.add("heat")
        _show_heat(opened, finder)
    return _data(
        opened,
        _place(asked),
        items,
        title=f"{results.number}, best match first" if items else "",
        weaker=results.weaker,
        more=results.more,
        can=can,
    )


def _place(asked: Question) -> str:
    """Name of a list: marks and weaker matches change it in its place."""
    plain = replace(asked.address, right=(), wrong=(), weaker=False)
    return str(plain.parameters())


def _asked(searcher: Searcher, asked: Question, offset: int, k: int) -> Answer:
    """Answer from an offset on, at most `k` hits.

    Marked pictures, and a picture that is in the library itself, come first instead of being left
    out.
    """
    address = asked.address
    # A picture of the library that was asked with is seen above its like.
    first = bool(address.right) if address.like else True
    options = options_of(asked, k=k, offset=offset, explain=address.markable, asked_first=first)
    if address.like:
        return searcher.ask(picture_id(address.like), options)
    if not address.q.strip() and asked.picture is None:
        return searcher.ask(Query((), asked.weight), options)
    return searcher.ask(query_of(address.q, asked.picture, weight=asked.weight), options)


def _say_readings(asked: Question) -> None:
    """Say how ambiguous dates of the filter were read."""
    where = asked.address.filter
    for one in ambiguous_dates(where, date_order=asked.date_order) if where else ():
        st.caption(f"Reading {literal(browser_safe(one.text))} as {one.meaning}")


def _say_doubt(results: Results) -> None:
    """Show doubts about the hits: unknown words, or no likely hit."""
    answer = results.first
    if answer.unread_by is not None:
        st.text(browser_safe(sentence(unread_message(answer.unread_by))))
    if answer.hits and not results.hits:
        best = answer.hits[0].confidence
        said = [] if best is None else [f"The closest picture is probably not it ({best:.0%})."]
        if answer.unknown or best is None:
            said.append(sentence(unknown_words_message(answer.unknown)))
        notice("No good matches", " ".join(said), icon="search_off")
    elif answer.unknown:
        st.text(browser_safe(sentence(unknown_words_message(answer.unknown))))


def _nothing(asked: Question, answer: Answer) -> str:
    """Reason for an empty answer, as far as the query and the controls tell."""
    address = asked.address
    if answer.unread_by is not None:
        unread = browser_safe(unread_message(answer.unread_by))
        return f"{unread}. No caption, file name or tag has these words."
    if address.filter or address.tags:
        return _limits(address, searched=True)
    if address.mode == WORDS and not address.like:
        return (
            "No caption, file name or tag has these words. Set 'Search in' to 'Everything' to "
            "search for what pictures show."
        )
    return "No other picture in the library matches."


def _limits(address: SearchAddress, *, searched: bool) -> str:
    limits = [f'the filter "{address.filter}"'] if address.filter else []
    limits += [f"the tags {', '.join(address.tags)}"] if address.tags else []
    match = "match this search with" if searched else "match"
    return f"No pictures {match} {' and '.join(limits)}."


# The gallery


def _data(
    opened: SharedLibrary, key: str, shown: Any, can: Iterable[str] = (), **more: Any
) -> GalleryData:
    return GalleryData(
        key,
        shown,
        str(opened.library.generation),
        albums=album_names(opened),
        uploader=UPLOADER,
        can=can_pick(opened) | set(can),
        **more,
    )


def _events(opened: SharedLibrary) -> dict[str, Any]:
    """Functions that the gallery calls."""
    return picking_events(opened) | {
        "more": read_more,
        "mark": lambda said: go(current().marked(int(said["id"]), said["mark"])),
        "similar": lambda said: similar_to(int(said["id"])),
        "filter": lambda said: change(where=narrowed(current().where, str(said["where"]))),
        "sort": lambda said: change(sort=str(said)),
        "show_weaker": lambda _: change(weaker=True),
        "heat": lambda said: st.session_state.update({_HEAT: int(said["id"])}),
    }


def _show_heat(opened: SharedLibrary, find: HeatFinder) -> None:
    """Show the heat map that was asked for."""
    key = st.session_state.pop(_HEAT, None)
    if key is not None:
        show_heat(opened, key, find)
