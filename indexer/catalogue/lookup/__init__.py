"""Reads that a query makes, in plain SQL; imports no SQLAlchemy."""
