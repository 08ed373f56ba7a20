"""The contestants: their commands to index, to search, and to store given rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contest.processes import Command

HERE = Path(__file__).resolve().parent  # run with -P: its modules are named like the peers
ARCHITECTURE = "ViT-B-32-256"


class Contestant(Protocol):
    """The commands of a contestant; a library is a folder that `prepare` made."""

    @property
    def name(self) -> str:
        """The name of the contestant."""

    def prepare(self, library: Path) -> None:
        """Make the folder of a new library."""

    def index(self, pictures: Path, library: Path) -> Command:
        """Index a folder for the first time."""

    def update(self, pictures: Path, library: Path) -> Command | None:
        """Bring a library up to date; None if a contestant cannot."""

    def ask(self, pictures: Path, library: Path, query: str) -> Command:
        """Print the ten best hits."""

    def warm(self, pictures: Path, library: Path, queries: Sequence[str]) -> Command:
        """Answer queries in one process, and print the seconds of each."""

    def fill(self, pictures: Path, library: Path, rows: Path) -> Command:
        """Store rows in a new library, one for each picture."""

    def rows(self, pictures: Path, library: Path, file: Path) -> Command:
        """Save the paths and rows of a library."""


@dataclass(frozen=True, slots=True)
class Picfuse:
    """This checkout, run by the Python that runs the benchmark."""

    weights: Path
    name: str = "picfuse"

    @property
    def model(self) -> str:
        """The name of the encoder."""
        return f"open_clip:{ARCHITECTURE}:{self.weights / 'model.safetensors'}"

    def prepare(self, library: Path) -> None:
        """Do nothing: picfuse makes the folder itself."""

    def index(self, pictures: Path, library: Path) -> Command:
        """`picfuse index` with the stand-in model."""
        return self._picfuse(pictures, library, "index", pictures, "--model", self.model)

    def update(self, pictures: Path, library: Path) -> Command:
        """`picfuse index`."""
        return self._picfuse(pictures, library, "index", pictures)

    def ask(self, pictures: Path, library: Path, query: str) -> Command:
        """`picfuse search`, by vectors only, since the others do not search by words."""
        return self._picfuse(pictures, library, "search", "-k", "10", "--mode", "vector", query)

    def warm(self, pictures: Path, library: Path, queries: Sequence[str]) -> Command:
        """`Searcher.search`."""
        return self._program(pictures, "warm", library, *queries)

    def fill(self, pictures: Path, library: Path, rows: Path) -> Command:
        """`Library.writing`."""
        return self._program(pictures, "fill", library, self.model, rows)

    def rows(self, pictures: Path, library: Path, file: Path) -> Command:
        """`Library.embedded`."""
        return self._program(pictures, "rows", library, file)

    def _picfuse(self, folder: Path, library: Path, *words: str | Path) -> Command:
        given = ("--library", library, "--offline", "--json")
        return self._python(folder, "-m", "ui", *words, *given)

    def _program(self, folder: Path, *words: str | Path) -> Command:
        return self._python(folder, HERE / "picfuse.py", *words)

    def _python(self, folder: Path, *words: str | Path) -> Command:
        settings = {"PYTHONPATH": str(HERE.parents[1])}
        return Command((sys.executable, "-P", *words), folder, settings)


@dataclass(frozen=True, slots=True)
class Rclip:
    """rclip, which indexes and searches the folder it runs in."""

    python: Path
    weights: Path
    name: str = "rclip"

    def prepare(self, library: Path) -> None:
        """Make the folder of its library, which also holds the files of the model."""
        library.mkdir()
        for part in (self.weights / "rclip").iterdir():
            (library / part.name).symlink_to(part)

    def index(self, pictures: Path, library: Path) -> Command:
        """The part of its command that comes before the search."""
        return self._program(pictures, library, "index")

    def update(self, pictures: Path, library: Path) -> Command:
        """The same as `index`."""
        return self._program(pictures, library, "index")

    def ask(self, pictures: Path, library: Path, query: str) -> Command:
        """Its command, without a search for new pictures."""
        return self._python(pictures, library, "-m", "rclip", "--no-indexing", query)

    def warm(self, pictures: Path, library: Path, queries: Sequence[str]) -> Command:
        """`RClip.search`."""
        return self._program(pictures, library, "warm", *queries)

    def fill(self, pictures: Path, library: Path, rows: Path) -> Command:
        """`DB.upsert_image`."""
        return self._program(pictures, library, "fill", rows)

    def rows(self, pictures: Path, library: Path, file: Path) -> Command:
        """`DB.get_image_vectors_by_dir_path`."""
        return self._program(pictures, library, "rows", file)

    def _program(self, folder: Path, library: Path, *words: str | Path) -> Command:
        return self._python(folder, library, HERE / "rclip.py", *words)

    def _python(self, folder: Path, library: Path, *words: str | Path) -> Command:
        return Command((self.python, "-P", *words), folder, {"RCLIP_DATADIR": str(library)})


@dataclass(frozen=True, slots=True)
class SentenceTransformers:
    """The documented image search of sentence-transformers."""

    python: Path
    weights: Path
    name: str = "sentence-transformers"

    def prepare(self, library: Path) -> None:
        """Make the folder."""
        library.mkdir()

    def index(self, pictures: Path, library: Path) -> Command:
        """Encode all pictures, and store the rows."""
        return self._program(pictures, library, "index")

    def update(self, pictures: Path, library: Path) -> None:
        """None: the example has no update."""

    def ask(self, pictures: Path, library: Path, query: str) -> Command:
        """Load the model and the rows, and search."""
        return self._program(pictures, library, "search", query)

    def warm(self, pictures: Path, library: Path, queries: Sequence[str]) -> Command:
        """`encode_query` and `semantic_search`."""
        return self._program(pictures, library, "warm", *queries)

    def fill(self, pictures: Path, library: Path, rows: Path) -> Command:
        """Store names and rows."""
        return self._program(pictures, library, "fill", rows)

    def rows(self, pictures: Path, library: Path, file: Path) -> Command:
        """The stored names and rows."""
        return self._program(pictures, library, "rows", file)

    def _program(self, folder: Path, library: Path, *words: str | Path) -> Command:
        model = self.weights / self.name
        settings = {"PEERS_MODEL": str(model), "PEERS_LIBRARY": str(library)}
        program = HERE / "sentence_transformers.py"
        return Command((self.python, "-P", program, *words), folder, settings)
