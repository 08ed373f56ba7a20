"""Ranking: all pictures in the order of a query, with exclusion, folding and diversity."""
