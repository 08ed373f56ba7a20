"""Words of the query: names, known words, unknown words."""
