"""The schema over time: migrations make what the models say."""

from pathlib import Path

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from indexer import Library
from indexer.catalogue import database, migrate
from indexer.catalogue.database import FILE, to_write
from indexer.catalogue.engine import create_tables, open_engine
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.schema import Base
from indexer.catalogue.values import SCHEMA
from indexer.errors import LibraryError
from indexer.pictures.facts import ContentFacts


@pytest.fixture
def engine(tmp_path):
    made = open_engine(to_write(tmp_path))
    yield made
    made.dispose()


def test_newest_migration_is_the_schema_that_the_code_knows():
    assert migrate.newest() == SCHEMA


def is_word_index(table):
    """Whether a table is the index of words or holds a part of it: no model declares those."""
    return table is not None and table.split("_")[0] == "words"


def test_migrations_make_exactly_what_the_models_say(engine):
    migrate.upgrade(engine)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or not is_word_index(name),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def said(facts):
    """Facts of a table as a text; a condition of an index as it is written."""
    if not isinstance(facts, dict):
        return str(facts)
    options = {name: str(option) for name, option in facts.get("dialect_options", {}).items()}
    return str({**facts, "dialect_options": options})


def tables_of(engine):
    """Columns, indexes, keys and constraints of every table, and whether ids are used once."""
    look = inspect(engine)
    ask = (look.get_columns, look.get_pk_constraint, look.get_indexes, look.get_foreign_keys)
    with engine.connect() as connection:
        made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        once = {name for name, sql in made if "AUTOINCREMENT" in sql}
    found = {
        table: [sorted(map(said, answer(table))) for answer in (*ask, look.get_unique_constraints)]
        for table in look.get_table_names()
    }
    return found, once


def test_new_library_has_exactly_the_tables_that_migrations_make(engine, tmp_path):
    migrate.upgrade(engine)
    (tmp_path / "new").mkdir()
    new = open_engine(to_write(tmp_path / "new"))
    create_tables(new, lambda connection: None)
    assert tables_of(new) == tables_of(engine)
    for made in (new, engine):
        with made.connect() as connection:
            marks = connection.execute(text("SELECT version_num FROM alembic_version"))
            assert marks.scalars().all() == [SCHEMA]
    new.dispose()


def test_new_library_notes_changed_words_as_one_that_was_migrated(engine, tmp_path):
    migrate.upgrade(engine)
    (tmp_path / "new").mkdir()
    new = open_engine(to_write(tmp_path / "new"))
    create_tables(new, lambda connection: None)
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name = 'words'"
    with new.connect() as one, engine.connect() as other:
        made = sorted(one.execute(text(query)).all())
        assert made == sorted(other.execute(text(query)).all())
        assert len(made) == 17
    new.dispose()


def test_ids_of_pictures_are_never_used_twice(engine):
    migrate.upgrade(engine)
    with engine.connect() as connection:
        query = "SELECT sql FROM sqlite_master WHERE name = 'pictures'"
        assert "AUTOINCREMENT" in connection.execute(text(query)).scalar_one()


def test_deleting_a_folder_deletes_what_hangs_on_it(engine):
    migrate.upgrade(engine)
    tables = {
        table: [key["options"].get("ondelete") for key in inspect(engine).get_foreign_keys(table)]
        for table in ("pictures", "captions", "embeddings", "tag_heads", "tags")
    }
    assert set(map(tuple, tables.values())) == {("CASCADE",)}
    keys = inspect(engine).get_foreign_keys("picture_tags")
    assert [key["options"].get("ondelete") for key in keys] == ["CASCADE", "CASCADE"]


def test_upgrading_again_changes_nothing(engine):
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('a', '1')"))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM settings")).scalars().all() == ["1"]


def test_migration_that_fails_leaves_nothing_half_done(engine, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", None)  # the second step of the first migration
        with pytest.raises(TypeError):
            migrate.upgrade(engine)
    assert inspect(engine).get_table_names() == []
    migrate.upgrade(engine)
    assert "pictures" in inspect(engine).get_table_names()


def test_migrations_are_found_in_a_place_with_a_per_cent_sign(engine, tmp_path, monkeypatch):
    place = tmp_path / "100% mine"
    place.mkdir()
    (place / "migrations").symlink_to(migrate.__file__.replace("migrate.py", "migrations"))
    monkeypatch.setattr(migrate, "__file__", str(place / "migrate.py"))
    assert migrate.newest() == SCHEMA
    migrate.upgrade(engine)


def _undo_metadata(connection):
    """Take away what the migrations from 0008 to 0013 add, except 0009."""
    connection.execute(text("DROP TABLE facts"))
    connection.execute(text("DROP TABLE readings"))
    connection.execute(text("DROP TABLE comparisons"))
    connection.execute(text("DROP TABLE album_members"))
    for column in ("kind", "cover"):
        connection.execute(text(f"ALTER TABLE albums DROP COLUMN {column}"))
    connection.execute(text("DROP TRIGGER words_changed_contents"))
    for column in (
        *("taken_last", "taken_source", "lens", "place_source", "rating", "metadata_version"),
    ):
        connection.execute(text(f"ALTER TABLE pictures DROP COLUMN {column}"))
    for column in ("columns", "captions_digest", "captions_told"):
        connection.execute(text(f"ALTER TABLE folders DROP COLUMN {column}"))


def test_words_of_a_library_of_the_first_release_are_indexed_again(library):
    facts = PictureFacts(
        "Paris/東京タワー.jpg".encode(), 1, 1, b"k" * 16, ContentFacts(9, 9, "JPEG")
    )
    with library.writing() as batch:
        (key,) = batch.pictures.put(batch.folders.put(Path("/pictures")), [facts])
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE words SET name = 'as it was'"))
        _undo_metadata(connection)
        for later in ("DROP TABLE passed_over", "ALTER TABLE folders DROP COLUMN include"):
            connection.execute(text(later))
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    library.close()
    with Library.open(library.path) as opened:
        assert opened.words.wrong([key]) == []
        assert opened.words.having("東京") == [key]


def test_older_library_is_brought_up_to_date_when_opened(library, monkeypatch):
    monkeypatch.setattr(database, "SCHEMA", "9999")
    upgraded = []
    monkeypatch.setattr(migrate, "upgrade", lambda *given: upgraded.append(given))
    Library.open(library.path).close()
    assert len(upgraded) == 1


def test_older_library_opened_for_reading_asks_for_a_writer(library, monkeypatch):
    monkeypatch.setattr(database, "SCHEMA", "9999")
    with pytest.raises(
        LibraryError, match=rf"older picfuse \(schema {SCHEMA}, this one needs 9999\)"
    ):
        Library.open(library.path, read_only=True)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("schema", ["0001", "0005"])
def test_library_from_before_the_first_release_is_to_be_indexed_again(library, schema, read_only):
    with library._engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{schema}'"))
    library.close()
    before = (library.path / FILE).read_bytes()
    message = (
        rf"before the first release of picfuse \(schema {schema}\).*index.* into a new library"
    )
    with pytest.raises(LibraryError, match=message):
        Library.open(library.path, read_only=read_only)
    assert (library.path / FILE).read_bytes() == before
