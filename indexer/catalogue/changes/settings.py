"""Changes to the named values of a library."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.schema import SettingRow


class SettingChanges:
    """The named values in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set(self, key: str, value: str) -> None:
        """Store a named value."""
        statement = insert(SettingRow).values(key=key, value=value)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": value})
        )

    def unset(self, key: str) -> None:
        """Delete a named value."""
        self._session.execute(delete(SettingRow).where(SettingRow.key == key))

    def unset_others(self, prefix: str, keep: Sequence[str]) -> None:
        """Delete the named values that begin with a prefix, except those to keep."""
        begins = SettingRow.key.startswith(prefix, autoescape=True)
        self._session.execute(delete(SettingRow).where(begins, SettingRow.key.not_in(keep)))
