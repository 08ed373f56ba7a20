"""Camera, place and perceptual hash of pictures: the next run of indexing reads them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
_NEVER = -(2**63)


def upgrade() -> None:
    """Add them; all pictures are looked into again, none is encoded again."""
    op.add_column("pictures", sa.Column("camera", sa.String))
    op.add_column("pictures", sa.Column("latitude", sa.Double))
    op.add_column("pictures", sa.Column("longitude", sa.Double))
    op.add_column("pictures", sa.Column("perceptual_hash", sa.LargeBinary))
    op.execute(
        f"UPDATE pictures SET format = NULL, mtime_ns = {_NEVER} "
        "WHERE state != 'failed' AND format IS NOT NULL"
    )
