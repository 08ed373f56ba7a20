"""Pictures that are away: the disk of their folder is not plugged in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from indexer.catalogue.lookup.pictures import Catalogue


@dataclass(frozen=True, slots=True)
class AwayFolder:
    """An indexed folder that is away, and the number of its pictures that the library keeps."""

    path: Path
    pictures: int


def away_folders(catalogue: Catalogue) -> list[AwayFolder]:
    """The folders that are missing, or are empty like the place of an unplugged disk.

    Looks at nothing but the folders themselves, so that a query can ask.
    """
    gone = [folder for folder in catalogue.folders() if _is_away(folder.path)]
    counted = [AwayFolder(folder.path, catalogue.number_of(folder.id)) for folder in gone]
    return [folder for folder in counted if folder.pictures]


def away_message(pictures: int) -> str:
    """A sentence about pictures that are away."""
    number = "1 picture is" if pictures == 1 else f"{pictures:,} pictures are"
    return f"{number} on a disk that is not there"


def _is_away(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it is there, but cannot be read now
        return False
