"""The 1,000 classes of ImageNet-1k, and what they are kinds of: names and definitions.

timm ships these, by the numbers of WordNet 3.0. `hypernyms.tsv` holds their hypernyms (a fire
engine is a vehicle), from WordNet 3.0 (c) Princeton University (Debian's package wordnet-base:
`/usr/share/wordnet/data.noun`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from timm.data import ImageNetInfo

from indexer.datasets.folder import ClassText, plain_sentence

FEWEST, BROADEST = 2, 500  # classes of a kind: "artifact" and "object" are nothing to look for
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


@dataclass(frozen=True, slots=True)
class Kind:
    """What several classes are: the `texts` that it may be called by, and the numbers of them."""

    texts: tuple[str, ...]
    classes: tuple[int, ...]


def imagenet_classes(*, definitions: bool) -> list[ClassText]:
    """Name of each class and its text, in the order of the classifier's outputs.

    The name is the first of a class's synonyms. The text is a plain sentence with it, or all
    synonyms with the definition.
    """
    info = ImageNetInfo("imagenet-1k")
    described = [info.index_to_description(index) for index in range(info.num_classes())]
    names = [synonyms.split(", ")[0] for synonyms in described]
    if not definitions:
        return [(name, plain_sentence(name)) for name in names]
    detailed = (info.index_to_description(i, detailed=True) for i in range(info.num_classes()))
    return list(zip(names, detailed, strict=True))


def imagenet_wordings() -> list[list[str]]:
    """What the classes may be called: lists of 1,000 texts, one for each way to put it.

    All synonyms with the definition, plain sentences with the first and the last synonym, and the
    first one alone.
    """
    info = ImageNetInfo("imagenet-1k")
    synonyms = [info.index_to_description(index).split(", ") for index in range(info.num_classes())]
    return [
        [text for _, text in imagenet_classes(definitions=True)],
        [plain_sentence(names[0]) for names in synonyms],
        [plain_sentence(names[-1]) for names in synonyms],
        [names[0] for names in synonyms],
    ]


def imagenet_kinds() -> list[Kind]:
    """The hypernyms of the classes: each of their names and, where timm has it, the definition."""
    info, table = ImageNetInfo("imagenet-22k"), Hypernyms()
    classes: dict[str, list[int]] = {}
    for number, synset in enumerate(ImageNetInfo("imagenet-1k").label_names()):
        for above in table.above(synset):
            classes.setdefault(above, []).append(number)
    described = set(info.label_names())
    kinds = []
    for synset, of in sorted(classes.items()):
        texts = [table.names[synset]]
        if synset in described:
            names = info.label_name_to_description(synset)
            definition = info.label_name_to_description(synset, detailed=True)
            texts = [*names.split(", "), definition.removeprefix(f"{names}: ")]
        if FEWEST <= len(of) <= BROADEST:
            kinds.append(Kind(tuple(texts), tuple(of)))
    return kinds
