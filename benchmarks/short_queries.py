"""Quality of the built-in model for queries of a few words, with and without its table of words.

    python benchmarks/short_queries.py FOLDER --split dev.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k. Each word that two
captions share in ten pictures or more should find all of these: mean average precision. Short texts
(one to three words of a caption, or all except function words) and whole captions should find their
picture: recall. All from the picture alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from fixtures.data import indexed_dataset
from kinds import average_precision, query_rows
from numpy.typing import NDArray

from indexer.datasets.folder import read_split
from indexer.embedding import Rows
from indexer.encoders.mini.heads import BUILT_IN, read_heads
from indexer.encoders.mini.names import WORD_PART
from indexer.encoders.mini.towers import Towers
from indexer.locations import cache_directory
from indexer.metrics.recall import figures, ranks
from indexer.settings import DEFAULT_ENCODER
from indexer.training.mini.phrases import Captions, common_words, short_texts

KS = (1, 5, 10)
WORDINGS = ("{}", "a photo of {}", "{} outside")  # of a query for a word


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), help="Only these pictures.")
def main(folder: Path, split: Path | None) -> None:
    """Search for the pictures of FOLDER in few words."""
    rows, captions = _pictures(folder.absolute(), split)
    words, few = common_words(captions), short_texts(captions)
    click.echo(f"{len(rows)} pictures: shipped, and without the table of words")
    having = [np.flatnonzero(row) for row in words.mentions]
    for wording in WORDINGS if words.texts else ():
        scores = _scores([wording.format(word) for word in words.texts], rows)
        cells = [f"{100 * average_precision(each, having):.1f}" for each in scores]
        _print(f"{len(having)} words, {wording.format('...')}", "mAP", cells)
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
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.captions)
        rows: Rows = library.embedded(keys).v_i
    return rows, [found[key].captions for key in keys]


def _scores(texts: Sequence[str], rows: Rows) -> list[NDArray[np.float32]]:
    """Scores (texts, pictures): as shipped, and without the table of words."""
    features = Towers(cache_directory()).text_features(texts)
    weights, _ = read_heads(BUILT_IN)
    without = weights | {name: weights[name][:0] for name in WORD_PART}
    return [query_rows(features, each) @ rows.T for each in (weights, without)]


def _recall(name: str, texts: Sequence[str], right: NDArray[np.bool_], rows: Rows) -> None:
    found = [figures(ranks(scores, right)) for scores in _scores(texts, rows)]
    _print(
        name, "R@1 / 5 / 10", [" / ".join(f"{each[f'r@{k}']:.1f}" for k in KS) for each in found]
    )


def _print(name: str, figure: str, values: Sequence[str]) -> None:
    click.echo(f"{name:36} {figure:12} {values[0]:>18} {values[1]:>18}")


if __name__ == "__main__":
    main()
