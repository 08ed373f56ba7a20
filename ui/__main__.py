"""`python -m ui`: the same as the command `picfuse`."""

from ui.cli import main

main(prog_name="picfuse")
