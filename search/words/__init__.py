"""The words of a query: names, known words, unknown ones."""
