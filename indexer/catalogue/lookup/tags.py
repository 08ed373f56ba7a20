"""Tags of a library: its heads, and the pictures that have each tag, in plain SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.catalogue.database import Reading
from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import NEVER, PRESENT
from indexer.errors import InputError, LibraryDamaged, ModelError

if TYPE_CHECKING:  # it brings safetensors, which a query does not need
    from indexer.tag_head import TagHead


@dataclass(frozen=True, slots=True)
class StoredTagHead:
    """A head as the catalogue has it; `tag_ids` by the names of its tags."""

    id: int
    name: str
    fingerprint: str
    tag_ids: dict[str, int]


class TagLookup(Tables):
    """Read access to the tags of one library."""

    def __init__(self, reading: Reading, library: Path) -> None:
        super().__init__(reading, library)
        self._loaded: dict[str, TagHead] = {}  # by fingerprint

    def heads(self, encoder_id: int) -> list[StoredTagHead]:
        """The heads that fit an encoder, by name."""
        query = """
            SELECT h.id, h.name, h.fingerprint, t.name, t.id
            FROM tag_heads h LEFT JOIN tags t ON t.head_id = h.id
            WHERE h.encoder_id = ? ORDER BY h.name, t.id"""
        heads: dict[int, StoredTagHead] = {}
        for key, name, mark, tag, tag_id in self.rows(query, encoder_id):
            head = heads.setdefault(key, StoredTagHead(key, name, mark, {}))
            if tag is not None:
                head.tag_ids[tag] = tag_id
        return list(heads.values())

    def loaded(self, encoder_id: int) -> list[tuple[StoredTagHead, TagHead]]:
        """The heads that fit an encoder, ready to predict; each is read once."""
        heads = self.heads(encoder_id)
        for head in heads:
            if head.fingerprint not in self._loaded:
                self._loaded[head.fingerprint] = self.load(head)
        return [(head, self._loaded[head.fingerprint]) for head in heads]

    def load(self, stored: StoredTagHead) -> TagHead:
        """The head itself. Raises `LibraryDamaged` when it is not what was adopted."""
        files = import_module("indexer.tag_head")
        contents = self.column("SELECT content FROM tag_heads WHERE id = ?", stored.id)
        content = contents[0] if contents else b""
        try:
            if files.fingerprint(content) == stored.fingerprint:
                head: TagHead = files.parse_tag_head(content, stored.name)
                if set(head.facts.tags) == set(stored.tag_ids):
                    return head
        except ModelError:
            pass
        raise LibraryDamaged(
            f"{self._library}: the tag head {stored.name!r} is damaged; remove it with 'picfuse "
            "doctor --repair', and add it again with 'picfuse index --tags FILE'"
        )

    def names(self, encoder_id: int) -> list[str]:
        """The names of all tags that the library has, sorted."""
        return sorted({tag for head in self.heads(encoder_id) for tag in head.tag_ids})

    def having(self, encoder_id: int, names: Sequence[str]) -> dict[int, float]:
        """The pictures that have all these tags, each with its lowest probability.

        Where two heads give a tag of one name, the surer one counts. Raises `InputError` for a
        tag that no head gives.
        """
        known = self.names(encoder_id)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(_unknown(unknown[0], known))
        pictures: dict[int, float] | None = None
        for name in dict.fromkeys(names):
            own = self._having(encoder_id, name)
            if pictures is not None:
                own = {key: min(p, pictures[key]) for key, p in own.items() if key in pictures}
            pictures = own
        return pictures or {}

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
        tags: dict[int, dict[str, float]] = {}
        for key, name, probability in self.rows_in(query, picture_ids):
            tags.setdefault(key, {}).setdefault(name, probability)
        return tags

    def by_head(self, picture_ids: Sequence[int]) -> dict[tuple[int, int], float]:
        """The stored probabilities of pictures, by picture and number of the tag."""
        query = """
            SELECT picture_id, tag_id, probability FROM picture_tags
            WHERE picture_id IN (:keys)"""
        return {(picture, tag): p for picture, tag, p in self.rows_in(query, picture_ids)}

    def counts(self, encoder_id: int) -> dict[str, dict[str, int]]:
        """The number of present pictures with each tag, by head and tag; most frequent first."""
        query = """
            SELECT t.tag_id, count(*) FROM picture_tags t JOIN pictures p ON p.id = t.picture_id
            WHERE p.state = ? GROUP BY t.tag_id"""
        numbers = dict(self.rows(query, PRESENT))
        counts = {}
        for head in self.heads(encoder_id):
            own = {tag: numbers.get(key, 0) for tag, key in head.tag_ids.items()}
            counts[head.name] = dict(sorted(own.items(), key=lambda item: (-item[1], item[0])))
        return counts

    def taggable(self) -> list[int]:
        """Ids of all pictures that were read, the missing ones too: they may return."""
        query = """
            SELECT id FROM pictures WHERE reason IS NULL AND content_hash IS NOT NULL
            ORDER BY id"""
        return self.column(query)

    def settled(self) -> list[int]:
        """Ids of the present pictures that do not wait for the next run of indexing."""
        query = "SELECT id FROM pictures WHERE state = ? AND mtime_ns != ? ORDER BY id"
        return self.column(query, PRESENT, NEVER)


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return (
            f"no tag {name!r}: this library has no tags; train a tag head with 'picfuse train "
            "tags', and add it with 'picfuse index --tags FILE'"
        )
    return f"no tag {name!r}; there are {', '.join(known)}"
