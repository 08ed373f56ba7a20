"""Indexing in the background: it continues while the user moves between pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from indexer import IndexOptions, Library
from indexer.encoders.precision import AUTO, in_precision
from indexer.settings import DEFAULT_ENCODER
from ui.index_jobs import IndexJobs
from ui.views.options import AppOptions
from ui.views.shared_library import SharedLibrary


@st.cache_resource(show_spinner=False)
def desk_of(library: Path) -> IndexJobs:
    """Desk of a library, shared by all sessions."""
    return IndexJobs()


def start_run(
    options: AppOptions,
    opened: SharedLibrary | None,
    folders: Sequence[Path] = (),
    index_options: IndexOptions | None = None,
) -> bool:
    """Start indexing folders of the app's library (none: all); returns whether it started.

    Without an opened library, a new one is made.
    """

    def open_writer() -> Library:
        if opened is None:
            encoder = in_precision(DEFAULT_ENCODER, AUTO)
            return Library.create(options.library, encoder=encoder, offline=options.offline)
        library = Library.open(options.library, offline=options.offline)
        with opened.asking():
            library.use_encoder(opened.library.encoder)  # already loaded
        return library

    return desk_of(options.library).start(open_writer, folders, index_options)
