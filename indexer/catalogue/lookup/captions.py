"""Captions of pictures in plain SQL, as indexing compares and counts them."""

from __future__ import annotations

from typing import NamedTuple

from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import PRESENT


class RepeatedCaption(NamedTuple):
    """A text that is a caption of many pictures: their number, and that of all with a caption."""

    text: str
    pictures: int
    captioned: int


class CaptionLookup(Tables):
    """Read access to the captions of one library's pictures."""

    def beside(self, folder_id: int) -> dict[int, tuple[str, ...]]:
        """Captions in files beside a folder's pictures, by id; embedded captions are left out."""
        query = """
            SELECT c.picture_id, c.text FROM captions c JOIN pictures p ON p.id = c.picture_id
            WHERE p.folder_id = ? AND c.embedded = 0 ORDER BY c.picture_id, c.position"""
        captions: dict[int, tuple[str, ...]] = {}
        for picture_id, text in self.rows(query, folder_id):
            captions[picture_id] = (*captions.get(picture_id, ()), text)
        return captions

    def repeated(self, least: int, share: float) -> list[RepeatedCaption]:
        """Texts on more than `share` of the captioned pictures, if these are at least `least`."""
        shown = "captions c JOIN pictures p ON p.id = c.picture_id WHERE p.state = ?"
        (captioned,) = self.column(f"SELECT count(DISTINCT picture_id) FROM {shown}", PRESENT)
        if captioned < least:
            return []
        query = f"""
            SELECT min(c.text), count(DISTINCT c.picture_id) AS number FROM {shown}
            GROUP BY c.text_hash HAVING number > ? ORDER BY number DESC, 1"""
        rows = self.rows(query, PRESENT, share * captioned)
        return [RepeatedCaption(text, number, captioned) for text, number in rows]
