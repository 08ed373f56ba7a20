"""The end of the server, told by the page in words of picfuse.

Streamlit opens a dialog about itself when its server has gone. The page puts its own words in front
of that dialog's; Streamlit closes it when the server is back.
"""

from __future__ import annotations

import streamlit as st

SCRIPT = """
const TITLE = "Connection error";  // of Streamlit's dialog, whatever the reason
const ENDED = `
  <h2 id="picfuse-ended">picfuse is not running</h2>
  <p>This page comes back by itself when picfuse runs again. To start it:</p>
  <pre><code>picfuse ui</code></pre>`;
const REFUSED = `
  <h2 id="picfuse-ended">picfuse does not answer this page</h2>
  <p>Reload the page.</p>`;

function speak() {
  for (const dialog of document.querySelectorAll('[role="dialog"]:not(.picfuse-ended)')) {
    if (dialog.querySelector("h2")?.textContent !== TITLE) continue;
    const said = document.createElement("div");
    said.innerHTML = dialog.textContent.includes("HTTP status") ? REFUSED : ENDED;
    dialog.append(said);
    dialog.classList.add("picfuse-ended");
    dialog.setAttribute("aria-labelledby", "picfuse-ended");
  }
}

export default function () {
  const watch = new MutationObserver(speak);
  watch.observe(document.body, { childList: true, subtree: true });
  return () => watch.disconnect();
}
"""

_component = st.components.v2.component("picfuse_ending", js=SCRIPT)


def tell_ending() -> None:
    """Have the page say, when its server has ended, how to start it again."""
    _component(key="ending", height=0)
