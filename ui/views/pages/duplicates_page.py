"""The page of duplicates: groups of identical or similar pictures, the best copy first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer import Library
from indexer.errors import PicfuseError
from indexer.library.records import CopyInfo
from search.duplicates import Duplicates, Group, Tier, find_duplicates, without_more_captions
from ui.views.controls.trash import confirm_move, files, move_confirmed
from ui.views.display.findings import how_many, path_to_copy, show_more, small
from ui.views.index_jobs import desk_of
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import shown_size
from ui.views.shared_library import SharedLibrary

NAMES = {"identical": "Exact copies", "same": "Same picture", "similar": "Similar"}  # of tiers
MEANINGS = {
    Tier.IDENTICAL: "Files with exactly the same contents",
    Tier.SAME: "Same picture, including resized or edited copies",
    Tier.SIMILAR: "Also other shots of the same scene, and parts of a picture",
}
_KEPT = "duplicates"  # in the session: those found last


@st.fragment
def show(options: AppOptions, library_page: StreamlitPage) -> None:
    """Show the page; it moves files only if the options allow that, and once it is confirmed."""
    heading("Duplicates")
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
    if options.allow_delete and move_confirmed(options, opened):
        st.session_state.pop(_KEPT, None)
    # Similar pictures may all be wanted.
    movable = options.allow_delete and tier is not Tier.SIMILAR
    try:
        with st.spinner("Looking for duplicates …", show_time=False):
            found, groups = opened.kept(
                _KEPT, (tier, movable), lambda _: _find(opened.library, tier, movable=movable)
            )
    except PicfuseError as error:
        notice("The library cannot be searched", str(error))
        return
    if found.left_out and not desk_of(options.library).busy:
        st.text(_left_out(len(found.left_out)))
    if not found:
        notice("No duplicates", "No two files are this similar.", icon="check")
        return
    _show(opened, found, groups, movable=movable)


def _find(library: Library, tier: Tier, *, movable: bool) -> tuple[Duplicates, tuple[Group, ...]]:
    """The duplicates, and their groups with the copies as spare that are offered to be moved."""
    found = find_duplicates(library, tier)
    return found, without_more_captions(library, found) if movable else found.groups


def _show(
    opened: SharedLibrary, found: Duplicates, groups: Sequence[Group], *, movable: bool
) -> None:
    """Show the groups; with buttons that move the spare copies if they are `movable`."""
    spare = [copy for group in groups for copy in group.spare]
    room = shown_size(sum(copy.size for copy in spare))
    number = f"{len(groups):,} groups" if len(groups) > 1 else "One group"
    changes = "" if movable else " picfuse deletes nothing: copy the paths of what to remove."
    st.text(f"{number} of duplicates. Removing the extra copies would free {room}.{changes}")
    if movable and len(groups) > 1 and spare and st.button("Move all extra copies to the trash …"):
        confirm_move(groups)
    count = how_many("duplicates", len(groups))
    for place, (whole, group) in enumerate(zip(found[:count], groups, strict=False)):
        with st.container(border=True):
            kept = [copy for copy in whole.spare if copy not in group.spare]
            _group(opened, group, kept)
            if movable and group.spare:
                label = f"Move {files(len(group.spare))} to the trash …"
                if st.button(label, key=f"trash-{place}", icon=":material/delete:"):
                    confirm_move([group])
    show_more("duplicates", count, len(groups))


def _group(opened: SharedLibrary, group: Group, kept: Sequence[CopyInfo]) -> None:
    """Show the copies of a group side by side; `kept` ones have captions of their own."""
    best = _facts(group.best)
    with st.container(horizontal=True, gap="medium"):
        for copy in group.pictures:
            with st.container(width=240):
                small(opened, copy.id, copy.content_hash, copy.path)
                badge = ":green-badge[:material/star: Best] " if copy is group.best else ""
                st.markdown(badge + _compared(_facts(copy), best))
                path_to_copy(copy.path)
                if copy in kept:
                    st.caption("It stays: it has a caption that the best copy lacks.")
                for path in copy.hard_links:
                    st.caption("The same file (hard link):")
                    path_to_copy(path)


def _facts(copy: CopyInfo) -> tuple[str, str, str, str]:
    """The facts in which copies may differ: pixels, bytes, format, when it was taken or changed."""
    moment = (copy.taken or copy.modified or "")[:16].replace("T", " ")
    date = f"{'Taken' if copy.taken else 'Changed'} {moment}" if moment else ""
    return f"{copy.width} x {copy.height}", shown_size(copy.size), copy.format or "", date


def _compared(facts: Sequence[str], best: Sequence[str]) -> str:
    """The facts of a copy in two lines; facts that differ from the best copy are bold."""
    *others, date = [
        f"**{fact}**" if fact and fact != usual else fact
        for fact, usual in zip(facts, best, strict=True)
    ]
    return " · ".join(filter(None, others)) + f"  \n{date}"


def _left_out(number: int) -> str:
    """A line about files that are in no group, though they may have been when they were indexed."""
    they = "1 file has" if number == 1 else f"{number:,} files have"
    return (
        f"{they} changed or gone since the library was updated, or cannot be read. "
        "Update the library to look at them again."
    )
