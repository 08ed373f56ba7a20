"""A library: the catalogue and the vectors that agree with it."""
