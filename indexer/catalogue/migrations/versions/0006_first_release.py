"""The schema of the first release; those before it were never released.

It says everything itself and follows no change of the code: libraries of this schema exist.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = None
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
    """Create every table."""
    _create_pictures()
    _create_embeddings()
    _create_tags()
    _create_albums()
    _create_settings()
    _create_words()


def _create_pictures() -> None:
    op.create_table(
        "folders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("path", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("exclude", sa.String, nullable=False),
        sa.Column("caption_files", sa.String, nullable=False),
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("folder_id", "folders.id"),
        sa.Column("relative", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.LargeBinary),
        sa.Column("pixels_hash", sa.LargeBinary),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("format", sa.String),
        sa.Column("taken", sa.String),
        sa.Column("camera", sa.String),
        sa.Column("latitude", sa.Double),
        sa.Column("longitude", sa.Double),
        sa.Column("perceptual_hash", sa.LargeBinary),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("folder_id", "relative"),
        sqlite_autoincrement=True,
    )
    op.create_index("pictures_by_content", "pictures", ["content_hash"])
    op.create_index("pictures_by_revision", "pictures", ["revision"])
    op.create_index("pictures_by_size", "pictures", ["size"])
    op.create_index("pictures_by_pixels", "pictures", ["pixels_hash"])
    op.create_table(
        "captions",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("picture_id", "pictures.id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("text_hash", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("embedded", sa.Boolean, nullable=False),
    )
    op.create_index("captions_by_picture", "captions", ["picture_id"])


def _create_embeddings() -> None:
    op.create_table(
        "encoders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False, unique=True),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.Column("golden_image", sa.LargeBinary),
        sa.Column("golden_text", sa.LargeBinary),
    )
    op.create_table(
        "embeddings",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("encoder_id", "encoders.id"),
        sa.Column("modality", sa.String, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("encoder_id", "modality", "hash"),
    )


def _create_tags() -> None:
    op.create_table(
        "tag_heads",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("encoder_id", "encoders.id"),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("encoder_id", "name"),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("head_id", "tag_heads.id"),
        sa.Column("name", sa.String, nullable=False),
        sa.UniqueConstraint("head_id", "name"),
    )
    op.create_table(
        "picture_tags",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("picture_id", "pictures.id"),
        _reference("tag_id", "tags.id"),
        sa.Column("probability", sa.Double, nullable=False),
        sa.UniqueConstraint("picture_id", "tag_id"),
    )
    op.create_index("picture_tags_by_tag", "picture_tags", ["tag_id"])


def _create_albums() -> None:
    op.create_table(
        "albums",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("asked", sa.String, nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "album_pictures",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("album_id", "albums.id"),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        sa.Column("path", sa.LargeBinary),
        sa.Column("encoder", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("album_id", "content_hash"),
    )


def _create_settings() -> None:
    op.create_table(
        "segments",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("file", sa.String, nullable=False),
        sa.Column("checksum", sa.String, nullable=False),
        sa.Column("keys", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )


def _create_words() -> None:
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


def _reference(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)
