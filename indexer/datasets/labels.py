"""The labels of pictures: the tags that a table gives to each."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.datasets.folder import find_labels, names_by_spelling
from indexer.errors import DatasetError

_SEPARATOR = re.compile(r"[;|]")
MIN_TAG_PICTURES = 8  # a tag with fewer is not learned


@dataclass(frozen=True, slots=True)
class TagSets:
    """The tags of each labelled picture; a labelled picture may have no tag."""

    table: Path
    of: Mapping[bytes, frozenset[str]]

    @property
    def exclusive(self) -> bool:
        """Whether every picture has exactly one tag."""
        return all(len(tags) == 1 for tags in self.of.values())

    def targets(self, names: list[bytes], tags: tuple[str, ...]) -> NDArray[np.float32]:
        """Targets (n, tags): 1 for the tags of a picture, otherwise 0."""
        return np.array([[t in self.of[name] for t in tags] for name in names], np.float32).reshape(
            len(names), len(tags)
        )


def read_labels(folder: Path, table: Path | None) -> TagSets:
    """The labels of a data set, from `table` or otherwise from the table in its folder.

    The table (.csv, or .tsv with tabs) has the columns `file` and `label`. Several labels of a
    picture are in several rows, or in one cell separated by `;` or `|`; an empty cell means that
    no tag applies. Pictures without a row are not labelled. Raises `DatasetError`.
    """
    if table is None:
        found = find_labels(folder)
        if found is None:
            raise DatasetError(
                f"{folder}: no table of labels here (.csv or .tsv with 'file' and 'label' in its "
                "header); name one with --labels"
            )
        table = found.table
    path = table.expanduser() if table.expanduser().is_file() else folder / table
    if not path.is_file():
        raise DatasetError(f"{table}: no such table of labels, here or in {folder}")
    labelled = _read(folder, path)
    if not labelled:
        raise DatasetError(f"{path}: none of its rows names a picture in {folder}")
    return TagSets(path, {name: frozenset(tags) for name, tags in labelled.items()})


def _read(folder: Path, path: Path) -> dict[bytes, set[str]]:
    labelled: dict[bytes, set[str]] = {}
    by_name = names_by_spelling(folder)
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        if not {"file", "label"} <= set(reader.fieldnames or ()):
            raise DatasetError(f"{path}: needs the columns 'file' and 'label' in its header")
        for row in reader:
            name = by_name.get(os.fsencode(row["file"] or ""))
            if name is not None:
                parts = (" ".join(part.split()) for part in _SEPARATOR.split(row["label"] or ""))
                labelled.setdefault(name, set()).update(filter(None, parts))
    return labelled


def without_rare(
    sets: TagSets, *, exclusive: bool, least: int = MIN_TAG_PICTURES
) -> tuple[TagSets, list[str]]:
    """The labels without tags of fewer than `least` pictures, and the names of these tags.

    For exclusive tags, their pictures are dropped too: no tag would be right. Raises
    `DatasetError` if there are too few tags left to learn.
    """
    counts = Counter(tag for tags in sets.of.values() for tag in tags)
    rare = sorted(tag for tag, count in counts.items() if count < least)
    kept = {name: tags - set(rare) for name, tags in sets.of.items()}
    if exclusive:
        kept = {name: tags for name, tags in kept.items() if tags}
    if len(counts) - len(rare) < (2 if exclusive else 1):
        raise DatasetError(
            f"{sets.table}: only {len(counts) - len(rare)} of its {len(counts)} tags have {least} "
            "pictures or more, too few to learn from; label more pictures"
        )
    return TagSets(sets.table, kept), rare


def tag_names(sets: TagSets) -> tuple[str, ...]:
    """All tags, sorted."""
    return tuple(sorted({tag for tags in sets.of.values() for tag in tags}))
