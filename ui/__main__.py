"""`python -m ui`: the same as the command `picfuse`."""

from ui.cli import run

run()
