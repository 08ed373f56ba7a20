"""The language of `--where`: conditions on the pictures that a search may find."""

from search.where.condition import matching
from search.where.fields import FIELDS
from search.where.grammar import parse
from search.where.matches import matches
from search.where.readings import ambiguous_dates

__all__ = ["FIELDS", "ambiguous_dates", "matches", "matching", "parse"]
