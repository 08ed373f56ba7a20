"""Controls: the address of a search, its form and chips, uploaded pictures, albums to save."""
