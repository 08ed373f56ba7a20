"""The SQLite side of a library: how it is stored, read and changed."""
