"""Streamlit's command line as `picfuse ui` calls it: it never asks the network who it is.

Streamlit looks its public address up (at amazonaws.com) when some other web page tries to reach
the app, in order to compare. An app for this machine has none, and stays offline.
"""

from __future__ import annotations

from streamlit import net_util
from streamlit.web.cli import main


def no_address() -> None:
    """The address of this machine as others see it: none."""


if __name__ == "__main__":
    net_util.get_external_ip = no_address
    net_util.get_internal_ip = no_address
    main(prog_name="streamlit")
