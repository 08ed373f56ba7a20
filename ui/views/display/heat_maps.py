"""Heat map of the picture shown large: the places that match the query."""

from __future__ import annotations

from PIL import Image

from indexer.encoders import LocatingEncoder
from search import Query
from search.heat_map import HeatMap, HeatMapQuery
from ui.views.display.large import HeatFinder
from ui.views.shared_library import SharedLibrary


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
