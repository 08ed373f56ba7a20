"""Indexing in the background: it continues while the user moves between pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.index_jobs import IndexJobs


@st.cache_resource(show_spinner=False)
def desk_of(library: Path) -> IndexJobs:
    """Desk of a library, shared by all sessions."""
    return IndexJobs()
