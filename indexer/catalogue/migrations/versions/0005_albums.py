"""Albums, and the pictures that they ask with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables."""
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
        sa.Column(
            "album_id",
            sa.Integer,
            sa.ForeignKey("albums.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        sa.Column("path", sa.LargeBinary),
        sa.Column("encoder", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("album_id", "content_hash"),
    )
