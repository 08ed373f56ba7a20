"""The language of `--where`: which pictures a search may find, by what is known of them."""

from search.where.condition import matching
from search.where.fields import FIELDS
from search.where.grammar import parse
from search.where.matches import matches

__all__ = ["FIELDS", "matches", "matching", "parse"]
