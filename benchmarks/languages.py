"""Quality for queries in German, French and Czech, which the built-in model reads in English.

    python benchmarks/languages.py FOLDER CAPTIONS --split dev.txt [--queries 1000]

FOLDER is Flickr8k, CAPTIONS the folder of Multi30k's captions of the same photographs
(`captions.de.tsv` and so on). Each caption searches for its picture: as it is typed and as it is
read, by the picture alone and fused with the first English caption. English captions (all but the
first) stand beside. Then counts how many English captions of FOLDER, and how many nouns of them in
the forms of `plain_words.py`, are taken for another language; and how many words of the lists of
`search/words/`.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from fixtures.data import indexed_dataset
from numpy.typing import NDArray
from plain_words import FORMS, pictures_of_words

from indexer.captions import find_captions
from indexer.datasets.folder import picture_names, read_split
from indexer.embedding import TEXT, Rows, centred_query
from indexer.encoders import Encoder
from indexer.encoders.mini.lexicons import STEMMERS
from indexer.encoders.mini.noun_phrases import forms_of
from indexer.library.library import Library
from indexer.metrics.recall import figures, ranks
from indexer.settings import DEFAULT_ENCODER
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import CentredIndex
from search import Query
from search.words.languages import in_english
from search.words.unknown import FILE as KNOWN
from search.words.vocabulary import COMMON
from search.words.vocabulary import FILE as DESCRIBING

Asked = list[tuple[str, int]]  # a query, and the place of its picture
ENCODED = 512  # texts at once


@dataclass(frozen=True, slots=True)
class Shelf:
    """Pictures as they are searched: by the picture alone and fused with their first caption."""

    encoder: Encoder
    stored: CentredIndex
    weight: float

    def found(self, texts: Sequence[str], right: NDArray[np.int64]) -> list[str]:
        """R@1 / 5 / 10 of queries, by the picture alone and fused."""
        q = centred_query(_rows(texts, self.encoder), TEXT, self.stored.centres.means)
        relevant = right[:, None] == np.arange(self.stored.index.size)
        cells = []
        for weight in (1.0, self.weight):
            found = figures(ranks(scores(self.stored, q, weight), relevant))
            cells.append(" / ".join(f"{found[f'r@{k}']:4.1f}" for k in (1, 5, 10)))
        return cells


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("captions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), help="Only these pictures.")
@click.option("--queries", type=int, default=None, help="At most so many in each language.")
def main(folder: Path, captions: Path, split: Path | None, queries: int | None) -> None:
    """Search for the pictures of FOLDER with CAPTIONS in other languages."""
    folder = folder.absolute()
    only = read_split(folder, split) if split else None
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.captions)
        texts, encoder = [found[key].captions for key in keys], library.encoder
        shelf = _shelf(library, keys, [own[0] for own in texts])
    names = {found[key].path.name: place for place, key in enumerate(keys)}
    english = [(text, place) for place, own in enumerate(texts) for text in own[1:]]
    click.echo(f"{len(keys)} pictures; R@1 / 5 / 10 by the picture alone, and fused")
    _print("en", "", _some(english, queries), shelf, encoder)
    for code in STEMMERS:
        for kind, asked in _asked(captions / f"captions.{code}.tsv", names).items():
            _print(code, kind, _some(asked, queries), shelf, encoder)
    every = find_captions(folder, picture_names(folder)).captions.values()
    _count("captions", (caption.text for own in every for caption in own), encoder)
    nouns = pictures_of_words(texts)
    _count(
        "nouns in seven forms", (form for noun in nouns for form in forms_of(noun, FORMS)), encoder
    )
    for file in (COMMON, DESCRIBING, KNOWN):
        _count(f"words of {file.name}", file.read_text("ascii").split(), encoder)


def _shelf(library: Library, keys: Sequence[int], first: Sequence[str]) -> Shelf:
    rows, encoder, fusion = library.embedded(keys), library.encoder, library.fusion
    stored = fusion.pictures(rows.v_i, _rows(first, encoder), rows.has_caption)
    index = CentredIndex.of(stored, rows.has_caption, fusion, encoder.means)
    return Shelf(encoder, index, library.weight)


def _rows(texts: Sequence[str], encoder: Encoder) -> Rows:
    """The rows of texts; each is encoded once."""
    at = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    unique = [*at]
    parts = [unique[start : start + ENCODED] for start in range(0, len(unique), ENCODED)]
    return np.concatenate([encoder.encode_texts(part) for part in parts])[[at[t] for t in texts]]


def _asked(table: Path, names: dict[str, int]) -> dict[str, Asked]:
    """The captions of a table, by their kind."""
    found: dict[str, Asked] = {}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            name = os.path.basename(row["file"])
            if name in names:
                found.setdefault(row["kind"], []).append((row["caption"], names[name]))
    return found


def _some(asked: Asked, most: int | None) -> Asked:
    step = max(1, len(asked) // most) if most else 1
    return asked[::step][:most]


def _read(text: str, encoder: Encoder) -> str:
    """A text as the encoder reads it."""
    return in_english(Query.of(text), encoder).as_read.terms[0].text


def _print(code: str, kind: str, asked: Asked, shelf: Shelf, encoder: Encoder) -> None:
    right = np.array([place for _, place in asked])
    typed = [text for text, _ in asked]
    read = [_read(text, encoder) for text in typed]
    changed = sum(a != b for a, b in zip(typed, read, strict=True))
    click.echo(f"{code} {kind}: {len(asked)} queries, {100 * changed / len(asked):.1f} % read")
    click.echo(f"   as typed  {'   '.join(shelf.found(typed, right))}")
    if changed:
        click.echo(f"   as read   {'   '.join(shelf.found(read, right))}")


def _count(name: str, texts: Iterable[str], encoder: Encoder) -> None:
    texts = [*texts]
    changed = [text for text in texts if in_english(Query.of(text), encoder).readings]
    some = f": {', '.join(changed[:20])}" if changed else ""
    click.echo(f"{len(changed)} of {len(texts)} {name} taken for another language{some}")


if __name__ == "__main__":
    main()
