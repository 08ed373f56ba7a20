"""Where in a picture a query is found: the heat map of the picture that is shown large."""

from __future__ import annotations

from PIL import Image

from indexer.encoders import LocatingEncoder
from search import Query
from search.heat_map import HeatMap, Sought
from ui.views.large import HeatFinder
from ui.views.opened import Opened


def heat_finder(opened: Opened, query: Query) -> HeatFinder | None:
    """Finds where in a picture a query is found; None where there is no query or no map.

    Others may ask the library meanwhile: the first map of all takes up to a minute.
    """
    with opened.asking():
        if not query.terms or not isinstance(opened.library.encoder, LocatingEncoder):
            return None

    def found(image: Image.Image) -> HeatMap:
        with opened.asking():
            sought = Sought.of(opened.library, query)
        return sought.on(image)

    return found
