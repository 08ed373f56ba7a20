"""Export: write what the library knows to files that other programs read."""
