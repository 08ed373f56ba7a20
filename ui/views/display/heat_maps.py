"""Heat map of a picture: the places that match the query."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from PIL import Image

from indexer.encoders import LocatingEncoder
from indexer.errors import PicfuseError
from search import Query
from search.heat_map import HeatMap, HeatMapQuery
from ui.views.display.jpegs import alt_of, large_image
from ui.views.page_style import notice
from ui.views.shared_library import SharedLibrary
from ui.web.pictures import as_jpeg

HeatFinder = Callable[[Image.Image], HeatMap]


def heat_finder(opened: SharedLibrary, query: Query) -> HeatFinder | None:
    """Function that makes the heat map of a query; None without a query or a suitable encoder.

    It does not hold the library while it works, since the first map takes up to a minute.
    """
    with opened.asking():
        if not query.terms or not isinstance(opened.library.encoder, LocatingEncoder):
            return None

    def found(image: Image.Image) -> HeatMap:
        with opened.asking():
            sought = HeatMapQuery.of(opened.library, query)
        return sought.on(image)

    return found


@st.dialog("Why this picture", width="large")
def show_heat(opened: SharedLibrary, picture_id: int, find: HeatFinder) -> None:
    """Show a picture of the library with the places that match."""
    with opened.asking():
        picture = opened.library.catalogue.pictures([picture_id]).get(picture_id)
    if picture is None:
        notice("The picture is no longer there", "Update the library.", icon="search_off")
        return
    try:
        image = large_image(picture)
        with st.spinner("Making the heat map; the first one can take a minute …", show_time=False):
            heat = find(image)
    except PicfuseError as error:
        notice("The heat map cannot be shown", str(error))
        return
    st.image(as_jpeg(heat.over(image)), alt=alt_of(picture))
    st.caption("Brightest where it matches best. Even a poor match has a brightest place.")
