"""The tiers of duplicates."""

from __future__ import annotations

from enum import Enum


class Tier(Enum):
    """A degree of likeness; each tier holds all that the one before it holds."""

    IDENTICAL = "identical"  # the same bytes
    SAME = "same"  # the same picture, perhaps resized, recompressed or lit
    SIMILAR = "similar"  # another shot of the same scene, or a part of it
