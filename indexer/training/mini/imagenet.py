"""The 1,000 classes of ImageNet-1k and their hypernyms: names and definitions.

timm ships these, under the numbers of WordNet 3.0. `hypernyms.tsv` holds their hypernyms (a fire
engine is a vehicle), from WordNet 3.0 (c) Princeton University (Debian's package wordnet-base:
`/usr/share/wordnet/data.noun`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from timm.data import ImageNetInfo

from indexer.datasets.folder import ClassText, plain_sentence

MIN_CLASSES, MAX_CLASSES = 2, 500  # of a kind: nobody searches for "artifact" or "object"
TABLE = Path(__file__).with_name("hypernyms.tsv")


class Hypernyms:
    """The table, by the synsets of classes and of their hypernyms, as in `n03345487`."""

    def __init__(self) -> None:
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        self.names = {row["synset"]: row["name"] for row in rows}
        self._direct = {row["synset"]: row["hypernyms"].split() for row in rows}

    def above(self, synset: str) -> set[str]:
        """All hypernyms of a synset, direct and indirect."""
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
    """A hypernym of several classes: the `texts` that name it, and the numbers of the classes."""

    texts: tuple[str, ...]
    classes: tuple[int, ...]


def imagenet_classes(*, definitions: bool) -> list[ClassText]:
    """The name and text of each class, in the order of the classifier's outputs.

    The name is the first synonym of a class. The text is a plain sentence with it, or with
    `definitions` all synonyms and the definition.
    """
    info = ImageNetInfo("imagenet-1k")
    described = [info.index_to_description(index) for index in range(info.num_classes())]
    names = [synonyms.split(", ")[0] for synonyms in described]
    if not definitions:
        return [(name, plain_sentence(name)) for name in names]
    detailed = (info.index_to_description(i, detailed=True) for i in range(info.num_classes()))
    return list(zip(names, detailed, strict=True))


def imagenet_wordings() -> list[list[str]]:
    """Texts for the classes: a list of 1,000 texts for each wording.

    The wordings: all synonyms with the definition, a plain sentence with the first synonym and one
    with the last, and the first synonym alone.
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
    """The hypernyms of the classes: all of their names, and the definition if timm has it."""
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
        if MIN_CLASSES <= len(of) <= MAX_CLASSES:
            kinds.append(Kind(tuple(texts), tuple(of)))
    return kinds
