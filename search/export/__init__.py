"""What a library knows and holds, written to files that other programs read."""
