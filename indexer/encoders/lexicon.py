"""Lexicons: words of another language in English, for an encoder that reads English alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

STEM = "-"  # ends a row that holds for all words of a stem
LEAST_FIRST, LEAST_LAST = 3, 4  # letters of the parts of a compound
LONGEST = 40  # letters of a word that is looked up
LESS_BY_STEM = 3  # evidence of a word than its stem has: it may be a typing error
BY_PARTS = 2  # evidence of a compound
_WORD = re.compile(r"[^\W_]+")
_LINKS = ("es", "en", "er", "s", "n", "e", "")  # between the parts of a German compound
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_WRITTEN_OUT = re.compile(r"([aou])e")  # "Maedchen" for "Mädchen"


@dataclass(frozen=True, slots=True)
class Meaning:
    """English words for a word; none for a word that only serves grammar.

    `evidence`: the logarithm of how much more often captions of that language have the word than
    English ones do; below 0 if English ones have it more often.
    """

    english: str
    evidence: int


class Lexicon:
    """A table of the words of a language, opened at the first question.

    `file` has a word in small letters without accents, its English and its evidence in each line.
    `stemmer` is the name of the language among Snowball's; `compounds` says whether words that the
    table lacks may be two that are written as one.
    """

    def __init__(self, language: str, file: Path, stemmer: str, *, compounds: bool = False) -> None:
        self.language = language
        self._file, self._stemmer, self._compounds = file, stemmer, compounds

    def meaning(self, word: str) -> Meaning | None:
        """The meaning of a word in any form; None if the table lacks it."""
        if len(word) > LONGEST:
            return None
        small = word.lower()
        spellings = dict.fromkeys([small, _WRITTEN_OUT.sub(r"\1", small)])
        for find in (self._listed, self._of_stem):
            found = (find(spelling) for spelling in spellings)
            if (meaning := next(filter(None, found), None)) is not None:
                return meaning
        return self.compound(folded(small))

    def _listed(self, word: str) -> Meaning | None:
        return self._row(folded(word))

    def _of_stem(self, word: str) -> Meaning | None:
        found = self._row(stem_of(word, self._snowball) + STEM)
        return found and Meaning(found.english, found.evidence - LESS_BY_STEM)

    def compound(self, word: str) -> Meaning | None:
        """The meaning of two known words that are written as one, the last as long as possible."""
        places = range(LEAST_FIRST, len(word) - LEAST_LAST + 1) if self._compounds else ()
        for place in places:
            last = self._part(word[place:])
            first = self._first(word[:place]) if last and last.english else None
            if first and last:
                return Meaning(f"{first.english} {last.english}", BY_PARTS)
        return None

    def _first(self, part: str) -> Meaning | None:
        """The meaning of the first part of a compound, with or without linking letters."""
        bare = (part.removesuffix(link) for link in _LINKS if part.endswith(link))
        found = (self._part(one) for one in bare if len(one) >= LEAST_FIRST)
        return next((one for one in found if one and one.english), None)

    def _part(self, word: str) -> Meaning | None:
        return self._listed(word) or self._of_stem(word)

    def _row(self, key: str) -> Meaning | None:
        row = self._table.get(key)
        if row is None:
            return None
        english, _, evidence = row.partition("\t")
        return Meaning(english, int(evidence))

    @cached_property
    def _table(self) -> dict[str, str]:
        """The rest of each line, by its word."""
        lines = (line.partition("\t") for line in self._file.read_text("utf-8").splitlines())
        return {word: rest for word, _, rest in lines}

    @cached_property
    def _snowball(self) -> Any:
        return snowball(self._stemmer)


def words_of(text: str) -> list[str]:
    """The words of a text in which they are looked up: "l'eau" is two."""
    return _WORD.findall(unicodedata.normalize("NFC", text))


def folded(word: str) -> str:
    """A word in small letters without accents."""
    decomposed = unicodedata.normalize("NFD", word.lower().translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def snowball(language: str) -> Any:
    """The stemmer of a language; its modules are imported late, since most queries need none."""
    return import_module("snowballstemmer").stemmer(language)


def stem_of(word: str, stemmer: Any) -> str:
    """The stem of a word with its accents, folded."""
    return folded(stemmer.stemWord(word.lower()))
