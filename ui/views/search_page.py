"""The page that searches: by words, by a picture, by both, or by a picture of the library."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.database import is_vacant
from indexer.errors import (
    InputError,
    LibraryNotFound,
    PicfuseError,
    PictureError,
    PlacedError,
    QueryError,
)
from indexer.thumbnails import read_thumbnail
from search import Answer, Options, Query
from ui.views.album_saving import offer_saving, options_of, picture_id
from ui.views.asking import LIKE, Asked, ask, leave_similar
from ui.views.cards import Card, jpeg
from ui.views.doubtful import likely_of
from ui.views.grid import Actions, grid
from ui.views.marking import clear_marks, judge, show_marks
from ui.views.opened import Opened, open_library
from ui.views.options import AppOptions
from ui.views.pages import page_of, turn
from ui.views.plain import notice
from ui.views.where_found import heat_finder
from ui.views.words import query_of


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; every trouble that has a remedy is said in place of results.

    A question runs this part again and nothing of the app around it.
    """
    try:
        opened = open_library(options)
        pictures = opened.pictures
    except PicfuseError as error:
        if isinstance(error, LibraryNotFound) and is_vacant(options.library):
            _invite("There is no library yet", "Add a folder of pictures, and it is made.")
            st.page_link(library_page, label="Add a folder")
        else:
            notice("The library cannot be used", str(error))
        return
    if not pictures:
        _invite("The library is empty", "Add a folder of pictures, and search them here.")
        st.page_link(library_page, label="Add a folder")
        return
    _search(opened, pictures)


def _invite(title: str, text: str) -> None:
    notice(title, text, icon="photo_library")


def _search(opened: Opened, pictures: int) -> None:
    try:
        with opened.asking():
            names = opened.library.tags.names(opened.library.encoder_id)
        asked = ask(opened.library, names)
        page = page_of(asked)
        if asked.nothing and not asked.tags and not asked.where:
            _browse(opened, pictures, asked.k, page)
            return
        _preview(opened, asked)
        show_marks(opened)
        with st.spinner("Searching …", show_time=False):
            answer = _answer(opened, asked, page)
    except PlacedError as error:
        condition = "This condition is not understood"
        notice(condition if error.option else "This cannot be searched for", error.problem)
        st.code(error.marked, language=None)
    except InputError as error:
        notice("This cannot be searched for", str(error))
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
    else:
        _results(opened, answer, page)
        offer_saving(opened, asked)


def _preview(opened: Opened, asked: Asked) -> None:
    """Show the picture that is asked with."""
    if asked.like is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="asked"):
            card = _card(opened, picture_id(asked.like))
            small = None if card is None else read_thumbnail(card.thumbnail)
            if card is not None and small is not None:
                st.image(small, alt=card.said)
            st.markdown("**Pictures like this one**", width="content")
            st.button("Back to the search", on_click=leave_similar, icon=":material/close:")
    elif asked.picture is not None:
        try:
            small = jpeg(asked.picture, 240)
        except PictureError as error:
            raise QueryError(f"the picture: {error}") from error
        with st.container(key="asked"):
            st.image(small, alt="The picture that is asked with")


def _answer(opened: Opened, asked: Asked, page: int) -> Answer:
    """The answer; kept while neither question nor library change, since every click runs this."""
    with opened.asking() as searcher:
        key = (asked, page, opened.library.path, opened.library.generation)
        kept: tuple[object, Answer] | None = st.session_state.get("answer")
        if kept is not None and kept[0] == key:
            return kept[1]
        options: Options = {**options_of(asked), "offset": page * asked.k, "explain": True}
        options |= {"fold": asked.fold, "diverse": asked.diverse, "mode": asked.mode}
        if asked.nothing and not asked.right:
            answer = searcher.listed(**options)
        elif asked.nothing:
            answer = searcher.search(Query((), asked.weight), **options)
        elif asked.like is None:
            query = query_of(asked.words, asked.picture, weight=asked.weight)
            answer = searcher.search(query, **options)
        else:
            picture = picture_id(asked.like)
            answer = searcher.similar(picture, weight=asked.weight, **options)
    st.session_state["answer"] = (key, answer)
    return answer


def _card(opened: Opened, picture_id: int) -> Card | None:
    with opened.asking():
        found = opened.library.catalogue.pictures([picture_id])
    return Card.of_picture(found[picture_id], opened.library.thumbnails) if found else None


def _results(opened: Opened, answer: Answer, page: int) -> None:
    if not answer.hits and page:
        notice("No more results", "Go back to the pages before.", icon="search_off")
        turn(page, more=False)
        return
    if not answer.hits:
        notice("Nothing found", "No other picture of the library answers this.", icon="search_off")
        return
    likely = likely_of(answer)
    if likely.hits:
        st.caption(f"{_counted(len(likely.hits))} in {answer.elapsed_ms:.0f} ms, best first")
        actions = Actions(_more_like, judge, heat_finder(opened, answer.query))
        grid([Card.of_hit(hit) for hit in likely.hits], actions)
    turn(page, more=answer.next_offset is not None)


def _browse(opened: Opened, pictures: int, count: int, page: int) -> None:
    first = page * count
    with opened.asking():
        catalogue = opened.library.catalogue
        found = catalogue.pictures(catalogue.present_ids(limit=count, offset=first))
    which = f"the first {len(found)}" if not page else f"{first + 1:,} to {first + len(found):,}"
    st.caption(f"{_counted(pictures)} in the library; {which} of them")
    thumbnails = opened.library.thumbnails
    grid([Card.of_picture(picture, thumbnails) for picture in found.values()], Actions(_more_like))
    turn(page, more=first + count < pictures)


def _counted(pictures: int) -> str:
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"


def _more_like(picture_id: int) -> None:
    clear_marks()
    st.query_params[LIKE] = str(picture_id)
