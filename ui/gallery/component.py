"""The gallery as a component of Streamlit: its data, and the events that it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from ui.gallery.assets import STYLE, front_address
from ui.gallery.data import GalleryData
from ui.web.routes import PREFIX

EVENTS = (
    "more", "mark", "similar", "filter", "album", "favourite", "remove", "move", "cover", "sort",
    "show_weaker", "heat",
)  # fmt: skip
_SCRIPT = """
export default async (component) => {
  const { mount } = await import(new URL(component.data.front, location.origin));
  return mount(component);
};
"""

_component = st.components.v2.component(
    "picfuse_gallery", js=_SCRIPT, css=STYLE, isolate_styles=False
)


def gallery(data: GalleryData, on: Mapping[str, Callable[[Any], None]], key: str) -> None:
    """Show pictures; `on` has a function for each event that matters here.

    A function gets the event's value from the front end. It runs before the page's script does.
    """
    told = data.told(PREFIX) | {"front": f"{front_address(PREFIX)}/main.js"}
    called: dict[str, Any] = {
        f"on_{event}_change": partial(_call, key, event, on.get(event, _nothing))
        for event in EVENTS
    }
    _component(data=told, key=key, **called)


def _call(key: str, event: str, act: Callable[[Any], None]) -> None:
    said = st.session_state[key].get(event)
    if said is not None:
        act(said)


def _nothing(_: Any) -> None:
    """An event that means nothing on this page."""
