"""Pages of results: the current one, and buttons to the others."""

from __future__ import annotations

import streamlit as st

PAGE = "page"  # in the address: number of the page, from 1
ASKED = "paged"  # in the session: the search that the pages belong to
HIGHEST = 1_000_000
_TURNED = "turned"  # in the session: whether the page was just turned
_TO_THE_TOP = """<script>
document.querySelector("[data-testid=stMain]").scrollTo({{top: 0}}); // page {}
</script>"""


def page_of(asked: object) -> int:
    """Page in the address, from 0; the first one if the search has changed."""
    before = st.session_state.get(ASKED, asked)
    st.session_state[ASKED] = asked
    if before != asked:
        st.query_params.pop(PAGE, None)
    said = st.query_params.get(PAGE, "1")
    return min(int(said), HIGHEST) - 1 if said.isascii() and said.isdigit() and said != "0" else 0


def turn(page: int, *, more: bool) -> None:
    """Show buttons to the previous and next page; nothing if there is only one page.

    A page that was just turned is scrolled to its top: the button was at the bottom of the last.
    """
    turned = st.session_state.pop(_TURNED, False)
    if page == 0 and not more:
        return
    with st.container(
        key="pages", horizontal=True, horizontal_alignment="center", vertical_alignment="center"
    ):
        _way("Previous", page - 1, possible=page > 0, icon=":material/chevron_left:")
        st.caption(f"Page {page + 1:,}", width="content")
        _way("Next", page + 1, possible=more, icon=":material/chevron_right:")
        if turned:
            st.html(_TO_THE_TOP.format(page), unsafe_allow_javascript=True)


def _way(label: str, page: int, *, possible: bool, icon: str) -> None:
    st.button(
        label, key=f"to-{label}", icon=icon, disabled=not possible, on_click=_go, args=(page,)
    )


def _go(page: int) -> None:
    st.query_params[PAGE] = str(page + 1)
    st.session_state[_TURNED] = True
