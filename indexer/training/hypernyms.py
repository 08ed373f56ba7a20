"""Hypernyms of the classes of ImageNet: what they are kinds of, as a fire engine is a vehicle.

`hypernyms.tsv` holds those of the 1,000 classes of ImageNet-1k, from WordNet 3.0 (c) Princeton
University (Debian's package wordnet-base: `/usr/share/wordnet/data.noun`).
"""

from __future__ import annotations

import csv
from pathlib import Path

TABLE = Path(__file__).with_name("hypernyms.tsv")


class Hypernyms:
    """The table, by the synsets of classes and of their hypernyms, as in `n03345487`."""

    def __init__(self) -> None:
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        self.names = {row["synset"]: row["name"] for row in rows}
        self._direct = {row["synset"]: row["hypernyms"].split() for row in rows}

    def above(self, synset: str) -> set[str]:
        """All hypernyms of a synset, theirs too."""
        found: set[str] = set()
        waiting = list(self._direct[synset])
        while waiting:
            this = waiting.pop()
            if this not in found:
                found.add(this)
                waiting += self._direct[this]
        return found
