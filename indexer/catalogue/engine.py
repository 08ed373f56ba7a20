"""SQLAlchemy's side of a library's SQLite file: engines that write, and their connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import cast

from sqlalchemy import Connection, Engine, QueuePool, create_engine

from indexer.catalogue.database import Connect, Reading
from indexer.catalogue.schema import Base
from indexer.catalogue.values import SCHEMA
from indexer.catalogue.word_index import STATEMENTS

_VERSION_TABLE = (  # as alembic makes it
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def open_engine(connect: Connect) -> Engine:
    """An engine on a library's SQLite file."""
    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def reading_by(source: Engine | Connection) -> Reading:
    """Lends SQLite's own connection: one of an engine, or that of a transaction."""
    if isinstance(source, Connection):
        return lambda: nullcontext(_own(source.connection.driver_connection))

    @contextmanager
    def reading() -> Iterator[sqlite3.Connection]:
        with closing(source.raw_connection()) as lent:
            yield _own(lent.driver_connection)

    return reading


def _own(connection: object) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection)


def create_tables(engine: Engine, fill: Callable[[Connection], None]) -> None:
    """Make all tables of a new library, and its first rows, in one transaction.

    A test asserts that the migrations make the same; importing alembic takes half a second.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        Base.metadata.create_all(connection, checkfirst=False)
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(_VERSION_TABLE)
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (SCHEMA,))
        fill(connection)
