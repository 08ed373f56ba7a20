"""What a query asks of a library's tags, in plain SQL: which there are, and which pictures have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.catalogue.lookup.tables import Tables
from indexer.errors import InputError


@dataclass(frozen=True, slots=True)
class StoredTagHead:
    """A head as the catalogue has it; `tag_ids` by the names of its tags."""

    id: int
    name: str
    fingerprint: str
    tag_ids: dict[str, int]


class TagLookup(Tables):
    """Read access to what a query needs of the tags of one library."""

    def heads(self, encoder_id: int) -> list[StoredTagHead]:
        """The heads that fit an encoder, by name."""
        query = """
            SELECT h.id, h.name, h.fingerprint, t.name, t.id
            FROM tag_heads h LEFT JOIN tags t ON t.head_id = h.id
            WHERE h.encoder_id = ? ORDER BY h.name, t.id"""
        found: dict[int, StoredTagHead] = {}
        for key, name, mark, tag, tag_id in self.rows(query, encoder_id):
            head = found.setdefault(key, StoredTagHead(key, name, mark, {}))
            if tag is not None:
                head.tag_ids[tag] = tag_id
        return list(found.values())

    def names(self, encoder_id: int) -> list[str]:
        """Every tag that can be asked for, sorted."""
        return sorted({tag for head in self.heads(encoder_id) for tag in head.tag_ids})

    def having(self, encoder_id: int, names: Sequence[str]) -> dict[int, float]:
        """The pictures of which all these tags hold, each with its least probability.

        Where two heads give a tag of one name, the surer one counts. Raises `InputError` for a
        tag that no head gives.
        """
        known = self.names(encoder_id)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(_unknown(unknown[0], known))
        found: dict[int, float] | None = None
        for name in dict.fromkeys(names):
            this = self._having(encoder_id, name)
            if found is not None:
                this = {key: min(p, found[key]) for key, p in this.items() if key in found}
            found = this
        return found or {}

    def _having(self, encoder_id: int, name: str) -> dict[int, float]:
        query = """
            SELECT p.picture_id, max(p.probability)
            FROM picture_tags p JOIN tags t ON t.id = p.tag_id
            JOIN tag_heads h ON h.id = t.head_id
            WHERE t.name = ? AND h.encoder_id = ? GROUP BY p.picture_id"""
        return dict(self.rows(query, name, encoder_id))

    def of(self, picture_ids: Sequence[int]) -> dict[int, dict[str, float]]:
        """The tags of pictures with their probabilities, surest first."""
        query = """
            SELECT p.picture_id, t.name, p.probability
            FROM picture_tags p JOIN tags t ON t.id = p.tag_id WHERE p.picture_id IN (:keys)
            ORDER BY p.picture_id, p.probability DESC, t.name"""
        found: dict[int, dict[str, float]] = {}
        for key, name, probability in self.rows_in(query, picture_ids):
            found.setdefault(key, {}).setdefault(name, probability)
        return found


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return (
            f"no tag {name!r}: this library has no tags; train a tag head with 'picfuse train "
            "tags', and add it with 'picfuse index --tags FILE'"
        )
    return f"no tag {name!r}; there are {', '.join(known)}"
