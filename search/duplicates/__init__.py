"""Duplicates: files with the same bytes, the same picture or a similar shot; and the trash."""

from search.duplicates.finding import Duplicates, Group, find_duplicates
from search.duplicates.tiers import Tier
from search.duplicates.trash import Trashed, move_to_trash, without_more_captions

__all__ = [
    "Duplicates",
    "Group",
    "Tier",
    "Trashed",
    "find_duplicates",
    "move_to_trash",
    "without_more_captions",
]
