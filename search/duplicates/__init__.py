"""Duplicates: files with the same bytes, the same picture or a similar shot."""

from search.duplicates.finding import Duplicates, Group, find_duplicates
from search.duplicates.tiers import Tier

__all__ = ["Duplicates", "Group", "Tier", "find_duplicates"]
