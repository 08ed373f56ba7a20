"""Kinds of nouns: a caption that says "poodle" shows a dog and an animal too.

Run as `python -m indexer.training.mini.noun_kinds` to make the table. It reads the hypernyms of the
most frequent sense of each noun in WordNet 3.0 (c) Princeton University (Debian's package
wordnet-base), for nouns that the vocabulary of the text tower holds whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from indexer.encoders.mini.packages import TEXT_TOWER
from indexer.training.mini.plurals import WORDNET

TABLE = Path(__file__).with_name("noun_kinds.tsv")
HYPERNYM = "@"  # WordNet's mark of the pointer to a hypernym
LEAST_LETTERS = 3  # of a noun; shorter ones are mostly abbreviations
SEEN = "00001930"  # the synset of physical entities: other nouns show nothing
# Kinds that nobody searches for:
_TOO_GENERAL = (
    "abstraction adult agent area article artifact attribute being body boundary cause "
    "chemical commodity component compound container content covering craft creation device "
    "division entity event extremity group head implement instrument instrumentality item "
    "land leader line location mass material matter means mechanism medium member mixture "
    "natural object organ organism part passage phenomenon piece place point principal "
    "process product region relation relative representation section shape side solid space "
    "sphere state structure substance support surface system thing tract unit way whole work "
    "worker"
)
TOO_GENERAL = frozenset(_TOO_GENERAL.split())
PEOPLE = {"person": "people"}  # a plural that WordNet takes for another noun


@cache
def kinds_of() -> Mapping[str, frozenset[str]]:
    """The kinds of each noun, in the singular."""
    lines = (line.partition("\t") for line in TABLE.read_text("utf-8").splitlines())
    return {noun: frozenset(kinds.split()) for noun, _, kinds in lines}


def main() -> None:
    """Write the table."""
    tokenizer = json.loads(TEXT_TOWER.path.with_name("tokenizer.json").read_text("utf-8"))
    known = {word for word in tokenizer["model"]["vocab"] if len(word) >= LEAST_LETTERS}
    names, direct = _synsets()
    rows = []
    for noun, synset in sorted(_first_senses().items()):
        above = _above(synset, direct)
        named = {name for one in [synset, *above] for name in names[one]}
        named |= {PEOPLE[name] for name in named & PEOPLE.keys()}
        kinds = named & known - TOO_GENERAL - {noun}
        if noun in known and SEEN in above and kinds:
            rows.append(f"{noun}\t{' '.join(sorted(kinds))}\n")
    TABLE.write_text("".join(rows), "utf-8")


def _first_senses() -> dict[str, str]:
    """The synset of the most frequent sense of each noun."""
    senses = {}
    for line in (WORDNET / "index.noun").read_text("utf-8").splitlines():
        if line[:1].isalpha():
            noun, _, _, pointers, *rest = line.split()
            senses[noun] = rest[int(pointers) + 2]
    return senses


def _synsets() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The first name and the direct hypernyms of each synset."""
    names, direct = {}, {}
    for line in (WORDNET / "data.noun").read_text("utf-8").splitlines():
        if not line[:1].isdigit():
            continue
        synset, _, _, count, *rest = line.partition(" | ")[0].split()
        words = 2 * int(count, 16)
        names[synset] = [rest[0].lower()]
        pointers = rest[words + 1 :]
        starts = range(0, len(pointers), 4)
        direct[synset] = [pointers[k + 1] for k in starts if pointers[k] == HYPERNYM]
    return names, direct


def _above(synset: str, direct: Mapping[str, list[str]]) -> set[str]:
    """All hypernyms of a synset, direct and indirect."""
    found, waiting = set[str](), list(direct[synset])
    while waiting:
        this = waiting.pop()
        if this not in found:
            found.add(this)
            waiting += direct[this]
    return found


if __name__ == "__main__":
    main()
