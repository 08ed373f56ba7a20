"""The index of words: captions, names, tags, facts and read text, in SQLite's full-text search.

Triggers note the pictures whose words have changed, whoever changed them; their rows are made again
before the transaction ends. So the index agrees with every commit.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from indexer.catalogue.database import Reading
from indexer.catalogue.tokens import spread
from indexer.metadata.fields import NAMES, TEXTS

TABLE = (
    "CREATE VIRTUAL TABLE words USING fts5("
    "captions, name, tags, named, facts, text, tokenize = 'porter unicode61 remove_diacritics 2')"
)
_SHOWING = "SELECT id FROM pictures WHERE content_hash = {}.content_hash"
_TRIGGERS = {  # an event, and the pictures whose words it changes
    "new_pictures": ("INSERT ON pictures", "VALUES (NEW.id)"),
    "moved_pictures": (
        "UPDATE OF folder_id, relative ON pictures "
        "WHEN OLD.relative IS NOT NEW.relative OR OLD.folder_id IS NOT NEW.folder_id",
        "VALUES (NEW.id)",
    ),
    "old_pictures": ("DELETE ON pictures", "VALUES (OLD.id)"),
    "new_captions": ("INSERT ON captions", "VALUES (NEW.picture_id)"),
    "changed_captions": ("UPDATE ON captions", "VALUES (OLD.picture_id), (NEW.picture_id)"),
    "old_captions": ("DELETE ON captions", "VALUES (OLD.picture_id)"),
    "new_tags": ("INSERT ON picture_tags", "VALUES (NEW.picture_id)"),
    "old_tags": ("DELETE ON picture_tags", "VALUES (OLD.picture_id)"),
    "new_facts": ("INSERT ON facts", "VALUES (NEW.picture_id)"),
    "old_facts": ("DELETE ON facts", "VALUES (OLD.picture_id)"),
    "changed_contents": (
        "UPDATE OF content_hash ON pictures WHEN OLD.content_hash IS NOT NEW.content_hash",
        "VALUES (NEW.id)",
    ),
    "new_readings": ("INSERT ON readings", _SHOWING.format("NEW")),
    "changed_readings": ("UPDATE ON readings", _SHOWING.format("NEW")),
    "old_readings": ("DELETE ON readings", _SHOWING.format("OLD")),
    "renamed_tags": (
        "UPDATE OF name ON tags",
        "SELECT picture_id FROM picture_tags WHERE tag_id = NEW.id",
    ),
    "moved_folders": (
        "UPDATE OF path ON folders",
        "SELECT id FROM pictures WHERE folder_id = NEW.id",
    ),
}
STATEMENTS = (
    TABLE,
    *(
        f"CREATE TRIGGER words_{name} AFTER {event} BEGIN "
        f"INSERT OR IGNORE INTO stale_words {pictures}; END"
        for name, (event, pictures) in _TRIGGERS.items()
    ),
)
PICTURES_AT_ONCE = 2000
_TEXTS = """
    SELECT p.id, f.path, p.relative,
        (SELECT group_concat(text, char(10)) FROM (
            SELECT text FROM captions c WHERE c.picture_id = p.id ORDER BY embedded, position)),
        (SELECT group_concat(name, char(10)) FROM (
            SELECT name FROM picture_tags h JOIN tags t ON t.id = h.tag_id
            WHERE h.picture_id = p.id ORDER BY name)),
        (SELECT group_concat(value, char(10)) FROM (
            SELECT value FROM facts w WHERE w.picture_id = p.id AND w.field IN (:named)
            ORDER BY origin, position)),
        (SELECT group_concat(value, char(10)) FROM (
            SELECT value FROM facts w WHERE w.picture_id = p.id AND w.field IN (:texts)
            ORDER BY origin, position)),
        (SELECT text FROM readings r WHERE r.content_hash = p.content_hash)
    FROM pictures p JOIN folders f ON f.id = p.folder_id
    WHERE p.id IN (SELECT value FROM json_each(?))"""
_QUERY = _TEXTS.replace(":named", ", ".join(f"'{field}'" for field in NAMES)).replace(
    ":texts", ", ".join(f"'{field}'" for field in TEXTS)
)
COLUMNS = ("captions", "name", "tags", "named", "facts", "text")
Words = tuple[int, str, str, str, str, str, str]  # a picture's id, and the text of each column

_PLACES = ", ".join("?" * (1 + len(COLUMNS)))


def reindex_stale_words(reading: Reading) -> None:
    """Rebuild the rows of pictures whose words have changed, within the transaction."""
    with reading() as connection:
        while True:
            query = "SELECT picture_id FROM stale_words ORDER BY picture_id LIMIT ?"
            ids = [key for (key,) in connection.execute(query, (PICTURES_AT_ONCE,))]
            if not ids:
                return
            index_words(connection, ids)


def index_words(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Rebuild the rows of some pictures."""
    keys = [(key,) for key in ids]
    connection.executemany("DELETE FROM words WHERE rowid = ?", keys)
    connection.executemany(
        f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES ({_PLACES})",
        words_of(connection, ids),
    )
    connection.executemany("DELETE FROM stale_words WHERE picture_id = ?", keys)


def words_of(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Words]:
    """The rows that the index should have for pictures; unknown ones are left out."""
    rows = connection.execute(_QUERY, (f"[{','.join(map(str, ids))}]",))
    return [_words(*row) for row in rows]


def _words(
    key: int,
    folder: bytes,
    relative: bytes,
    captions: Any,
    tags: Any,
    named: Any,
    facts: Any,
    text: Any,
) -> Words:
    """A row of the index. Of the folder only its own name counts, not the folders above it."""
    name = os.fsdecode(os.path.basename(folder) + b"/" + relative)
    path = spread(_storable(name), of_file=True)
    people = _lines(named, named=True)
    shown = spread(text or "", names=False)  # signs are written in capitals
    return key, _lines(captions), path, _lines(tags), people, _lines(facts), shown


def _lines(texts: str | None, *, named: bool = False) -> str:
    """The different texts, one a line, each with its pieces; `named`: in small letters too."""
    lines: Iterable[str] = dict.fromkeys((texts or "").split("\n"))
    return "\n".join(spread(line, of_file=named) for line in lines)


def _storable(name: str) -> str:
    """A name in which bytes that are not UTF-8 have become U+FFFD."""
    return name.encode("utf-8", "replace").decode()
