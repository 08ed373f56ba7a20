"""Unchanged caption files are not read again; columns of tables may be named."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the digest of caption files to folders, the report on them, and their columns."""
    op.add_column("folders", sa.Column("columns", sa.String))
    op.add_column("folders", sa.Column("captions_digest", sa.LargeBinary))
    op.add_column("folders", sa.Column("captions_told", sa.String))
