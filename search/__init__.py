"""Answers to questions about a library."""

from search.query import Query, Term
from search.searcher import Answer, Hit, Searcher

__all__ = ["Answer", "Hit", "Query", "Searcher", "Term"]
