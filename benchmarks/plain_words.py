"""Quality for the plainest queries: one noun, in seven forms, by the picture alone.

    python benchmarks/plain_words.py FOLDER [--split dev.txt|reserved]

FOLDER is a captioned data set. Every noun that is said of five pictures or more should find all of
these, however it is put: "dog", "a dog", "the dog", "dogs", "a photo of a dog", "photo of dogs",
"picture of the dog". Prints the mean average precision of each form, the spread between the best
and the worst form of a word (the mean, and the worst of words of twenty pictures or more), and with
`--words` each word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
from fixtures.data import indexed_dataset
from kinds import Places, average_precision
from numpy.typing import NDArray
from timm.data import ImageNetInfo

from indexer.datasets.folder import read_split
from indexer.embedding import TEXT, centred_query
from indexer.encoders.mini.noun_phrases import forms_of, singular
from indexer.settings import DEFAULT_ENCODER
from indexer.training.mini.phrases import FUNCTION_WORDS

LEAST_PICTURES = 5  # of a word
MANY_PICTURES = 20  # of a word whose spread is judged by itself
FORMS = ("{one}", "{a}", "the {one}", "{many}", "a photo of {a}", "photo of {many}",
         "picture of the {one}")  # fmt: skip
_FUNCTION = frozenset(FUNCTION_WORDS.split())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), help="Only these pictures.")
@click.option("--words", "each", is_flag=True, help="Print every word.")
def main(folder: Path, split: Path | None, each: bool) -> None:
    """Search for every noun of the captions of FOLDER."""
    folder = folder.absolute()
    only = read_split(folder, split) if split else None
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.captions)
        rows, encoder = library.embedded(keys).v_i, library.encoder
    right = pictures_of_words([found[key].captions for key in keys])
    precisions = np.empty((len(right), len(FORMS)))
    for place, (word, pictures) in enumerate(right.items()):
        queries = centred_query(encoder.encode_texts(forms_of(word, FORMS)), TEXT, encoder.means)
        precisions[place] = [100 * average_precision(q[None] @ rows.T, [pictures]) for q in queries]
    _print(len(rows), right, precisions, each)


def pictures_of_words(captions: list[tuple[str, ...]]) -> dict[str, Places]:
    """The pictures whose captions say each noun, in the singular or the plural."""
    info = ImageNetInfo("imagenet-22k")
    described = map(info.index_to_description, range(info.num_classes()))
    nouns = {noun.lower() for names in described for noun in names.split(", ") if " " not in noun}
    said: dict[str, set[int]] = defaultdict(set)
    for picture, own in enumerate(captions):
        for word in re.findall(r"[a-z]{3,}", " ".join(own).lower()):
            if singular(word) in nouns and word not in _FUNCTION:
                said[singular(word)].add(picture)
    return {
        word: np.array(sorted(pictures))
        for word, pictures in sorted(said.items())
        if LEAST_PICTURES <= len(pictures) < len(captions)
    }


def _print(
    pictures: int, right: Mapping[str, Places], precisions: NDArray[np.float64], each: bool
) -> None:
    click.echo(f"{pictures} pictures, {len(right)} nouns: mean average precision by the picture")
    for form, mean in zip(FORMS, precisions.mean(axis=0), strict=True):
        (named,) = forms_of("dog", [form])
        click.echo(f"{named:20} {mean:5.1f}")
    spread = np.ptp(precisions, axis=1)
    many = np.array([len(of) >= MANY_PICTURES for of in right.values()])
    chance = 100 * np.mean([len(of) / pictures for of in right.values()])
    click.echo(f"{'mean of all forms':20} {precisions.mean():5.1f} (by chance about {chance:.1f})")
    click.echo(f"{'mean spread':20} {spread.mean():5.1f}")
    click.echo(f"{'worst, common words':20} {spread[many].max(initial=0.0):5.1f}")
    for word, row in zip(right, precisions, strict=True) if each else ():
        numbers = " ".join(f"{value:5.1f}" for value in row)
        click.echo(f"{word:16} {len(right[word]):4} {numbers}")


if __name__ == "__main__":
    main()
