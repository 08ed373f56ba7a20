"""Make the table of plurals that the rules of English spelling get wrong.

Run as `python -m indexer.training.mini.plurals`. It reads the nouns of WordNet 3.0 (c) Princeton
University (Debian's package wordnet-base) and the vocabulary of the text tower: words that the
tower has never seen whole are left to the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from indexer.encoders.mini.noun_phrases import TABLE, by_rule, regular_plural
from indexer.encoders.mini.packages import TEXT_TOWER

WORDNET = Path("/usr/share/wordnet")
LEAST_LETTERS = 4  # of a form; shorter ones are mostly abbreviations


def exceptions(
    nouns: Iterable[str], irregular: Mapping[str, str], known: frozenset[str]
) -> dict[str, str]:
    """The singular of each form that the rules get wrong, by form.

    `nouns` are singular, of which those in `known` count; `irregular` are the singulars of
    irregular plurals.
    """
    nouns = frozenset(noun for noun in nouns if noun in known)
    # Of "cooky" and "cookie", the longer one comes last and counts.
    forms = {regular_plural(noun): noun for noun in sorted(nouns, key=len)}
    # "eggs" is a noun of its own too, but who asks for it wants to see an egg.
    plurals = nouns & forms.keys()
    forms = {form: noun for form, noun in forms.items() if noun not in plurals}
    forms |= {noun: noun for noun in nouns - plurals}
    forms |= {form: noun for form, noun in irregular.items() if noun in nouns and form not in nouns}
    return {
        form: noun
        for form, noun in sorted(forms.items())
        if len(form) >= LEAST_LETTERS and by_rule(form) != noun
    }


def _nouns() -> list[str]:
    lines = (WORDNET / "index.noun").read_text("utf-8").splitlines()
    return [line.split(" ", 1)[0] for line in lines if line[:1].isalpha()]


def _irregular() -> dict[str, str]:
    pairs = (line.split() for line in (WORDNET / "noun.exc").read_text("utf-8").splitlines())
    return {form: noun for form, noun, *_ in pairs}


def main() -> None:
    """Write the table."""
    tokenizer = json.loads(TEXT_TOWER.path.with_name("tokenizer.json").read_text("utf-8"))
    known = frozenset(tokenizer["model"]["vocab"])
    table = exceptions(_nouns(), _irregular(), known)
    TABLE.write_text("".join(f"{form}\t{noun}\n" for form, noun in table.items()), "utf-8")


if __name__ == "__main__":
    main()
