"""The search page: by words, by a picture, by both, or by a picture of the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import (
    InputError,
    PicfuseError,
    PictureError,
    PlacedError,
    QueryError,
)
from indexer.library.away import AwayFolder, away_folders, away_message
from indexer.pictures.thumbnails import read_thumbnail
from search import Answer, Query, Searcher
from search.query.options import WORDS
from search.where import ambiguous_dates
from ui.sentences import unread_message
from ui.views.controls.album_saving import offer_saving, options_of, picture_id
from ui.views.controls.marks import clear_marks, judge, show_marks
from ui.views.controls.search_form import LIKE, SearchForm, ask, leave_similar, search_for
from ui.views.controls.typed_query import query_of
from ui.views.display.cards import Card, jpeg
from ui.views.display.doubtful_hits import likely_of
from ui.views.display.grid import Actions, grid
from ui.views.display.heat_maps import heat_finder
from ui.views.display.pager import page_of, turn
from ui.views.display.understanding import show_understanding
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe, counted
from ui.views.shared_library import SharedLibrary


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; an error that has a remedy takes the place of the results.

    A search reruns only this part of the app.
    """
    opened = filled_or_said(options, library_page)
    if opened is not None:
        _search(opened, options.date_order)


def _search(opened: SharedLibrary, date_order: str) -> None:
    try:
        pictures = opened.pictures
        with opened.asking():
            names = opened.library.tags.names(opened.library.encoder_id)
            away = away_folders(opened.library.catalogue)
        _say_away(away)
        asked = ask(opened.library, names, date_order)
        page = page_of(asked)
        if asked.nothing and not asked.tags and not asked.where:
            _browse(opened, pictures, asked.k, page)
            return
        _preview(opened, asked)
        if asked.refinable:
            show_marks(opened)
        with st.spinner("Searching …", show_time=False):
            answer = _answer(opened, asked, page)
    except PlacedError as error:
        title = "This filter is not understood" if error.option else "Cannot search for this"
        notice(title, error.problem)
        st.code(error.marked, language=None)
    except InputError as error:
        notice("Cannot search for this", str(error))
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
    else:
        _say_readings(asked)
        _results(opened, asked, answer, page)
        offer_saving(opened, asked)


def _say_away(folders: Sequence[AwayFolder]) -> None:
    """Say which pictures cannot be opened now, since their disk is not plugged in."""
    for folder in folders:
        place = browser_safe(str(folder.path))
        st.caption(f":material/usb_off: {away_message(folder.pictures)}: {place}")


def _say_readings(asked: SearchForm) -> None:
    """Say how ambiguous dates of the filter were read."""
    for one in ambiguous_dates(asked.where, date_order=asked.date_order) if asked.where else ():
        st.caption(f"Reading {browser_safe(one.text)} as {one.meaning}")


def _preview(opened: SharedLibrary, asked: SearchForm) -> None:
    """Show the picture that is searched with."""
    if asked.like is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="asked"):
            card = _card(opened, picture_id(asked.like))
            small = None if card is None else read_thumbnail(card.thumbnail)
            if card is not None and small is not None:
                st.image(small, alt=card.said)
            st.markdown("**Pictures like this one**", width="content")
            st.button("Back to search", on_click=leave_similar, icon=":material/close:")
    elif asked.picture is not None:
        try:
            small = jpeg(asked.picture, 240)
        except PictureError as error:
            raise QueryError(f"your picture cannot be read: {error}") from error
        with st.container(key="asked"):
            st.image(small, alt="Your picture")


def _answer(opened: SharedLibrary, asked: SearchForm, page: int) -> Answer:
    """Answer to the search; cached, since every click runs this."""
    return opened.kept("answer", (asked, page), lambda searcher: _asked(searcher, asked, page))


def _asked(searcher: Searcher, asked: SearchForm, page: int) -> Answer:
    options = replace(options_of(asked), offset=page * asked.k, explain=asked.refinable)
    options = replace(options, fold=asked.fold, diverse=asked.diverse)
    if asked.nothing and not asked.right:
        return searcher.ask(None, options)
    if asked.nothing:
        return searcher.ask(Query((), asked.weight), options)
    if asked.like is not None:
        return searcher.ask(picture_id(asked.like), replace(options, weight=asked.weight))
    return searcher.ask(query_of(asked.words, asked.picture, weight=asked.weight), options)


def _card(opened: SharedLibrary, picture_id: int) -> Card | None:
    with opened.asking():
        found = opened.library.catalogue.pictures([picture_id])
    return Card.of_picture(found[picture_id], opened.library.thumbnails) if found else None


def _results(opened: SharedLibrary, asked: SearchForm, answer: Answer, page: int) -> None:
    show_understanding(answer, search_for)
    if not answer.hits and page:
        notice("No more results", "Go back to an earlier page.", icon="search_off")
        turn(page, more=False)
        return
    if not answer.hits:
        notice("Nothing found", _nothing(asked, answer), icon="search_off")
        return
    likely = likely_of(answer, page)
    if likely.hits:
        st.caption(f"{counted(len(likely.hits))}, {_order(asked)} first")
        marking = judge if asked.refinable else None
        actions = Actions(_more_like, marking, heat_finder(opened, answer.query))
        grid([Card.of_hit(hit) for hit in likely.hits], actions)
    turn(page, more=likely.next_offset is not None)


def _order(asked: SearchForm) -> str:
    """Kind of hit that comes first: without a query the surest of its tags, or the newest."""
    if asked.nothing and not asked.right:
        return "surest" if asked.tags else "newest"
    return "best match"


def _nothing(asked: SearchForm, answer: Answer) -> str:
    """Reason for an empty answer, as far as the query and the controls tell."""
    if answer.unread_by is not None:
        unread = browser_safe(unread_message(answer.unread_by))
        return f"{unread}. No caption, file name or tag has these words."
    limits = [f'the filter "{asked.where}"'] if asked.where else []
    limits += [f"the tags {', '.join(asked.tags)}"] if asked.tags else []
    if limits:
        searched = "match" if asked.nothing else "match this search with"
        return f"No pictures {searched} {' and '.join(limits)}."
    if asked.mode == WORDS and asked.like is None:
        return (
            "No caption, file name or tag has these words. Set 'Search by' to 'Meaning' to search "
            "for what pictures show."
        )
    return "No other picture in the library matches."


def _browse(opened: SharedLibrary, pictures: int, count: int, page: int) -> None:
    page = min(page, max(pictures - 1, 0) // count)
    first = page * count
    with opened.asking():
        catalogue = opened.library.catalogue
        found = catalogue.pictures(catalogue.present_ids(limit=count, offset=first))
    some = f"Pictures {first + 1:,} to {first + len(found):,} of {pictures:,}"
    st.caption(some if pictures > count else counted(pictures))
    thumbnails = opened.library.thumbnails
    grid([Card.of_picture(picture, thumbnails) for picture in found.values()], Actions(_more_like))
    turn(page, more=first + count < pictures)


def _more_like(picture_id: int) -> None:
    clear_marks()
    st.query_params[LIKE] = str(picture_id)
