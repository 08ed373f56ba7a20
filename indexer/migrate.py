"""Bring the schema of a library up to date, with alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from indexer.engine import reading_by
from indexer.word_index import refresh


def configuration() -> Config:
    """Alembic's settings: only where the migrations lie."""
    config, folder = Config(), str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def newest() -> str:
    """The newest revision among the migrations."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def upgrade(engine: Engine) -> None:
    """Create the schema or migrate it to the newest revision, in one transaction."""
    config = configuration()
    with engine.begin() as connection:
        # Else SQLite would commit each statement by itself, and a crash leave half a schema.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        refresh(reading_by(connection))
