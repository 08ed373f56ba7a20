"""The vector index in segments; what an encoder gave at first; pictures by size and pixels."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add them. The one vector file of before is not taken over: it is built again."""
    op.create_table(
        "segments",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("file", sa.String, nullable=False),
        sa.Column("checksum", sa.String, nullable=False),
        sa.Column("keys", sa.LargeBinary, nullable=False),
    )
    op.add_column("encoders", sa.Column("golden_image", sa.LargeBinary))
    op.add_column("encoders", sa.Column("golden_text", sa.LargeBinary))
    op.add_column("pictures", sa.Column("pixels_hash", sa.LargeBinary))
    op.create_index("pictures_by_size", "pictures", ["size"])
    op.create_index("pictures_by_pixels", "pictures", ["pixels_hash"])
    op.execute("DELETE FROM settings WHERE key = 'vectors'")
