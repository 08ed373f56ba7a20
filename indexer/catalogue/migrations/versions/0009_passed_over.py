"""Files and folders that are passed over are kept by kind; patterns that bring them back, too."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table of what is passed over, and the patterns to include of a folder.

    What could not be read is tried again: more formats are known.
    """
    op.execute("UPDATE pictures SET content_hash = NULL WHERE state = 'failed'")
    op.add_column("folders", sa.Column("include", sa.String, nullable=False, server_default="[]"))
    op.create_table(
        "passed_over",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "folder_id",
            sa.Integer,
            sa.ForeignKey("folders.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("relative", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.UniqueConstraint("folder_id", "relative"),
    )
