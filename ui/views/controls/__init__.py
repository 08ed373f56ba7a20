"""Controls: the search form, marks, pasted pictures, albums to save."""
