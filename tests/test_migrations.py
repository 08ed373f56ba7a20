"""The schema over time: migrations make what the models say."""

import shutil
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from colour_tags import colour_head
from sqlalchemy import inspect, text

from indexer import IndexOptions, Library, index_folder
from indexer.catalogue import migrate
from indexer.catalogue.database import FILE
from indexer.catalogue.engine import create_tables, open_engine
from indexer.catalogue.schema import Base
from indexer.catalogue.values import SCHEMA
from indexer.doctor import examine
from indexer.errors import LibraryError
from search import Query, Searcher
from search.albums import album_pictures, named_album, save_album


@pytest.fixture
def engine(tmp_path):
    made = open_engine(tmp_path)
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


def tables_of(engine):
    """Columns, indexes, keys and constraints of every table, and whether ids are used once."""
    look = inspect(engine)
    ask = (look.get_columns, look.get_pk_constraint, look.get_indexes, look.get_foreign_keys)
    with engine.connect() as connection:
        made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        once = {name for name, sql in made if "AUTOINCREMENT" in sql}
    found = {
        table: [sorted(map(str, answer(table))) for answer in (*ask, look.get_unique_constraints)]
        for table in look.get_table_names()
    }
    return found, once


def test_new_library_has_exactly_the_tables_that_migrations_make(engine, tmp_path):
    migrate.upgrade(engine)
    (tmp_path / "new").mkdir()
    new = open_engine(tmp_path / "new")
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
    new = open_engine(tmp_path / "new")
    create_tables(new, lambda connection: None)
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name = 'words'"
    with new.connect() as one, engine.connect() as other:
        made = sorted(one.execute(text(query)).all())
        assert made == sorted(other.execute(text(query)).all())
        assert len(made) == 11
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


def test_older_library_is_brought_up_to_date_when_opened(library, monkeypatch):
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    upgraded = []
    monkeypatch.setattr(migrate, "upgrade", lambda *given: upgraded.append(given))
    Library.open(library.path).close()
    assert len(upgraded) == 1


def test_older_library_opened_for_reading_asks_for_a_writer(library, monkeypatch):
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(LibraryError, match="older picfuse"):
        Library.open(library.path, read_only=True)


FIRST = {
    "folders": "id, path, exclude, caption_files",
    "pictures": "id, folder_id, relative, size, mtime_ns, content_hash, width, height, format, "
    "taken, state, reason, revision",
    "captions": "id, picture_id, position, text, text_hash, source, embedded",
    "encoders": "id, name, fingerprint, dim",
    "embeddings": "id, encoder_id, modality, hash, vector",
    "settings": "key, value",
}


def test_library_of_the_first_schema_keeps_every_embedding(colour_library, tmp_path):
    """As the first version of picfuse left it: with one vector file that is not taken over."""
    old = tmp_path / "old"
    old.mkdir()
    with open_engine(old).begin() as connection:
        config = migrate.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        source = str(colour_library.path / FILE)
        connection.connection.commit()
        connection.exec_driver_sql("ATTACH DATABASE ? AS made", (source,))
        for table, columns in FIRST.items():
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM made.{table}"
            )
    (old / "vectors-7.faiss").write_bytes(b"of the first version")
    with Library.open(old) as opened:
        report = index_folder(opened, options=IndexOptions(workers=1))
        assert (report.unchanged, report.failed) == (5, [])
        assert {hit.path.name for hit in Searcher(opened).search("red", k=1).hits} == {"red.png"}
        assert (opened.encoder.images, opened.encoder.texts) == (0, 1)
        assert not (old / "vectors-7.faiss").exists()
        assert [finding.check for finding in examine(opened) if finding.serious] == []
        assert "encoder" in {finding.check for finding in examine(opened)}  # no golden rows yet


SECOND = FIRST | {
    "pictures": FIRST["pictures"] + ", pixels_hash",
    "encoders": FIRST["encoders"] + ", golden_image, golden_text",
    "segments": "position, file, checksum, keys",
}


def test_library_of_the_second_schema_is_searched_at_once_and_can_be_tagged(
    colour_library, tmp_path
):
    """As picfuse left it before there were tags: its vector index is taken over."""
    old = tmp_path / "old"
    old.mkdir()
    with open_engine(old).begin() as connection:
        config = migrate.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        assert "tags" not in inspect(connection).get_table_names()
        connection.connection.commit()
        source = str(colour_library.path / FILE)
        connection.exec_driver_sql("ATTACH DATABASE ? AS made", (source,))
        for table, columns in SECOND.items():
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM made.{table}"
            )
    files = [shutil.copy(path, old) for path in colour_library.path.glob("vectors-*.rows")]
    assert files
    head = colour_head(tmp_path / "colours.safetensors")
    with Library.open(old) as opened:
        assert [hit.tags for hit in Searcher(opened).search("red", k=1).hits] == [None]
        report = index_folder(opened, options=IndexOptions(workers=1, tags=[head]))
        assert (report.unchanged, report.failed) == (5, [])
        hits = Searcher(opened).search("blue", tags=["reddish"]).hits
        assert {hit.path.name for hit in hits} == {"red.png", "yellow.png"}
        assert opened.encoder.images == 0
        assert {Path(file).name for file in files} <= {path.name for path in old.iterdir()}
        assert [finding.check for finding in examine(opened) if finding.serious] == []


def test_library_of_the_fourth_schema_is_kept_and_can_have_albums(colour_library, tmp_path):
    """As picfuse left it before there were albums."""
    old = tmp_path / "old"
    old.mkdir()
    with open_engine(old).begin() as connection:
        config = migrate.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        tables = inspect(connection).get_table_names()
        assert "albums" not in tables
        connection.connection.commit()
        source = str(colour_library.path / FILE)
        connection.exec_driver_sql("ATTACH DATABASE ? AS made", (source,))
        for table in [t.name for t in Base.metadata.sorted_tables if t.name in tables]:
            columns = ", ".join(c["name"] for c in inspect(connection).get_columns(table))
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM made.{table}"
            )
    for path in colour_library.path.glob("vectors-*.rows"):
        shutil.copy(path, old)
    with Library.open(old) as opened:
        assert opened.albums.names() == []
        save_album(opened, "reds", Query.of("red", weight=1.0), k=1)
        found = album_pictures(Searcher(opened), named_album(opened, "reds"))
        assert [hit.path.name for hit in found.answer.hits] == ["red.png"]
        assert opened.encoder.images == 0
        assert [finding.check for finding in examine(opened) if finding.serious] == []
