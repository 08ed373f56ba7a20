"""Comparisons of pairs of pictures, in plain SQL."""

from __future__ import annotations

from indexer.catalogue.lookup.tables import Tables

_KNOWN = "(SELECT content_hash FROM pictures WHERE content_hash IS NOT NULL)"
UNUSED = f"one NOT IN {_KNOWN} OR other NOT IN {_KNOWN}"


class ComparisonLookup(Tables):
    """Read access to the comparisons of one library's pictures."""

    def same(self, one: bytes, other: bytes, rule: str) -> bool | None:
        """Whether two contents show the same picture by a rule; None if it has not compared them.

        The order of both makes no difference.
        """
        query = "SELECT same FROM comparisons WHERE one = ? AND other = ? AND rule = ?"
        found = self.column(query, *sorted((one, other)), rule)
        return bool(found[0]) if found else None

    def unused(self) -> int:
        """The number of comparisons with contents that no picture has any more."""
        (number,) = self.column(f"SELECT count(*) FROM comparisons WHERE {UNUSED}")
        return int(number)
