"""Tables of what was found out about pictures' bytes, whatever files have them.

Rows of bytes that no picture has any more are deleted when records are.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of the tables; their shape over time is in indexer/catalogue/migrations."""


class ReadingRow(Base):
    """The text that a program read in a picture's bytes; empty if they show none.

    `models` names the models that read it: others read it again. `reason` says why it could not be
    read.
    """

    __tablename__ = "readings"
    __table_args__ = (Index("readings_with_text", "content_hash", sqlite_where=text("text != ''")),)
    id: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    text: Mapped[str]
    models: Mapped[str]
    reason: Mapped[str | None]


class ComparisonRow(Base):
    """Whether two contents show the same picture, `one` having the lesser hash.

    `rule` names the code that compared their files: any other compares them again.
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        UniqueConstraint("one", "other"),
        Index("comparisons_by_other", "other"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[bytes] = mapped_column(LargeBinary)
    other: Mapped[bytes] = mapped_column(LargeBinary)
    same: Mapped[bool]
    rule: Mapped[str]
