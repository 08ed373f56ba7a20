"""The order of all pictures for a query: excluded, folded, varied."""
