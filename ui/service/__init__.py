"""The HTTP service: what the command line does, warm, for programs of any language."""
