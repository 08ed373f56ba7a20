"""Tag heads, their tags, and the tags of each picture."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
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


def _reference(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)
