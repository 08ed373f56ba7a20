"""Data sets: folders of captioned or labelled pictures, whole or a split of them."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.errors import DatasetError
from indexer.pictures.found import FoundPicture
from indexer.pictures.scan import scan

LABEL_TABLES = ("*.tsv", "*.csv")
RESERVED = "reserved"  # the name of a split that needs no list
RESERVED_DIGITS = "01"  # of sixteen, with which the hashes of its names begin

ClassText: TypeAlias = tuple[str, str]  # the name of a class, and the text that stands for it


@dataclass(frozen=True, slots=True)
class Labels:
    """Class labels of pictures: relative paths and labels, in the order of the table."""

    table: Path
    labels: tuple[tuple[bytes, str], ...]


def dataset_folder(path: Path) -> Path:
    """The folder of a data set. Raises `DatasetError` if it does not exist."""
    folder = Path(os.path.abspath(path.expanduser()))
    if not folder.is_dir():
        raise DatasetError(f"{path}: no such folder; name a folder of captioned pictures")
    return folder


def picture_names(folder: Path) -> list[bytes]:
    """Relative paths of the pictures of a data set. Raises `DatasetError` if there are none."""
    names = [found.relative for found in scan(folder) if isinstance(found, FoundPicture)]
    if not names:
        raise DatasetError(f"{folder}: no pictures here; name a folder of captioned pictures")
    return names


def read_split(folder: Path, split: Path) -> frozenset[bytes]:
    """The pictures in a list of names (a file, searched for in the data set first).

    A name is a relative path, a base name or a base name without its suffix. Where no file has that
    name, `reserved` is the eighth that `reserved` gives. Raises `DatasetError` if the list is
    missing or matches no picture.
    """
    path = folder / split if (folder / split).is_file() else split.expanduser()
    if not path.is_file() and str(split) == RESERVED:
        return reserved(folder)
    if not path.is_file():
        raise DatasetError(f"{split}: no such list of pictures, here or in {folder}")
    listed = {line.strip() for line in path.read_bytes().splitlines() if line.strip()}
    names = frozenset(n for n in picture_names(folder) if listed & _spellings(n))
    if not names:
        raise DatasetError(f"{path}: none of its {len(listed)} names is a picture in {folder}")
    return names


def reserved(folder: Path) -> frozenset[bytes]:
    """The eighth of a data set that nothing is trained on: by the MD5 of the pictures' names."""
    return frozenset(
        name
        for name in picture_names(folder)
        if hashlib.md5(os.path.basename(name)).hexdigest()[0] in RESERVED_DIGITS
    )


def _spellings(name: bytes) -> set[bytes]:
    base = os.path.basename(name)
    return {name, base, os.path.splitext(base)[0]}


def find_labels(folder: Path) -> Labels | None:
    """The table with `file` and `label` in its header in a data set's folder; None without one."""
    for table in sorted(path for pattern in LABEL_TABLES for path in folder.glob(pattern)):
        with table.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file, delimiter="\t" if table.suffix == ".tsv" else ",")
            if {"file", "label"} <= set(reader.fieldnames or ()):
                return Labels(table, tuple(_read_labels(folder, reader)))
    return None


def _read_labels(folder: Path, rows: Iterable[dict[str, str]]) -> Iterable[tuple[bytes, str]]:
    by_name = names_by_spelling(folder)
    for row in rows:
        name = by_name.get(os.fsencode(row["file"] or ""))
        if name is not None and row["label"]:
            yield name, row["label"]


def names_by_spelling(folder: Path) -> dict[bytes, bytes]:
    """The pictures of a data set by the names that a table may use for them; see `read_split`."""
    return {spelling: name for name in picture_names(folder) for spelling in _spellings(name)}


def held_out(names: Collection[bytes], share: float) -> frozenset[bytes]:
    """A share of the pictures for validation, spread evenly over their sorted names.

    Raises `DatasetError` for fewer than four.
    """
    ordered = sorted(names)
    count = min(max(2, round(share * len(ordered))), len(ordered) - 2)
    if count < 2:
        raise DatasetError(f"{len(ordered)} captioned pictures are too few to hold some out")
    return frozenset(ordered[n * len(ordered) // count] for n in range(count))


def validation_names(
    folder: Path, names: Collection[bytes], validation: Path | float
) -> frozenset[bytes]:
    """The pictures to hold out: those of a list of names, or a share of them."""
    if isinstance(validation, Path):
        return read_split(folder, validation) & frozenset(names)
    return held_out(names, validation)


def validation_mask(
    folder: Path,
    names: Sequence[bytes],
    validation: Path | float,
    *,
    least: int = 1,
    kind: str = "pictures",
) -> NDArray[np.bool_]:
    """The mask (n,) of the pictures to hold out, `least` or more; see `validation_names`.

    Raises `DatasetError` if too few are held out or none is left to train on.
    """
    held_out = validation_names(folder, names, validation)
    inside = np.array([name in held_out for name in names], np.bool_)
    if inside.all() or inside.sum() < least:
        raise DatasetError(
            f"{validation}: leaves {int((~inside).sum())} {kind} to train on and "
            f"{int(inside.sum())} to validate on; choose another split"
        )
    return inside


def plain_sentence(name: str) -> str:
    """The text of a class from its name alone."""
    return f"a photo of a {name}"


def read_classes(file: Path, *, definitions: bool) -> list[ClassText]:
    """Classes of a file: one name on each line, optionally followed by a tab and its definition.

    Raises `DatasetError` if the file is missing, or a definition with `definitions`.
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
