"""Facts of pictures: when, where, who and what, each with its source; their words are indexed.

Pictures that are there have no version of the readers, so that the next run reads their metadata.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
_COLUMNS = (
    ("taken_last", sa.String),
    ("taken_source", sa.String),
    ("lens", sa.String),
    ("place_source", sa.String),
    ("rating", sa.Integer),
    ("metadata_version", sa.Integer),
)
_TRIGGERS = (
    ("new_facts", "INSERT ON facts", "VALUES (NEW.picture_id)"),
    ("old_facts", "DELETE ON facts", "VALUES (OLD.picture_id)"),
)


def upgrade() -> None:
    """Add columns, the table of facts, and their columns of the index of words."""
    for name, kind in _COLUMNS:
        op.add_column("pictures", sa.Column(name, kind))
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "picture_id",
            sa.Integer,
            sa.ForeignKey("pictures.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
    )
    op.create_index("facts_by_picture", "facts", ["picture_id"])
    op.create_index("facts_by_origin", "facts", ["origin", "field"])
    op.execute("DROP TABLE words")
    op.execute(
        "CREATE VIRTUAL TABLE words USING fts5("
        "captions, name, tags, named, facts, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    for name, event, pictures in _TRIGGERS:
        op.execute(
            f"CREATE TRIGGER words_{name} AFTER {event} BEGIN "
            f"INSERT OR IGNORE INTO stale_words {pictures}; END"
        )
    op.execute("INSERT OR IGNORE INTO stale_words SELECT id FROM pictures")
