"""Quality of tag heads for broad kinds of things and for moods, from both embeddings or one.

    python benchmarks/tags.py kinds            # imagenet-samples: one kind of each picture
    python benchmarks/tags.py moods            # Flickr8k: any number of moods, from captions
    python benchmarks/tags.py moods --dev      # the same, tested on the dev split

Both print a table of figures on held-out pictures, and write the labels that they derive next to
the heads (--output). The rules are those of `tag_labels.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from fixtures.data import DATA, VARIABLE, indexed_dataset
from rich.console import Console
from rich.table import Table
from tag_labels import KINDS, MOODS, kinds, moods, write_labels

from indexer.datasets.folder import held_out, read_split
from indexer.datasets.labels import TagSets, read_labels, tag_names, without_rare
from indexer.encoders import load_encoder
from indexer.locations import cache_directory
from indexer.metrics.bootstrap import interval_ends
from indexer.settings import DEFAULT_ENCODER
from indexer.tag_head import INPUTS, TagHead, TagHeadFacts, write_tag_head
from indexer.training.tags.examples import Examples, read_examples
from indexer.training.tags.figures import Predictions, bootstrap_figures, figures, intervals
from indexer.training.tags.fit import TagFit, fit, predict
from indexer.training.tags.model import TagSettings

COLUMNS = {"macro_ap": "macro AP", "macro_f1": "macro F1", "accuracy": "accuracy", "ece": "ECE"}
TEST, VALIDATION = 1 / 6, 1 / 5  # share of all pictures, share of the rest
SPLITS = 5  # of the pictures of kinds: few, so each is tested once, by a head that never saw it


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kinds", "moods"])
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--output", type=Path, default=Path("tag-heads"))
    parser.add_argument("--dev", action="store_true", help="test moods on Flickr8k dev")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no photographs at {DATA}: name their folder in {VARIABLE}")
    torch.set_num_threads(1)  # the matrices are small: on a busy machine more threads restrict wait
    encoder = load_encoder(options.model, cache=cache_directory())
    options.fingerprint = encoder.fingerprint
    options.output.mkdir(parents=True, exist_ok=True)
    (test_kinds if options.what == "kinds" else test_moods)(options)


def test_kinds(options: argparse.Namespace) -> None:
    """Test kinds: one for each of 500 pictures, from the picture alone since none has a caption."""
    folder = DATA / "imagenet-samples"
    table = options.output / "kinds.csv"
    write_labels(table, kinds(folder / "labels.tsv"))
    sets, rare = without_rare(read_labels(folder, table), exclusive=True)
    examples = read_labelled(folder, None, sets, options.model)
    settings = seeded_settings(options.seed)
    parts, order = [], np.zeros(0, np.int64)
    for split in range(SPLITS):
        tested = np.arange(len(examples)) % SPLITS == split
        head = fit_head(examples.take(~tested), sets, "picture", settings, options)
        parts.append(predict(head, examples.take(tested)))
        order = np.concatenate([order, np.flatnonzero(tested)])
    predicted = Predictions(
        np.concatenate([p.probabilities for p in parts]),
        np.concatenate([p.given for p in parts]),
        np.concatenate([p.targets for p in parts]),
        True,
    )
    write_tag_head(options.output / "kinds.safetensors", head.content)
    print_counts(sets, KINDS, rare)
    print_figures("kinds of imagenet-samples, each picture once held out", {"picture": predicted})


def test_moods(options: argparse.Namespace) -> None:
    """Test moods, which captions 2 to 5 define, from the picture and caption 1."""
    folder = DATA / "flickr8k"
    table = options.output / "moods.csv"
    write_labels(table, moods(folder / "Flickr8k.token.txt"))
    train = read_split(folder, Path("train.txt"))
    labels = read_labels(folder, table)
    sets, rare = without_rare(restrict(labels, train), exclusive=False)
    examples = read_labelled(folder, train, sets, options.model)
    tested = examples.named(held_out(examples.names, TEST))
    learned, test = examples.take(~tested), examples.take(tested)
    print_counts(sets, MOODS, rare)
    if options.dev:
        dev = read_split(folder, Path("dev.txt"))
        test = read_labelled(folder, dev, restrict(labels, dev), options.model, tag_names(sets))
    heads = {
        given: fit_head(learned, sets, given, seeded_settings(options.seed), options)
        for given in INPUTS
    }
    for given, head in heads.items():
        write_tag_head(options.output / f"moods-{given}.safetensors", head.content)
    where = "Flickr8k dev" if options.dev else "held-out pictures of Flickr8k train"
    found = {given: predict(head, test) for given, head in heads.items()}
    found["both, caption taken away"] = predict(heads["both"], test.without_captions())
    print_figures(f"moods, {where}", found)


def restrict(sets: TagSets, names: Collection[bytes]) -> TagSets:
    """The labels of some pictures."""
    return replace(sets, of={name: tags for name, tags in sets.of.items() if name in names})


def read_labelled(
    folder: Path,
    names: Collection[bytes] | None,
    sets: TagSets,
    model: str,
    tags: tuple[str, ...] | None = None,
) -> Examples:
    """Examples with the embeddings of a cached library; restrict first captions count."""
    with indexed_dataset(folder, names, encoder=model) as library:
        return read_examples(library, sets, tags or tag_names(sets), first_caption=True)


def seeded_settings(seed: int) -> TagSettings:
    """The settings of `picfuse train tags`."""
    settings = TagSettings()
    return replace(settings, loop=replace(settings.loop, seed=seed))


def fit_head(
    learned: Examples,
    sets: TagSets,
    given: str,
    settings: TagSettings,
    options: argparse.Namespace,
) -> TagHead:
    """Train a head on examples, a share of which stops the training and calibrates."""
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


def print_counts(sets: TagSets, rules: Collection[str], rare: Collection[str]) -> None:
    """Print the number of pictures of each tag."""
    counts = {tag: sum(tag in tags for tags in sets.of.values()) for tag in rules}
    listed = ", ".join(f"{tag} {count}" for tag, count in counts.items() if count)
    print(f"{len(sets.of)} pictures: {listed}; too rare: {', '.join(rare) or 'none'}")


def print_figures(title: str, found: dict[str, Predictions]) -> None:
    """Print a row for each head: figures with 95 % intervals, and the distance to the first."""
    table = Table("the head reads", *COLUMNS.values(), "macro AP less than both by", title=title)
    first = next(iter(found.values()))
    reference = bootstrap_figures(first)
    for name, predicted in found.items():
        point, sample = figures(predicted), bootstrap_figures(predicted)
        edges = intervals(sample)
        cells = [f"{point[f]:.1f} ({edges[f][0]:.1f} to {edges[f][1]:.1f})" for f in COLUMNS]
        low, high = interval_ends((reference["macro_ap"] - sample["macro_ap"])[:, None])[:, 0]
        less = figures(first)["macro_ap"] - point["macro_ap"]
        same = predicted is first
        table.add_row(name, *cells, "" if same else f"{less:.1f} ({low:.1f} to {high:.1f})")
    table.caption = f"{len(first.targets)} pictures; per cent, with 95 per cent intervals"
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
