"""The index of words, searched in plain SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.tokens import as_name, forms
from indexer.catalogue.values import PRESENT
from indexer.catalogue.word_index import COLUMNS, words_of

# Of captions, name, tags, names, other facts and read text in BM25.
WEIGHTS = (1.0, 1.0, 0.5, 1.0, 0.5, 0.5)
_EXCERPT_WORDS = 12
_PRESENT = "JOIN pictures p ON p.id = words.rowid WHERE words MATCH ? AND p.state = ?"


class WordLookup(Tables):
    """Read access to the words of one library: captions, names, tags, facts and read text."""

    def best(self, words: Iterable[str], k: int = -1) -> list[tuple[int, float]]:
        """The best k pictures (all if k is negative) that have any of the words, best first.

        Each comes with its BM25, higher for a better match (Robertson and Zaragoza 2009).
        """
        match = any_of(words)
        rank = f"bm25(words, {', '.join(map(str, WEIGHTS))})"
        query = f"SELECT p.id, -{rank} FROM words {_PRESENT} ORDER BY {rank}, p.id LIMIT ?"
        return self.rows(query, match, PRESENT, k) if match else []

    def having(self, word: str, limit: int = -1) -> list[int]:
        """At most `limit` pictures that have a word, by id."""
        return self.matching(any_of([word]), limit)

    def matching(self, match: str, limit: int = -1) -> list[int]:
        """At most `limit` pictures that a full-text query of SQLite finds, by id; none if empty."""
        query = f"SELECT p.id FROM words {_PRESENT} ORDER BY words.rowid LIMIT ?"
        return self.column(query, match, PRESENT, limit) if match else []

    def few(self, match: str, most: int) -> list[int]:
        """The pictures that a full-text query finds, by id; none if they are more than `most`."""
        ids = self.matching(match, most + 1)
        return ids if len(ids) <= most else []

    def count(self, match: str, most: int) -> int:
        """The number of pictures that a full-text query finds, counted up to `most`."""
        return len(self.matching(match, most))

    def captions(self, match: str, limit: int = -1) -> list[str]:
        """The captions of at most `limit` pictures that a full-text query finds, each as one text.

        They are spread (`indexer/catalogue/tokens.py`).
        """
        query = f"SELECT captions FROM words {_PRESENT} ORDER BY words.rowid LIMIT ?"
        return self.column(query, not_read(match), PRESENT, limit) if match else []

    def shows_text(self) -> bool:
        """Whether text was read in any picture."""
        return bool(self.column("SELECT EXISTS (SELECT * FROM readings WHERE text != '')")[0])

    def excerpts(self, words: Sequence[str], ids: Iterable[int]) -> dict[int, str]:
        """Parts of the text in pictures that have the words, by id; others are left out."""
        place = COLUMNS.index("text")
        query = f"""
            SELECT rowid, snippet(words, {place}, '', '', '… ', {_EXCERPT_WORDS}) FROM words
            WHERE words MATCH ? AND rowid IN (:keys)"""
        match = any_of(words)
        return dict(self.rows_in(query, ids, read(match))) if match else {}

    def found(self, words: Sequence[str], ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The words that each picture has, by id; pictures without any are left out."""
        return self.found_by({word: any_of([word]) for word in words}, ids)

    def found_by(
        self, matches: Mapping[str, str], ids: Iterable[int]
    ) -> dict[int, tuple[str, ...]]:
        """The words whose full-text query finds each picture, by id; others are left out."""
        query = "SELECT rowid FROM words WHERE words MATCH ? AND rowid IN (:keys)"
        ids, matched = list(ids), dict[int, tuple[str, ...]]()
        for word, match in matches.items():
            for (key,) in self.rows_in(query, ids, match) if match else ():
                matched[key] = (*matched.get(key, ()), word)
        return matched

    def known(self) -> list[int]:
        """Ids of all pictures that the catalogue or the index of words knows, ascending."""
        query = "SELECT id FROM pictures UNION SELECT rowid FROM words ORDER BY 1"
        return self.column(query)

    def wrong(self, ids: Sequence[int]) -> list[int]:
        """Those of the pictures whose words are indexed wrongly or not indexed."""
        query = f"SELECT rowid, {', '.join(COLUMNS)} FROM words WHERE rowid IN (:keys)"
        stored = {row[0]: row for row in self.rows_in(query, ids)}
        with sqlite_errors(self._library), self._reading_rows() as connection:
            right = {row[0]: row for row in words_of(connection, ids)}
        return [key for key in ids if stored.get(key) != right.get(key)]


def with_capital(word: str, *, only_in_names: bool = False) -> str:
    """The full-text query for a word with a capital.

    `only_in_names`: in the name of a file, folder, person or place, not in captions.
    """
    return f'{"{name named} : " if only_in_names else ""}"{as_name(word)}"'


def in_any_writing(word: str) -> str:
    """The same for a word that the name of a file or folder may also have in small letters."""
    return f'"{as_name(word)}" OR "{as_name(word, small=True)}"'


def in_name(text: str) -> str:
    """The full-text query for the words of a text one after the other in a file's or folder's name.

    Empty if the text has neither letters nor digits.
    """
    phrases = " OR ".join(f'"{form.replace(chr(34), " ")}"' for form in forms(text))
    return f"name : ({phrases})" if phrases else ""


def read(match: str) -> str:
    """The same full-text query for the text that was read in pictures alone."""
    return f"text : ({match})"


def not_read(match: str) -> str:
    """The same full-text query for everything but the text that was read in pictures."""
    return f"- text : ({match})"


def all_read(words: Iterable[str]) -> str:
    """The full-text query for all of the words in the text that was read in a picture.

    Empty if one holds neither a letter nor a digit, or there are none.
    """
    matches = [any_of([word]) for word in words]
    if not matches or not all(matches):
        return ""
    return read(" AND ".join(f"({match})" for match in matches))


def any_of(words: Iterable[str]) -> str:
    """The full-text query of SQLite for any of the words; empty if none holds a letter or digit.

    Each stands in double quotes, in which only double quotes have a meaning.
    """
    quoted = (f'"{form.replace(chr(34), " ")}"' for word in words for form in forms(word))
    return " OR ".join(dict.fromkeys(quoted))
