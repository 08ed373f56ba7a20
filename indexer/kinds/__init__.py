"""Kinds of files and folders, told by their names and by their first bytes."""
