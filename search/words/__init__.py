"""Words of a query: names, known words, unknown words."""
