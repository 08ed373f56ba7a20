"""Uploaded pictures: kept while the app runs, so that an address can name one.

A picture that was searched with is there again after a reload, and on the way back.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import streamlit as st

_MOST = 256 * 2**20  # bytes of all


class Shelf:
    """Pictures by a key made of their bytes; the least recently used leave first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, picture: bytes) -> str:
        """Keep a picture; returns its key, which tells nobody anything else."""
        key = hashlib.sha256(picture).hexdigest()[:32]
        with self._lock:
            self._pictures[key] = picture
            self._pictures.move_to_end(key)
            while sum(map(len, self._pictures.values())) > self._most and len(self._pictures) > 1:
                self._pictures.popitem(last=False)
        return key

    def get(self, key: str) -> bytes | None:
        """The picture of a key; None if it has left."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The app's shelf, shared by all sessions."""
    return Shelf()
