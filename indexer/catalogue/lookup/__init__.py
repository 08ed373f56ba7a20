"""Reads of the catalogue, a module for each kind of row, in plain SQL; no SQLAlchemy."""
