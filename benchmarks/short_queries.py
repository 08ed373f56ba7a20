"""How well the built-in model finds by a word or a few, with and without its table of words.

    python benchmarks/short_queries.py FOLDER --split dev.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k. Each word that two
captions of ten pictures or more have in common asks for all of these: mean average precision. Short
texts (one to three words of a caption, or all but its function words) and whole captions ask for
their picture: recall. All by the picture alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from kinds import asked_for, average_precision
from numpy.typing import NDArray

from indexer import IndexOptions, index_folder
from indexer.datasets.folder import read_split
from indexer.datasets.library import dataset_library
from indexer.embedding import Rows
from indexer.encoders.mini.heads import BUILT_IN, read_heads
from indexer.encoders.mini.names import WORD_PART
from indexer.encoders.mini.towers import Towers
from indexer.locations import cache_directory
from indexer.metrics.recall import figures, ranks
from indexer.settings import DEFAULT_ENCODER
from indexer.training.mini.phrases import Captions, common_words, short_texts

KS = (1, 5, 10)
WAYS = ("{}", "a photo of {}", "{} outside")  # how a word is asked for


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), help="Only these pictures.")
def main(folder: Path, split: Path | None) -> None:
    """Ask for the pictures of FOLDER in few words."""
    rows, captions = _pictures(folder.absolute(), split)
    words, few = common_words(captions), short_texts(captions)
    click.echo(f"{len(rows)} pictures: shipped, and without the table of words")
    having = [np.flatnonzero(said) for said in words.said]
    for way in WAYS if words.texts else ():
        scores = _scores([way.format(word) for word in words.texts], rows)
        said = [f"{100 * average_precision(each, having):.1f}" for each in scores]
        _print(f"{len(having)} words, {way.format('...')}", "mAP", said)
    for least, most in ((1, 1), (2, 3), (4, 99)):
        chosen = [short for short in few if least <= len(short.text.split()) <= most]
        right = np.zeros((len(chosen), len(rows)), np.bool_)
        for row, (_, pictures) in enumerate(chosen):
            right[row, pictures] = True
        name = f"{least} to {most} words" if most < 99 else "more, all of content"
        _recall(f"{len(chosen)} texts of {name}", [short.text for short in chosen], right, rows)
    owners = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
    texts = [text for own in captions for text in own]
    _recall(f"{len(texts)} captions", texts, owners[:, None] == np.arange(len(rows)), rows)


def _pictures(folder: Path, split: Path | None) -> tuple[Rows, Captions]:
    """Rows of all captioned pictures, and the captions of each."""
    only = read_split(folder, split) if split else None
    with dataset_library(folder, only, encoder=DEFAULT_ENCODER) as library:
        index_folder(library, folder, options=IndexOptions((), only=only))
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.captions)
        rows: Rows = library.embedded(keys).v_i
    return rows, [found[key].captions for key in keys]


def _scores(texts: Sequence[str], rows: Rows) -> list[NDArray[np.float32]]:
    """What texts score pictures, (texts, pictures): as shipped, and without the table of words."""
    features = Towers(cache_directory()).text_features(texts)
    weights, _ = read_heads(BUILT_IN)
    without = weights | {name: weights[name][:0] for name in WORD_PART}
    return [asked_for(features, each) @ rows.T for each in (weights, without)]


def _recall(name: str, texts: Sequence[str], right: NDArray[np.bool_], rows: Rows) -> None:
    found = [figures(ranks(scores, right)) for scores in _scores(texts, rows)]
    _print(
        name, "R@1 / 5 / 10", [" / ".join(f"{each[f'r@{k}']:.1f}" for k in KS) for each in found]
    )


def _print(name: str, what: str, said: Sequence[str]) -> None:
    click.echo(f"{name:36} {what:12} {said[0]:>18} {said[1]:>18}")


if __name__ == "__main__":
    main()
