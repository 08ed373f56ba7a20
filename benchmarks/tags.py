"""What a tag head learns: broad kinds of things, and moods; from both embeddings, or one alone.

    python benchmarks/tags.py kinds            # imagenet-samples: one kind of each picture
    python benchmarks/tags.py moods            # Flickr8k: any number of moods, from captions
    python benchmarks/tags.py moods --dev      # the same, judged on the dev split

Both print a table of figures on pictures that were held out, and write the labels that they derive
beside the heads (--output). The rules are those of `tag_labels.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tag_labels import KINDS, MOODS, kinds, moods, write_labels

from indexer import IndexOptions, Library, index_folder
from indexer.datasets.folder import held_out, read_split
from indexer.datasets.labels import TagSets, read_labels, tag_names, without_rare
from indexer.datasets.library import dataset_library
from indexer.encoders import load_encoder
from indexer.locations import cache_directory
from indexer.metrics.bootstrap import ends
from indexer.settings import DEFAULT_ENCODER
from indexer.tag_head import INPUTS, TagHead, TagHeadFacts, write_tag_head
from indexer.training.tags.examples import Examples, read_examples
from indexer.training.tags.figures import Predictions, drawn, figures, intervals
from indexer.training.tags.fit import TagFit, fit, judged
from indexer.training.tags.model import TagSettings

DATA = Path(os.environ.get("PICFUSE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
COLUMNS = {"macro_ap": "macro AP", "macro_f1": "macro F1", "accuracy": "accuracy", "ece": "ECE"}
TEST, VALIDATION = 1 / 6, 1 / 5  # of all, and of what is left
SPLITS = 5  # of the pictures of kinds: few, so each is judged once, by a head that never saw it


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kinds", "moods"])
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--output", type=Path, default=Path("tag-heads"))
    parser.add_argument("--dev", action="store_true", help="judge moods on Flickr8k dev")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no photographs at {DATA}: name their folder in PICFUSE_TEST_DATA")
    torch.set_num_threads(1)  # the matrices are small: on a busy machine threads only wait
    encoder = load_encoder(options.model, cache=cache_directory())
    options.fingerprint = encoder.fingerprint
    options.output.mkdir(parents=True, exist_ok=True)
    (show_kinds if options.what == "kinds" else show_moods)(options)


def show_kinds(options: argparse.Namespace) -> None:
    """One kind of each of 500 pictures, by their look alone: they have no captions."""
    folder = DATA / "imagenet-samples"
    table = options.output / "kinds.csv"
    write_labels(table, kinds(folder / "labels.tsv"))
    sets, rare = without_rare(read_labels(folder, table), exclusive=True)
    examples = embedded(folder, None, sets, options.model)
    settings = seeded(options.seed)
    parts, order = [], np.zeros(0, np.int64)
    for split in range(SPLITS):
        tested = np.arange(len(examples)) % SPLITS == split
        head = fitted(examples.take(~tested), sets, "picture", settings, options)
        parts.append(judged(head, examples.take(tested)))
        order = np.concatenate([order, np.flatnonzero(tested)])
    predicted = Predictions(
        np.concatenate([p.probabilities for p in parts]),
        np.concatenate([p.given for p in parts]),
        np.concatenate([p.targets for p in parts]),
        True,
    )
    write_tag_head(options.output / "kinds.safetensors", head.content)
    say_counts(sets, KINDS, rare)
    show("kinds of imagenet-samples, each picture once held out", {"picture": predicted})


def show_moods(options: argparse.Namespace) -> None:
    """Moods that captions 2 to 5 tell, from the picture and caption 1."""
    folder = DATA / "flickr8k"
    table = options.output / "moods.csv"
    write_labels(table, moods(folder / "Flickr8k.token.txt"))
    train = read_split(folder, Path("train.txt"))
    labels = read_labels(folder, table)
    sets, rare = without_rare(only(labels, train), exclusive=False)
    examples = embedded(folder, train, sets, options.model)
    tested = examples.named(held_out(examples.names, TEST))
    learned, test = examples.take(~tested), examples.take(tested)
    say_counts(sets, MOODS, rare)
    if options.dev:
        dev = read_split(folder, Path("dev.txt"))
        test = embedded(folder, dev, only(labels, dev), options.model, tag_names(sets))
    heads = {given: fitted(learned, sets, given, seeded(options.seed), options) for given in INPUTS}
    for given, head in heads.items():
        write_tag_head(options.output / f"moods-{given}.safetensors", head.content)
    where = "Flickr8k dev" if options.dev else "held-out pictures of Flickr8k train"
    found = {given: judged(head, test) for given, head in heads.items()}
    found["both, caption taken away"] = judged(heads["both"], test.without_captions())
    show(f"moods, {where}", found)


def only(sets: TagSets, names: Collection[bytes]) -> TagSets:
    """The labels of some of the pictures."""
    return replace(sets, of={name: tags for name, tags in sets.of.items() if name in names})


def embedded(
    folder: Path,
    names: Collection[bytes] | None,
    sets: TagSets,
    model: str,
    tags: tuple[str, ...] | None = None,
) -> Examples:
    """Examples with the embeddings of a cached library; of captions, the first one counts."""
    with dataset_library(folder, names, encoder=model) as library:
        bring_up_to_date(library, folder, names)
        return read_examples(library, sets, tags or tag_names(sets), first_caption=True)


def bring_up_to_date(library: Library, folder: Path, names: Collection[bytes] | None) -> None:
    """Index what is new: at the first time all, which takes minutes."""
    index_folder(library, folder, options=IndexOptions((), only=names))


def seeded(seed: int) -> TagSettings:
    """The settings of `picfuse train tags`."""
    settings = TagSettings()
    return replace(settings, loop=replace(settings.loop, seed=seed))


def fitted(
    learned: Examples,
    sets: TagSets,
    given: str,
    settings: TagSettings,
    options: argparse.Namespace,
) -> TagHead:
    """A head trained on some examples, of which a share calibrates and ends the training."""
    validation = learned.named(held_out(learned.names, VALIDATION))
    exclusive = options.what == "kinds"
    facts = TagHeadFacts(
        tag_names(sets), options.model, options.fingerprint, learned.v_i.shape[1], given, exclusive
    )
    result = TagFit()
    for _ in fit((learned.take(~validation), learned.take(validation)), facts, settings, result):
        pass
    assert result.head is not None
    return result.head


def say_counts(sets: TagSets, rules: Collection[str], rare: Collection[str]) -> None:
    """How many pictures each tag has."""
    counts = {tag: sum(tag in tags for tags in sets.of.values()) for tag in rules}
    listed = ", ".join(f"{tag} {count}" for tag, count in counts.items() if count)
    print(f"{len(sets.of)} pictures: {listed}; too rare: {', '.join(rare) or 'none'}")


def show(title: str, found: dict[str, Predictions]) -> None:
    """A row for each head: figures with 95 per cent intervals, and the distance to the first."""
    table = Table("the head reads", *COLUMNS.values(), "macro AP less than both by", title=title)
    first = next(iter(found.values()))
    reference = drawn(first)
    for name, predicted in found.items():
        point, sample = figures(predicted), drawn(predicted)
        edges = intervals(sample)
        cells = [f"{point[f]:.1f} ({edges[f][0]:.1f} to {edges[f][1]:.1f})" for f in COLUMNS]
        low, high = ends((reference["macro_ap"] - sample["macro_ap"])[:, None])[:, 0]
        less = figures(first)["macro_ap"] - point["macro_ap"]
        same = predicted is first
        table.add_row(name, *cells, "" if same else f"{less:.1f} ({low:.1f} to {high:.1f})")
    table.caption = f"{len(first.targets)} pictures; per cent, with 95 per cent intervals"
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
