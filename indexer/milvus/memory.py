"""A catalogue in memory: the ordinary tables, with the pictures that a question needs."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from indexer.catalogue.database import add_functions
from indexer.catalogue.values import GENERATION, SETTINGS, pack, text_hash
from indexer.catalogue.word_index import index_words
from indexer.embedding import IMAGE
from indexer.milvus.picture import COLUMNS, StoredPicture
from indexer.settings import LibrarySettings

if TYPE_CHECKING:
    from sqlalchemy import Connection

ENCODER = 1  # the number of the encoder
_TOKENIZER = "porter unicode61 remove_diacritics 2"  # that of the index of words
_INSTANCES = "CREATE VIRTUAL TABLE temp.instances USING fts5vocab(main, words, instance)"
_FOLDERS = "INSERT INTO folders (path, exclude, caption_files) VALUES (?, '[]', '[]')"
_PICTURES = (
    f"INSERT INTO pictures (id, folder_id, relative, revision, {', '.join(COLUMNS)}) "
    f"VALUES (?, ?, ?, 1, {', '.join('?' * len(COLUMNS))})"
)


class MemoryCatalogue:
    """A library's SQLite side in memory; `reading` lends its connection to one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._folders: dict[bytes, int] = {}

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> MemoryCatalogue:
        """An empty catalogue with the settings of a library."""
        opened = sqlite3.connect(":memory:", check_same_thread=False)
        engines = import_module("indexer.catalogue.engine")  # brings SQLAlchemy
        engine = engines.open_engine(lambda: opened)

        def fill(connection: Connection) -> None:
            made = LibrarySettings.from_json(settings[SETTINGS])
            encoder = (ENCODER, made.encoder, made.fingerprint, made.dim)
            for key, value in {GENERATION: "1", **settings}.items():
                connection.exec_driver_sql("INSERT INTO settings VALUES (?, ?)", (key, value))
            connection.exec_driver_sql(
                "INSERT INTO encoders (id, name, fingerprint, dim) VALUES (?, ?, ?, ?)", encoder
            )

        engines.create_tables(engine, fill)
        made = cls(sqlite3.connect(":memory:", check_same_thread=False)).filled_from(opened)
        engine.dispose()
        return made

    def filled_from(self, source: sqlite3.Connection) -> MemoryCatalogue:
        """This catalogue with the content of another."""
        source.backup(self._connection)
        add_functions(self._connection)
        return self

    def copy(self) -> MemoryCatalogue:
        """Another catalogue with the same content."""
        made = MemoryCatalogue(sqlite3.connect(":memory:", check_same_thread=False))
        with self._lock:
            made._folders = dict(self._folders)
            return made.filled_from(self._connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._connection.close()

    def add(self, pictures: Sequence[StoredPicture]) -> None:
        """Add pictures that are not there yet; `index_words` indexes their words."""
        with self._lock, self._connection as connection:
            connection.executemany(_PICTURES, [self._row(picture) for picture in pictures])
            connection.executemany(
                "INSERT INTO captions (picture_id, position, text, text_hash, source, embedded) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (picture.id, place, text, text_hash(text), source, embedded)
                    for picture in pictures
                    for place, (text, source, embedded) in enumerate(picture.captions)
                ),
            )
            connection.executemany(
                "INSERT INTO facts (picture_id, position, field, value, source, origin) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                ((picture.id, *fact) for picture in pictures for fact in picture.facts),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO readings (content_hash, text, models) VALUES (?, ?, ?)",
                (
                    (picture.columns["content_hash"], *picture.text)
                    for picture in pictures
                    if picture.text is not None
                ),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO embeddings (encoder_id, modality, hash, vector) "
                f"VALUES ({ENCODER}, '{IMAGE}', ?, ?)",
                ((picture.columns["content_hash"], pack(picture.v_i)) for picture in pictures),
            )

    def index_words(self, ids: Container[int] | None = None) -> None:
        """Index the words of pictures (None: of all) that are not indexed yet."""
        with self._lock, self._connection as connection:
            stale = connection.execute("SELECT picture_id FROM stale_words")
            index_words(connection, [key for (key,) in stale if ids is None or key in ids])

    def _row(self, picture: StoredPicture) -> tuple[object, ...]:
        columns = (picture.columns[name] for name in COLUMNS)
        return picture.id, self._folder(picture.folder), picture.relative, *columns

    def _folder(self, path: bytes) -> int:
        if path not in self._folders:
            made = self._connection.execute(_FOLDERS, (path,))
            assert made.lastrowid is not None
            self._folders[path] = made.lastrowid
        return self._folders[path]

    def words(self, ids: Container[int] | None = None) -> dict[int, list[tuple[str, str]]]:
        """The words of pictures (None: of all) in their order, as column and token, by id."""
        with self._lock:
            connection = self._connection
            connection.execute(_INSTANCES)
            rows = connection.execute(
                'SELECT doc, col, term FROM temp.instances ORDER BY doc, col, "offset"'
            )
            found: dict[int, list[tuple[str, str]]] = defaultdict(list)
            for key, column, token in rows:
                if ids is None or key in ids:
                    found[key].append((column, token))
            connection.execute("DROP TABLE temp.instances")
            return found


class Tokens:
    """The tokens that the index of words makes of a text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(
            f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize = '{_TOKENIZER}')"
        )
        self._connection.execute(_INSTANCES)

    def of(self, text: str) -> list[str]:
        """The tokens of a text, in their order."""
        with self._lock:
            self._connection.execute("INSERT INTO words VALUES (?)", (text,))
            rows = self._connection.execute('SELECT term FROM temp.instances ORDER BY "offset"')
            tokens = [str(token) for (token,) in rows]
            self._connection.execute("DELETE FROM words")
            return tokens


def distinct(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The different pairs of column and token, each as one text."""
    return list(dict.fromkeys(f"{column}:{token}" for column, token in pairs))
