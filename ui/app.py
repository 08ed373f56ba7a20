"""The browser app's router: `streamlit run ui/app.py -- --library PATH`.

`picfuse ui` starts it. Streamlit imports this file for `app`, its server, runs it from top to
bottom for every click, and puts its folder first on the import path, so everything else is in the
packages `ui.views` and `ui.web`.
"""

from __future__ import annotations

import os
import sys

import streamlit as st

from ui.views.display.ending import tell_ending
from ui.views.options import AppOptions
from ui.views.page_style import ICON, came_from_elsewhere, fold_pages, heading, use_style
from ui.views.pages import (
    albums_page,
    captions_page,
    duplicates_page,
    library_page,
    map_page,
    search_page,
)
from ui.views.server import server_parts


def main() -> None:
    """Show the page in the address."""
    options = AppOptions.parse(sys.argv[1:], os.environ)
    st.set_page_config(
        page_title="picfuse",
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state="collapsed",  # on a phone, its list of pages would cover the page
    )
    use_style()
    tell_ending()

    def search() -> None:
        heading("Pictures", hidden=True)
        search_page.show(options, library, from_elsewhere=came_from_elsewhere())

    def manage() -> None:
        library_page.show(options)

    def lay_out() -> None:
        map_page.show(options, start, library)

    def albums() -> None:
        albums_page.show(options, library)

    def alike() -> None:
        duplicates_page.show(options, library)

    def captions() -> None:
        captions_page.show(options, library)

    kept = st.Page(albums, title="Albums", icon=":material/photo_album:", url_path="albums")
    chart = st.Page(lay_out, title="Map", icon=":material/scatter_plot:", url_path="map")
    copies = st.Page(
        alike, title="Duplicates", icon=":material/content_copy:", url_path="duplicates"
    )
    audit = st.Page(captions, title="Captions", icon=":material/subtitles:", url_path="captions")
    library = st.Page(manage, title="Library", icon=":material/folder_open:", url_path="library")
    start = st.Page(search, title="Pictures", icon=":material/photo_library:", default=True)
    page = st.navigation([start, kept, chart, copies, audit, library], position="top")
    fold_pages(page.title)
    page.run()


if __name__ == "__main__":
    main()
else:
    app = st.App(__file__, **server_parts(AppOptions.parse(sys.argv[1:], os.environ)))
