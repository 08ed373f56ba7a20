"""How well the built-in model finds by a word or a few, with and without its table of words.

    python benchmarks/short_queries.py FOLDER --split dev.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k. Each word that two
captions of ten pictures or more have in common asks for all of these: mean average precision. Short
texts (one to three words of a caption, or all but its function words) and whole captions ask for
their picture: recall. All by the picture alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from indexer import IndexOptions, index_folder
from indexer.encoders import TEXT, Rows, asking
from indexer.encoders.heads import BUILT_IN, read_heads
from indexer.encoders.mini import Towers, means_of, project_texts
from indexer.encoders.names import WORD_PART
from indexer.settings import DEFAULT_ENCODER, cache_directory
from indexer.training.dataset_library import dataset_library
from indexer.training.datasets import read_split
from indexer.training.phrases import Captions, common_words, short_texts
from indexer.training.recall import figures, ranks

KS = (1, 5, 10)
WAYS = ("{}", "a photo of {}", "{} outside")  # how a word is asked for
Ask = Callable[[Sequence[str]], NDArray[np.float32]]  # scores (texts, pictures)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Path(path_type=Path), help="Only these pictures.")
def main(folder: Path, split: Path | None) -> None:
    """Ask for the pictures of FOLDER in few words."""
    rows, captions = _pictures(folder.absolute(), split)
    weights, _ = read_heads(BUILT_IN)
    without = weights | {name: weights[name][:0] for name in WORD_PART}
    asks = [_asking(each, rows) for each in (weights, without)]
    words, few = common_words(captions), short_texts(captions)
    click.echo(f"{len(rows)} pictures: shipped, and without the table of words")
    for way in WAYS:
        found = [_precision(ask([way.format(w) for w in words.texts]), words.said) for ask in asks]
        known, unknown = (f"{100 * share:.1f}" for share in found)
        click.echo(
            f"{len(words.texts)} words, {way.format('...'):16} mAP {known:>18} {unknown:>18}"
        )
    for least, most in ((1, 1), (2, 3), (4, 99)):
        chosen = [short for short in few if least <= len(short.text.split()) <= most]
        right = np.zeros((len(chosen), len(rows)), np.bool_)
        for row, (_, pictures) in enumerate(chosen):
            right[row, pictures] = True
        said = f"{len(chosen)} texts of {least} to {most} words" if most < 99 else "all of content"
        _recall(said, asks, [short.text for short in chosen], right)
    owners = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
    texts = [text for own in captions for text in own]
    _recall(f"{len(texts)} captions", asks, texts, owners[:, None] == np.arange(len(rows)))


def _pictures(folder: Path, split: Path | None) -> tuple[Rows, Captions]:
    """Rows of all captioned pictures, and the captions of each."""
    only = read_split(folder, split) if split else None
    with dataset_library(folder, only, encoder=DEFAULT_ENCODER) as library:
        index_folder(library, folder, options=IndexOptions(only=only))
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.captions)
        rows: Rows = library.embedded(keys).v_i
    return rows, [found[key].captions for key in keys]


def _asking(weights: Mapping[str, NDArray[np.float32]], rows: Rows) -> Ask:
    towers, means = Towers(cache_directory()), means_of(weights)

    def ask(texts: Sequence[str]) -> NDArray[np.float32]:
        asked = asking(project_texts(towers.text_features(texts), weights), TEXT, means)
        return np.asarray(asked @ rows.T)

    return ask


def _precision(scores: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Mean average precision."""
    found = []
    for row, members in zip(scores, right > 0, strict=True):
        places = np.flatnonzero(members[np.argsort(-row, kind="stable")])
        found.append(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
    return float(np.mean(found)) if found else 0.0


def _recall(name: str, asks: Sequence[Ask], texts: Sequence[str], right: NDArray[np.bool_]) -> None:
    found = [figures(ranks(ask(texts), right)) for ask in asks]
    said = [" / ".join(f"{each[f'r@{k}']:.1f}" for k in KS) for each in found]
    click.echo(f"{name:32} R@1 / 5 / 10 {said[0]:>18} {said[1]:>18}")


if __name__ == "__main__":
    main()
