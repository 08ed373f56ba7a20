"""Streamlit's command line for `picfuse ui`, without the look-up of its public address.

When another web page tries to reach the app, Streamlit looks up its own public address (at
amazonaws.com) to compare the two. This app serves one machine only, and stays offline.
"""

from __future__ import annotations

from streamlit import net_util
from streamlit.web.cli import main


def no_address() -> None:
    """Public address of this machine: none."""


if __name__ == "__main__":
    net_util.get_external_ip = no_address
    net_util.get_internal_ip = no_address
    main(prog_name="streamlit")
