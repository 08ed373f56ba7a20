"""Pasting: a picture from the clipboard goes into a file uploader like a chosen one."""

from __future__ import annotations

import streamlit as st

SCRIPT = """
export default function ({ data }) {
  const paste = (event) => {
    const clipboard = event.clipboardData;
    const picture = [...(clipboard?.files ?? [])].find((file) => file.type.startsWith("image/"));
    const typing = event.target.matches?.("input, textarea");
    if (!picture || (typing && clipboard.types.includes("text/plain"))) return;
    const input = document.querySelector(`.st-key-${data.key} input[type="file"]`);
    if (!input) return;
    event.preventDefault();
    const files = new DataTransfer();
    files.items.add(picture);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
"""

_component = st.components.v2.component("picfuse_paste", js=SCRIPT)


def paste_into(key: str) -> None:
    """Send a picture that is pasted anywhere on the page to the uploader with this key."""
    _component(data={"key": key}, key="paste", height=0)
