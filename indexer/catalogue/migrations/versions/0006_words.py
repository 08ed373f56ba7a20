"""The index of words, what notes changes for it, and every picture as one that has changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
_MOVED = (
    "UPDATE OF folder_id, relative ON pictures "
    "WHEN OLD.relative IS NOT NEW.relative OR OLD.folder_id IS NOT NEW.folder_id"
)
_TAGGED = "SELECT picture_id FROM picture_tags WHERE tag_id = NEW.id"
_INSIDE = "SELECT id FROM pictures WHERE folder_id = NEW.id"
_TRIGGERS = (
    ("new_pictures", "INSERT ON pictures", "VALUES (NEW.id)"),
    ("moved_pictures", _MOVED, "VALUES (NEW.id)"),
    ("old_pictures", "DELETE ON pictures", "VALUES (OLD.id)"),
    ("new_captions", "INSERT ON captions", "VALUES (NEW.picture_id)"),
    ("changed_captions", "UPDATE ON captions", "VALUES (OLD.picture_id), (NEW.picture_id)"),
    ("old_captions", "DELETE ON captions", "VALUES (OLD.picture_id)"),
    ("new_tags", "INSERT ON picture_tags", "VALUES (NEW.picture_id)"),
    ("old_tags", "DELETE ON picture_tags", "VALUES (OLD.picture_id)"),
    ("renamed_tags", "UPDATE OF name ON tags", _TAGGED),
    ("moved_folders", "UPDATE OF path ON folders", _INSIDE),
)


def upgrade() -> None:
    """Add them; `indexer.catalogue.migrate` fills the index from the catalogue."""
    op.create_table("stale_words", sa.Column("picture_id", sa.Integer, primary_key=True))
    op.execute(
        "CREATE VIRTUAL TABLE words USING fts5("
        "captions, name, tags, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    for name, event, pictures in _TRIGGERS:
        op.execute(
            f"CREATE TRIGGER words_{name} AFTER {event} BEGIN "
            f"INSERT OR IGNORE INTO stale_words {pictures}; END"
        )
    op.execute("INSERT INTO stale_words SELECT id FROM pictures")
