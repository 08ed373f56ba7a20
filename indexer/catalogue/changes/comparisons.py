"""Changes to the comparisons of pairs of pictures."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.comparisons import UNUSED
from indexer.catalogue.schema import Base

Pair = tuple[bytes, bytes]  # of contents
_NEW = insert(Base.metadata.tables["comparisons"])
_PUT = _NEW.on_conflict_do_update(
    index_elements=["one", "other"], set_={name: _NEW.excluded[name] for name in ("same", "rule")}
)


class ComparisonChanges:
    """The comparisons in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, found: Mapping[Pair, bool], rule: str) -> None:
        """Store what a rule found of pairs, and delete what any other did."""
        self._session.execute(text("DELETE FROM comparisons WHERE rule != :rule"), {"rule": rule})
        values = []
        for pair, same in found.items():
            one, other = sorted(pair)
            values.append({"one": one, "other": other, "same": same, "rule": rule})
        if values:
            self._session.execute(_PUT, values)

    def forget_unused(self) -> None:
        """Delete the comparisons with contents that no picture has any more."""
        self._session.execute(text(f"DELETE FROM comparisons WHERE {UNUSED}"))
