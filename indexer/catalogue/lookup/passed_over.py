"""Files and folders that are not indexed, in plain SQL."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from indexer.catalogue.lookup.tables import Tables, full_path
from indexer.catalogue.values import UNDECODED
from indexer.kinds.extras import kind_needing
from indexer.kinds.passed_over import PassedOver


class PassedOverLookup(Tables):
    """Read access to the files and folders that one library passes over."""

    def in_folder(self, folder_id: int) -> dict[bytes, PassedOver]:
        """Files and folders of a folder that are not indexed, by their relative path."""
        query = "SELECT relative, kind, reason, size, mtime_ns FROM passed_over WHERE folder_id = ?"
        return {row[0]: PassedOver(*row) for row in self.rows(query, folder_id)}

    def kinds(self) -> Counter[str]:
        """Numbers of files and folders that are not indexed, by kind."""
        query = "SELECT kind, count(*) FROM passed_over GROUP BY kind"
        undecoded = "SELECT reason FROM pictures WHERE state = ?"
        kinds = Counter(dict(self.rows(query)))
        kinds.update(kind_needing(reason) for reason in self.column(undecoded, UNDECODED))
        return kinds

    def everything(self) -> list[tuple[Path, str, str]]:
        """Every file and folder that is not indexed, its kind, and why if that needs words."""
        query = """
            SELECT f.path, o.relative, o.kind, o.reason FROM passed_over o
            JOIN folders f ON f.id = o.folder_id
            UNION ALL SELECT f.path, p.relative, '', p.reason FROM pictures p
            JOIN folders f ON f.id = p.folder_id WHERE p.state = ? ORDER BY 1, 2"""
        rows = self.rows(query, UNDECODED)
        return [(full_path(f, r), kind or kind_needing(why), why) for f, r, kind, why in rows]
