"""Reads that indexing, training and the doctor make, with SQLAlchemy."""
