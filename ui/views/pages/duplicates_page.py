"""The page of duplicates: groups of identical or similar pictures, the best copy first."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import PicfuseError
from indexer.library.records import CopyInfo
from indexer.pictures.thumbnails import thumbnail_path
from search.duplicates import Group, Tier, find_duplicates
from ui.views.display.findings import how_many, path_to_copy, show_more, small
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import notice

NAMES = {"identical": "Exact copies", "same": "Same picture", "similar": "Similar"}  # of tiers
MEANINGS = {
    Tier.IDENTICAL: "Files with exactly the same contents",
    Tier.SAME: "Same picture, including resized, recompressed or brightened copies",
    Tier.SIMILAR: "Also other shots of the same scene, and parts of a picture",
}


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; it changes and deletes nothing."""
    opened = filled_or_said(options, library_page)
    if opened is None:
        return
    tier = Tier(
        st.segmented_control(
            "Show",
            [tier.value for tier in Tier],
            default=Tier.SAME.value,
            required=True,
            format_func=NAMES.__getitem__,
            key="tier",
        )
    )
    st.caption(MEANINGS[tier])
    try:
        with st.spinner("Looking for duplicates …", show_time=False):
            found = opened.kept("duplicates", tier, lambda _: find_duplicates(opened.library, tier))
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
        return
    if found.left_out:
        st.text(_left_out(len(found.left_out)))
    if not found:
        notice("No duplicates", "No two files are this similar.", icon="check")
        return
    size = _size(sum(copy.size for group in found for copy in group.spare))
    st.text(
        f"{_counted(len(found))}. Keeping only the best copy of each would free {size}. "
        "picfuse deletes nothing: copy the paths of the files to remove."
    )
    count = how_many("duplicates", len(found))
    for group in found[:count]:
        _group(group, opened.library.thumbnails)
    show_more("duplicates", count, len(found))


def _group(group: Group, thumbnails: Path) -> None:
    with st.container(border=True, horizontal=True, gap="medium"):
        for copy in group.pictures:
            with st.container(width=240):
                _copy(copy, copy is group.best, thumbnails)


def _copy(copy: CopyInfo, best: bool, thumbnails: Path) -> None:
    small(thumbnail_path(thumbnails, copy.content_hash), copy.path)
    facts = f"{copy.width} x {copy.height} · {_size(copy.size)}"
    st.markdown(f":green-badge[:material/star: Best] {facts}" if best else facts)
    path_to_copy(copy.path)
    for path in copy.hard_links:
        st.caption("The same file (hard link):")
        path_to_copy(path)


def _left_out(files: int) -> str:
    """A line about files that are in no group, though they may have been when they were indexed."""
    they = "1 file has" if files == 1 else f"{files:,} files have"
    return (
        f"{they} changed or gone since the library was updated, or cannot be read. "
        "Update the library to look at them again."
    )


def _counted(groups: int) -> str:
    return "One group" if groups == 1 else f"{groups:,} groups"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} KB"
