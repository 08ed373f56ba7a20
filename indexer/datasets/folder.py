"""Data sets: folders of captioned or labelled pictures, whole or a split of them."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from indexer.errors import DatasetError
from indexer.pictures.scan import FoundPicture, scan

LABEL_TABLES = ("*.tsv", "*.csv")

ClassText: TypeAlias = tuple[str, str]  # the name of a class, and the text that stands for it


@dataclass(frozen=True, slots=True)
class Labels:
    """Class labels of pictures: relative path and label, in the order of the table."""

    table: Path
    labels: tuple[tuple[bytes, str], ...]


def dataset_folder(path: Path) -> Path:
    """The folder of a data set. Raises `DatasetError` when it is not there."""
    folder = Path(os.path.abspath(path.expanduser()))
    if not folder.is_dir():
        raise DatasetError(f"{path}: no such folder; name a folder of captioned pictures")
    return folder


def picture_names(folder: Path) -> list[bytes]:
    """Relative paths of the pictures of a data set. Raises `DatasetError` when it has none."""
    names = [found.relative for found in scan(folder) if isinstance(found, FoundPicture)]
    if not names:
        raise DatasetError(f"{folder}: no pictures here; name a folder of captioned pictures")
    return names


def read_split(folder: Path, split: Path) -> frozenset[bytes]:
    """The pictures that a list of names (a file, looked for in the data set first) restricts to.

    A name is a relative path, a base name or a base name without its suffix. Raises
    `DatasetError` when the list is missing or fits no picture.
    """
    path = folder / split if (folder / split).is_file() else split.expanduser()
    if not path.is_file():
        raise DatasetError(f"{split}: no such list of pictures, here or in {folder}")
    wanted = {line.strip() for line in path.read_bytes().splitlines() if line.strip()}
    chosen = frozenset(n for n in picture_names(folder) if wanted & _spellings(n))
    if not chosen:
        raise DatasetError(f"{path}: none of its {len(wanted)} names is a picture in {folder}")
    return chosen


def _spellings(name: bytes) -> set[bytes]:
    base = os.path.basename(name)
    return {name, base, os.path.splitext(base)[0]}


def find_labels(folder: Path) -> Labels | None:
    """The table with `file` and `label` in its header in a data set's folder, if there is one."""
    for table in sorted(path for pattern in LABEL_TABLES for path in folder.glob(pattern)):
        with table.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file, delimiter="\t" if table.suffix == ".tsv" else ",")
            if {"file", "label"} <= set(reader.fieldnames or ()):
                return Labels(table, tuple(_labelled(folder, reader)))
    return None


def _labelled(folder: Path, rows: Iterable[dict[str, str]]) -> Iterable[tuple[bytes, str]]:
    by_name = names_by_spelling(folder)
    for row in rows:
        name = by_name.get(os.fsencode(row["file"] or ""))
        if name is not None and row["label"]:
            yield name, row["label"]


def names_by_spelling(folder: Path) -> dict[bytes, bytes]:
    """The pictures of a data set by what a table may call them; see `read_split`."""
    return {spelling: name for name in picture_names(folder) for spelling in _spellings(name)}


def held_out(names: Collection[bytes], share: float) -> frozenset[bytes]:
    """A share of the pictures for validation, spread evenly over their sorted names."""
    ordered = sorted(names)
    count = min(max(2, round(share * len(ordered))), len(ordered) - 2)
    if count < 2:
        raise DatasetError(f"{len(ordered)} captioned pictures are too few to hold some out")
    return frozenset(ordered[n * len(ordered) // count] for n in range(count))


def validation_names(
    folder: Path, names: Collection[bytes], validation: Path | float
) -> frozenset[bytes]:
    """Which pictures are held out: those of a list of names, or a share of them."""
    if isinstance(validation, Path):
        return read_split(folder, validation) & frozenset(names)
    return held_out(names, validation)


def plain_sentence(name: str) -> str:
    """The text of a class by its name alone."""
    return f"a photo of a {name}"


def read_classes(file: Path, *, definitions: bool) -> list[ClassText]:
    """Classes of a file: a name a line, with a tab and its definition where there is one.

    Raises `DatasetError` when the file is missing or holds no definition where one is asked for.
    """
    if not file.expanduser().is_file():
        raise DatasetError(f"{file}: no such list of classes; 'imagenet-1k' is built in")
    classes = []
    for line in file.expanduser().read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, definition = (part.strip() for part in line.partition("\t"))
        if definitions and name and not definition:
            raise DatasetError(f"{file}: {name!r} has no definition; add one after a tab")
        if name:
            classes.append((name, f"{name}: {definition}" if definitions else plain_sentence(name)))
    return classes
