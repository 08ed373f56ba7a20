"""The rows of the index of words are made again: with signs of Chinese and the like, and names."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Note every picture; the rows of those noted are made again before the migration ends."""
    op.execute("INSERT OR IGNORE INTO stale_words SELECT id FROM pictures")
