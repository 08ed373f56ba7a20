"""Bring the schema of a library up to date, with alembic.

Alembic takes half a second to import: it is imported only when a schema has to change.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from indexer.catalogue.engine import reading_by
from indexer.catalogue.word_index import reindex_stale_words

if TYPE_CHECKING:
    from alembic.config import Config


def configuration() -> Config:
    """Alembic's settings: only the folder of the migrations."""
    from alembic.config import Config

    config, folder = Config(), str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def newest() -> str:
    """The newest revision among the migrations."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def upgrade(engine: Engine) -> None:
    """Create the schema or migrate it to the newest revision, in one transaction."""
    from alembic import command

    config = configuration()
    with engine.begin() as connection:
        # Otherwise SQLite would commit each statement, and a crash would leave half a schema.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        reindex_stale_words(reading_by(connection))
