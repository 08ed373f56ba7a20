"""Ranking: pictures in the order of a query, with filters, negative terms, folding, diversity."""
