"""The page with a map of meaning: similar pictures are close together, and regions have names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from indexer.errors import PicfuseError
from indexer.library.records import Record, records
from search.library_map import MAX_PICTURES, LibraryMap, draw_map
from search.map_regions import regions
from ui.views.controls.search_form import LIKE
from ui.views.display.large import open_large
from ui.views.library_notices import filled_or_said
from ui.views.options import AppOptions
from ui.views.page_style import heading, notice
from ui.views.safe_text import browser_safe
from ui.views.shared_library import SharedLibrary
from ui.web.routes import PREFIX

GROUPS = 10  # colours; all rarer groups share one more
OTHERS, NONE = "others", "none"
KINDS = {"Look": "picture", "Captions": "caption", "Both": "fused"}
PICK = "pick"  # name of the chart's selection
PICKED = "picked on the map"  # in the session: ids of the pictures selected last


def show(options: AppOptions, search_page: StreamlitPage, library_page: StreamlitPage) -> None:
    """Show the page; an error takes the place of the map."""
    heading("Map of meaning")
    opened = filled_or_said(options, library_page)
    if opened is None:
        return
    try:
        _map(opened, search_page)
    except PicfuseError as error:
        notice("The map cannot be shown", str(error))


def _map(opened: SharedLibrary, search_page: StreamlitPage) -> None:
    left, right = st.columns(2)
    kind = left.selectbox("Arrange by", list(KINDS), key="map-kind")
    colour = right.selectbox("Colour by", list(_GROUPINGS), key="map-colour")
    with st.spinner("Arranging pictures …", show_time=False), opened.asking():
        library = opened.library
        shown = _shown(opened, str(library.path), library.generation, KINDS[kind])
    if not shown.points:
        notice(
            "Nothing to show", f"No picture can be arranged by {kind.lower()}.", icon="search_off"
        )
        return
    st.caption(shown.said)
    picked = _chart(shown, colour, f"map-{kind}-{colour}")
    if picked is not None:
        open_large(opened, picked, partial(_more_like, search_page))


@dataclass(frozen=True, slots=True)
class _Shown:
    """Chart data of each picture and of each region's name, and a line about all."""

    points: list[dict[str, Any]]
    names: list[dict[str, Any]]
    said: str


@st.cache_data(max_entries=8, show_spinner=False)
def _shown(_opened: SharedLibrary, path: str, generation: int, kind: str) -> _Shown:
    """The map of the library by a kind of embedding; cached until the library changes."""
    made = draw_map(_opened.library, kind=kind)
    known = {r["id"]: r for batch in records(_opened.library, made.ids.tolist()) for r in batch}
    kept = [n for n, key in enumerate(made.ids.tolist()) if key in known]
    told = [known[int(made.ids[n])] for n in kept]
    named = {name: _limited([of(record) for record in told]) for name, of in _GROUPINGS.items()}
    points = [
        {
            "id": record["id"],
            "x": float(made.points[n, 0]),
            "y": float(made.points[n, 1]),
            "image": f"{PREFIX}/thumb/{record['id']}/{record['hash']}",
            "Picture": browser_safe(record["path"].rpartition("/")[2]),
            "Caption": browser_safe(record["caption"] or ""),
            **{name: groups[place] for name, groups in named.items()},
        }
        for place, (n, record) in enumerate(zip(kept, told, strict=True))
    ]
    found = regions(made.points[kept], [record["captions"] for record in told])
    names = [{"x": r.x, "y": r.y, "name": browser_safe(r.name)} for r in found]
    return _Shown(points, names, _said(made))


def _said(made: LibraryMap) -> str:
    many = f"{made.pictures:,} pictures"
    if made.pictures > MAX_PICTURES:
        many = f"{len(made.ids):,} of {made.pictures:,} pictures, chosen at random"
    return (
        f"{many}. Similar ones are close together. This is not a map of places. Click a point to "
        "open its picture, scroll to zoom."
    )


def _folder(record: Record) -> str:
    """Folder of a picture, relative to the indexed one."""
    below = record["path"].removeprefix(record["folder"]).strip("/").rpartition("/")[0]
    return browser_safe(below or record["folder"].rpartition("/")[2])


def _tag(record: Record) -> str:
    return browser_safe(next(iter(record["tags"]), NONE))


def _year(record: Record) -> str:
    return (record["taken"] or "")[:4] or NONE


_GROUPINGS = {"Folder": _folder, "Tag": _tag, "Year": _year}


def _limited(groups: Sequence[str]) -> list[str]:
    """Groups, with the rarer ones as one."""
    often = {name for name, _ in Counter(groups).most_common(GROUPS)}
    return [name if name in often else OTHERS for name in groups]


def _legend(altair: Any, rows: Sequence[dict[str, Any]], colour: str) -> Any:
    """Legend of the colours; None if there is only one."""
    if len({row[colour] for row in rows}) < 2:
        return None
    return altair.Legend(title=colour, symbolLimit=0)


def _chart(shown: _Shown, colour: str, key: str) -> int | None:
    """Draw the map; returns the id of the clicked picture, or None.

    A click selects or deselects a point, so the point that has changed was clicked.
    """
    altair, pandas = import_module("altair"), import_module("pandas")
    pick = altair.selection_point(name=PICK, fields=["id"], toggle="true")
    room = altair.Scale(padding=12)  # pixels, so that no point at the edge is cut off
    at = {
        "x": altair.X("x:Q", axis=None, scale=room),
        "y": altair.Y("y:Q", axis=None, scale=room),
    }
    points = (
        altair.Chart(pandas.DataFrame(shown.points))
        .mark_circle(size=70, opacity=0.75)
        .encode(
            **at,
            color=altair.Color(
                f"{colour}:N",
                legend=_legend(altair, shown.points, colour),
                scale=altair.Scale(scheme="tableau10"),
            ),
            tooltip=["image:N", "Picture:N", "Caption:N", f"{colour}:N"],  # an image is shown
        )
        .add_params(pick, altair.selection_interval(name="view", bind="scales"))
    )
    chart = altair.layer(points, *_labels(altair, pandas, shown.names, at)).properties(height=620)
    before = st.session_state.get(PICKED, frozenset()) if key in st.session_state else frozenset()
    event = st.altair_chart(chart, key=key, on_select="rerun", selection_mode=PICK)
    selected = event.get("selection", {}).get(PICK, ())
    st.session_state[PICKED] = picked = frozenset(int(point["id"]) for point in selected)
    changed = [*before ^ picked]
    return changed[0] if len(changed) == 1 else None


def _labels(altair: Any, pandas: Any, names: Sequence[dict[str, Any]], at: dict[str, Any]) -> Any:
    """The names of regions over the points: an edge makes them readable on any colour."""
    if not names:
        return ()
    text = altair.Chart(pandas.DataFrame(names)).encode(**at, text="name:N")
    style = {"fontSize": 15, "fontWeight": "bold", "tooltip": None}
    front, back = (
        ("#ffffff", "#171614") if st.context.theme.type == "dark" else ("#171614", "#ffffff")
    )
    edge = text.mark_text(**style, stroke=back, strokeWidth=4, strokeJoin="round", opacity=0.85)
    return edge, text.mark_text(**style, color=front)


def _more_like(search_page: StreamlitPage, picture_id: int) -> None:
    # A link, unlike a switch of pages, is one step of the browser's history.
    st.page_link(search_page, label="More like this", query_params={LIKE: str(picture_id)})
