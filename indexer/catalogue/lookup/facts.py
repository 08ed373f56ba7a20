"""Facts of pictures in plain SQL: what a hit shows of them, and what indexing compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import BESIDE, CARRIED, DERIVED, PRESENT
from indexer.metadata.fields import KEPT, PLACES, shown_moment

_ORIGINS = {CARRIED: 0, BESIDE: 1, DERIVED: 2}
_COLUMNS = (
    "taken", "taken_last", "taken_source", "camera", "lens", "latitude", "longitude",
    "place_source", "rating",
)  # fmt: skip
_LISTS = {  # a field as it is shown, and its fields of facts
    "people": ("person",), "place": PLACES, "keywords": ("keyword",), "title": ("title",),
    "headline": ("headline",), "alternative": ("alternative",), "comments": ("comment",),
    "prompt": ("prompt",), "flags": ("flag",),
}  # fmt: skip
METADATA = (
    "taken", "taken_source", "camera", "lens", "latitude", "longitude", "place_source", "rating",
    *_LISTS, "text",
)  # fmt: skip
_TEXTS = ("title", "headline", "alternative", "prompt")  # shown as one text
LISTS = tuple(name for name in _LISTS if name not in _TEXTS)
_COUNTED = {
    "date": "taken", "place": "latitude", "camera": "camera", "lens": "lens", "rating": "rating",
}  # fmt: skip
Metadata = Mapping[str, Any]
StoredFact = tuple[str, str, str]  # field, value, source


class FactLookup(Tables):
    """Read access to the facts of one library's pictures."""

    def of(self, ids: Iterable[int]) -> dict[int, Metadata]:
        """All that is known of pictures, by id and by the names in `METADATA`.

        `taken` is a local ISO time, or a date without what is not known of it; places go from the
        nearest to the widest; `taken_source` and `place_source` name the source of each. `text` is
        what was read in the picture, line by line.
        """
        ids = list(ids)
        query = f"SELECT id, {', '.join(_COLUMNS)} FROM pictures WHERE id IN (:keys)"
        found: dict[int, dict[str, Any]] = {
            key: _single(values) for key, *values in self.rows_in(query, ids)
        }
        for key, facts in self._kept(ids).items():
            if key in found:
                found[key] |= _several(facts)
        query = """
            SELECT p.id, r.text FROM pictures p JOIN readings r USING (content_hash)
            WHERE r.text != '' AND p.id IN (:keys)"""
        for key, text in self.rows_in(query, ids):
            found[key]["text"] = text
        return {**found}

    def _kept(self, ids: list[int]) -> dict[int, list[tuple[str, str]]]:
        """Fields and values of pictures, in the order of origins and sources."""
        query = """
            SELECT picture_id, origin, position, field, value FROM facts
            WHERE picture_id IN (:keys)"""
        rows: dict[int, list[tuple[int, int, str, str]]] = {}
        for key, origin, position, field, value in self.rows_in(query, ids):
            rows.setdefault(key, []).append((_ORIGINS[origin], position, field, value))
        return {
            key: [(field, value) for _, _, field, value in sorted(own)] for key, own in rows.items()
        }

    def with_origin(self, origin: str, ids: Iterable[int]) -> dict[int, list[StoredFact]]:
        """The facts of an origin, as they were read, by picture."""
        query = """
            SELECT picture_id, field, value, source FROM facts
            WHERE origin = ? AND picture_id IN (:keys) ORDER BY picture_id, position"""
        facts: dict[int, list[StoredFact]] = {}
        for key, *fact in self.rows_in(query, ids, origin):
            facts.setdefault(key, []).append((fact[0], fact[1], fact[2]))
        return facts

    def beside(self, folder_id: int) -> dict[int, tuple[StoredFact, ...]]:
        """The facts that sidecars said of a folder's pictures, by id."""
        query = """
            SELECT t.picture_id, t.field, t.value, t.source FROM facts t
            JOIN pictures p ON p.id = t.picture_id
            WHERE t.origin = ? AND p.folder_id = ? ORDER BY t.picture_id, t.position"""
        facts: dict[int, tuple[StoredFact, ...]] = {}
        for key, *fact in self.rows(query, BESIDE, folder_id):
            facts[key] = (*facts.get(key, ()), (fact[0], fact[1], fact[2]))
        return facts

    def counts(self) -> dict[str, int]:
        """The number of present pictures that have each of some kinds of facts."""
        columns = ", ".join(f"count({column})" for column in _COUNTED.values())
        (row,) = self.rows(f"SELECT {columns} FROM pictures WHERE state = ?", PRESENT)
        counts = dict(zip(_COUNTED, row, strict=True))
        query = """
            SELECT t.field, count(DISTINCT t.picture_id) FROM facts t
            JOIN pictures p ON p.id = t.picture_id WHERE p.state = ? GROUP BY t.field"""
        by_field = dict(self.rows(query, PRESENT))
        kinds = {
            name: max(by_field.get(field, 0) for field in fields) for name, fields in _LISTS.items()
        }
        return counts | kinds | {"place": max(counts["place"], kinds["place"])}


def _single(values: list[Any]) -> dict[str, Any]:
    fields = dict(zip(_COLUMNS, values, strict=True))
    last = fields.pop("taken_last")
    if fields["taken"] is not None:
        fields["taken"] = shown_moment(fields["taken"], last)
    return {name: value for name, value in fields.items() if value is not None}


def _several(facts: list[tuple[str, str]]) -> dict[str, Any]:
    """The values of each shown field: a text of titles and the like, lists of all else."""
    fields: dict[str, Any] = {}
    for name, kinds in _LISTS.items():
        values = dict.fromkeys(value for kind in kinds for field, value in facts if field == kind)
        if values:
            fields[name] = next(iter(values)) if name in _TEXTS else list(values)
    return fields


assert {kind for kinds in _LISTS.values() for kind in kinds} == {*KEPT}
