"""Lookups of a collection: each fetches what it is asked for into the catalogue in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from indexer.catalogue.database import Reading
from indexer.catalogue.lookup.facts import FactLookup, Metadata
from indexer.catalogue.lookup.pictures import Catalogue, IndexedFolder, PictureInfo
from indexer.catalogue.lookup.words import WordLookup, any_of
from indexer.milvus.schema import path_text
from search.collection.bm25 import Words, scores
from search.collection.candidates import Candidates
from search.collection.matches import condition_of, phrases_of


class CollectionCatalogue(Catalogue):
    """The pictures of a collection."""

    def __init__(self, reading: Reading, library: Path, candidates: Candidates) -> None:
        super().__init__(reading, library)
        self._candidates = candidates

    def pictures(self, ids: Iterable[int]) -> dict[int, PictureInfo]:
        keys = list(ids)
        self._candidates.have(keys, recorded=True)
        return super().pictures(keys)

    def hashes_of(self, ids: Iterable[int]) -> dict[int, tuple[bytes | None, bytes | None]]:
        keys = list(ids)
        self._candidates.have(keys, recorded=True)
        return super().hashes_of(keys)

    def ids_of_content(self, content_hash: bytes) -> list[int]:
        found = self._candidates.found(f'content == "{content_hash.hex()}"')
        self._candidates.have(found, recorded=True)
        return super().ids_of_content(content_hash)

    def picture_at(self, path: Path) -> tuple[int, bytes | None] | None:
        said = json.dumps(path_text(os.fsencode(path)), ensure_ascii=False)
        self._candidates.have(self._candidates.found(f"path == {said}"), recorded=True)
        return super().picture_at(path)

    def number_present(self) -> int:
        return self._candidates.shared.about.pictures

    def folders(self) -> list[IndexedFolder]:
        """None: the folders are on the machines that indexed them."""
        return []


class CollectionFacts(FactLookup):
    """The facts of the pictures of a collection."""

    def __init__(self, reading: Reading, library: Path, candidates: Candidates) -> None:
        super().__init__(reading, library)
        self._candidates = candidates

    def of(self, ids: Iterable[int]) -> dict[int, Metadata]:
        keys = list(ids)
        self._candidates.have(keys, recorded=True)
        return super().of(keys)


class CollectionWords(WordLookup):
    """The words of a collection; Milvus counts them, the index of words in memory is exact."""

    def __init__(self, reading: Reading, library: Path, candidates: Candidates) -> None:
        super().__init__(reading, library)
        self._candidates = candidates

    def few(self, match: str, most: int) -> list[int]:
        return self.matching(match) if 0 < self._number(match) <= most else []

    def count(self, match: str, most: int) -> int:
        return min(self._number(match), most)

    def matching(self, match: str, limit: int = -1) -> list[int]:
        if self._number(match):
            self._candidates.gather_by(condition_of(match, self._candidates.shared.tokens))
        return super().matching(match, limit)

    def captions(self, match: str, limit: int = -1) -> list[str]:
        if self._number(match):
            condition = condition_of(match, self._candidates.shared.tokens)
            self._candidates.gather_by(condition, ordered=False)
        return super().captions(match, limit)

    def shows_text(self) -> bool:
        return self._candidates.shared.about.shows_text

    def best(self, words: Iterable[str], k: int = -1) -> list[tuple[int, float]]:
        match = any_of(words)
        phrases = phrases_of(match, self._candidates.shared.tokens)
        if not phrases:
            return []
        said = " ".join(dict.fromkeys(token for phrase in phrases for token in phrase))
        ids = self._candidates.gather_words(said, k)
        numbers = [self._number(f'"{" ".join(phrase)}"') for phrase in phrases]
        about = self._candidates.shared.about
        known = Words(about.pictures, max(1.0, about.tokens / max(1, about.pictures)), numbers)
        having = {*super().matching(match)} & {*ids}
        rows = self._candidates.memory.words(having)
        ranked = sorted(scores(rows, phrases, known).items(), key=lambda one: (-one[1], one[0]))
        return ranked if k < 0 else ranked[:k]

    def excerpts(self, words: Sequence[str], ids: Iterable[int]) -> dict[int, str]:
        keys = list(ids)
        self._candidates.have(keys, recorded=True)
        return super().excerpts(words, keys)

    def found_by(
        self, matches: Mapping[str, str], ids: Iterable[int]
    ) -> dict[int, tuple[str, ...]]:
        keys = list(ids)
        self._candidates.have(keys, recorded=True)
        return super().found_by(matches, keys)

    def _number(self, match: str) -> int:
        """The number of pictures that have all words of a match, one after the other or not."""
        if not match:
            return 0
        return self._candidates.number_of(condition_of(match, self._candidates.shared.tokens))
