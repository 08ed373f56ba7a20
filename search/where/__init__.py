"""The language of `--where`: conditions on the pictures that a search may find."""

from search.where.condition import matching
from search.where.fields import FIELDS
from search.where.grammar import parse
from search.where.matches import matches

__all__ = ["FIELDS", "matches", "matching", "parse"]
