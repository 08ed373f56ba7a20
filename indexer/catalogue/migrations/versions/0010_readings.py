"""The text that was read in pictures, by their content; its words are indexed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
_SHOWING = "SELECT id FROM pictures WHERE content_hash = {}.content_hash"
_TRIGGERS = (
    (
        "changed_contents",
        "UPDATE OF content_hash ON pictures WHEN OLD.content_hash IS NOT NEW.content_hash",
        "VALUES (NEW.id)",
    ),
    ("new_readings", "INSERT ON readings", _SHOWING.format("NEW")),
    ("changed_readings", "UPDATE ON readings", _SHOWING.format("NEW")),
    ("old_readings", "DELETE ON readings", _SHOWING.format("OLD")),
)


def upgrade() -> None:
    """Add the table of readings, and their column of the index of words."""
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("content_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("models", sa.String, nullable=False),
        sa.Column("reason", sa.String),
    )
    op.create_index(
        "readings_with_text", "readings", ["content_hash"], sqlite_where=sa.text("text != ''")
    )
    op.execute("DROP TABLE words")
    op.execute(
        "CREATE VIRTUAL TABLE words USING fts5("
        "captions, name, tags, named, facts, text, "
        "tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    for name, event, pictures in _TRIGGERS:
        op.execute(
            f"CREATE TRIGGER words_{name} AFTER {event} BEGIN "
            f"INSERT OR IGNORE INTO stale_words {pictures}; END"
        )
    op.execute("INSERT OR IGNORE INTO stale_words SELECT id FROM pictures")
