"""Browsing a library without a query: ordered lists, facets, picked albums and suggestions."""
