"""Queries: terms, pictures, marks and options; a query becomes one row."""
