"""The surfaces: the command line and the browser app."""
