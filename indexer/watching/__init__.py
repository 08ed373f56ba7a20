"""Watching: keep a library up to date while its folders change."""
