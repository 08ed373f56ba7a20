"""A module for each command of `picfuse`."""
