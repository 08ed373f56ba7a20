"""Camera and place of pictures, which the next run of indexing reads from their files."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
_NEVER = -(2**63)


def upgrade() -> None:
    """Add them; pictures that may carry them are looked into again, none is encoded again."""
    op.add_column("pictures", sa.Column("camera", sa.String))
    op.add_column("pictures", sa.Column("latitude", sa.Double))
    op.add_column("pictures", sa.Column("longitude", sa.Double))
    op.execute(
        f"UPDATE pictures SET format = NULL, mtime_ns = {_NEVER} "
        "WHERE state != 'failed' AND format NOT IN ('GIF', 'BMP')"
    )
