"""Modes: what a query is found by."""

AUTO, VECTOR, WORDS = MODES = ("auto", "vector", "words")
