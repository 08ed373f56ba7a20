"""Albums of picked pictures, favourites among them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the kinds and covers of albums, and the table of their pictures."""
    op.add_column("albums", sa.Column("kind", sa.String, nullable=False, server_default="search"))
    op.add_column("albums", sa.Column("cover", sa.LargeBinary))
    op.create_table(
        "album_members",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "album_id", sa.Integer, sa.ForeignKey("albums.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        sa.Column("picture_id", sa.Integer, nullable=False),
        sa.UniqueConstraint("album_id", "content_hash"),
    )
    op.create_index("album_members_by_content", "album_members", ["content_hash"])
    op.create_index("album_members_by_picture", "album_members", ["picture_id"])
