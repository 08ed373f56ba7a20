"""Comparisons of pictures, by their contents."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table of comparisons."""
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("one", sa.LargeBinary, nullable=False),
        sa.Column("other", sa.LargeBinary, nullable=False),
        sa.Column("same", sa.Boolean, nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.UniqueConstraint("one", "other"),
    )
    op.create_index("comparisons_by_other", "comparisons", ["other"])
