"""The current search: as options of a searcher, and saved as an album."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from indexer.errors import PicfuseError, QueryError
from search import Query, SearchOptions, Term
from search.albums import save_album
from search.query.examples import examples_of
from ui.views.controls.search_form import Question
from ui.views.controls.typed_query import query_of
from ui.views.page_style import notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary

_AT_MOST = 50


def options_of(asked: Question, **more: Any) -> SearchOptions:
    """Searcher options that the controls add to the query; `more` are further ones."""
    address = asked.address
    options = SearchOptions(
        tags=address.tags,
        where=address.filter,
        date_order=asked.date_order,
        fold=address.fold,
        diverse=asked.diversity,
        weight=asked.weight if address.like else None,
        **more,
    )
    if address.markable:
        options = dataclasses.replace(options, like=address.right, unlike=address.wrong)
    if address.like:  # a picture has no words, so it is searched by meaning
        return options
    return dataclasses.replace(options, mode=address.mode)


def picture_id(text: str) -> int:
    """Id of the library's picture in an address. Raises `QueryError` if it is not an id."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise QueryError(f"there is no picture '{text}' in the library; search again")
    return int(text)


def offer_saving(opened: SharedLibrary, asked: Question) -> None:
    """Show a form that saves the current search as an album; it is at rest without a search."""
    address = asked.address
    idle = address.nothing and not address.filter and not address.tags
    with st.popover("Save", icon=":material/bookmark_add:", key="saving", disabled=idle):
        with st.form("album", border=False):
            st.caption("Saves this search as an album, to which new matches are added.")
            name = st.text_input("Name", key="album-name", max_chars=200)
            k = st.number_input("Limit", 1, 10_000, _AT_MOST, key="album-k")
            replace = st.checkbox("Replace an album of the same name", key="album-replace")
            save = st.form_submit_button("Save")
        if save:  # the outcome appears right below the button
            _save(opened, asked, name, k, replace=replace)


def _save(opened: SharedLibrary, asked: Question, name: str, k: int, *, replace: bool) -> None:
    try:
        with opened.asking():
            query, options = _question(opened, asked)
            album = save_album(
                opened.library,
                name,
                query,
                k=k,
                where=options.where,
                tags=options.tags,
                mode=options.mode,
                date_order=options.date_order,
                like=options.like,
                unlike=options.unlike,
                replace=replace,
            )
    except PicfuseError as error:
        notice("The album was not saved", str(error))
    else:
        notice("Saved as an album", browser_safe(album.name), icon="check_circle")


def _question(opened: SharedLibrary, asked: Question) -> tuple[Query, SearchOptions]:
    address, options = asked.address, options_of(asked)
    if address.like:
        (like,) = examples_of(opened.library, [picture_id(address.like)])
        return Query((Term(picture=like),), asked.weight), options
    if not address.q.strip() and asked.picture is None:
        return Query((), asked.weight), options
    return query_of(address.q, asked.picture, weight=asked.weight), options
