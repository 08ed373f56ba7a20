"""Sources: the data sets of a training, each with the share of its pictures that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.datasets.folder import picture_names, read_split, reserved


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of captioned pictures.

    `split`: a list of the pictures to read; `captions`: caption files outside the folder;
    `reserve`: leave out the eighth that measurements are for; `weight`: the share of the passes in
    which each picture is seen.
    """

    folder: Path
    split: Path | None = None
    captions: Sequence[Path] = ()
    weight: float = 1.0
    reserve: bool = False

    def names(self) -> frozenset[bytes] | None:
        """The pictures to read; None for all of them. Raises `DatasetError` for a bad split."""
        if self.split is not None:
            return read_split(self.folder, self.split)
        if self.reserve:
            return frozenset(picture_names(self.folder)) - reserved(self.folder)
        return None
