"""Subjects of fault tests: folders of pictures that change, and libraries that must agree."""

import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from indexer import Library
from indexer.catalogue.database import FILE
from indexer.catalogue.values import text_hash
from indexer.doctor import examine
from indexer.embedding import IMAGE, TEXT
from indexer.encoders import registry
from indexer.pictures.decoding import DecodeSettings, decode_file
from indexer.pictures.hashes import hash_bytes
from indexer.pipeline import decoders
from search import Searcher

ROOT = Path(__file__).parents[2]
ENCODER, OPENER = "projection", "projection_encoder:open_encoder"
WORDS = ("dog", "boat", "red", "sea", "child", "runs", "grass", "night", "street", "two", "jumps")
QUERIES = [f"{first} {second}" for first, second in combinations(WORDS, 2)][:50]
NEAR = 1e-5  # rows in another order are added up in another order

PictureRow = tuple[int, bytes, tuple[str, ...]]  # size, content hash, captions


def know_encoder() -> None:
    """Let this process open libraries of `projection`."""
    registry.BUILT_IN[ENCODER] = OPENER


def environment(site: Path) -> dict[str, str]:
    """Environment for a new Python that knows this checkout and finds `projection` installed."""
    facts = site / "projection_encoder-1.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: projection-encoder\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[picfuse.encoders]\n{ENCODER} = {OPENER}\n")
    paths = [str(ROOT), str(ROOT / "tests" / "support"), str(site), *filter(None, sys.path)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


class Pictures:
    """A folder of small random pictures with captions, which can be changed at random.

    Every file that is written has a later time of change than all before, since what is written
    within one tick of the clock cannot be told apart.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self._pixels = np.random.default_rng(seed)
        self._number = self._tick = 0

    def add(self, count: int) -> None:
        """Paint pictures; two in three get a caption, one in twenty is a copy of another."""
        for _ in range(count):
            folder = self.folder / f"{self._number % 7}"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self._number}.png"
            self._number += 1
            if self.random.random() < 0.05 and (others := self.paths()):
                shutil.copyfile(self.random.choice(others), path)
                self._stamp(path)
            else:
                self._paint(path)
            if self.random.random() < 0.67:
                self._describe(path)

    def change(self, count: int) -> None:
        """Edit, delete, move, copy or caption pictures, so many times."""
        deeds = (self._paint, self._delete, self._move, self._copy, self._describe)
        for _ in range(count):
            self.random.choice(deeds)(self.random.choice(self.paths()))

    def paths(self) -> list[Path]:
        """All pictures, sorted."""
        return sorted(self.folder.rglob("*.png"))

    def expected(self) -> dict[bytes, PictureRow]:
        """Contents that a catalogue must have for the pictures that are there now."""
        found: dict[bytes, PictureRow] = {}
        for path in self.paths():
            content, beside = path.read_bytes(), path.with_suffix(".txt")
            captions = (beside.read_text(),) if beside.exists() else ()
            name = os.fsencode(path.relative_to(self.folder))
            found[name] = (len(content), hash_bytes(content), captions)
        return found

    def _paint(self, path: Path) -> None:
        pixels = self._pixels.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        self._stamp(path)

    def _describe(self, path: Path) -> None:
        path.with_suffix(".txt").write_text(" ".join(self.random.choices(WORDS, k=4)))

    def _delete(self, path: Path) -> None:
        path.unlink()
        path.with_suffix(".txt").unlink(missing_ok=True)

    def _move(self, path: Path) -> None:
        path.rename(self._new(path))

    def _copy(self, path: Path) -> None:
        new = self._new(path)
        shutil.copyfile(path, new)
        self._stamp(new)

    def _new(self, path: Path) -> Path:
        self._number += 1
        return path.with_name(f"{self._number}.png")

    def _stamp(self, path: Path) -> None:
        self._tick += 1
        os.utime(path, (1_700_000_000 + self._tick,) * 2)


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of a catalogue: its present pictures by path, and its embeddings by key."""

    generation: int
    pictures: dict[bytes, PictureRow]
    embeddings: dict[tuple[str, bytes], bytes]

    @property
    def needed(self) -> set[tuple[str, bytes]]:
        """The keys of the embeddings of all pictures and captions."""
        images = {(IMAGE, content) for _, content, _ in self.pictures.values()}
        texts = {text for _, _, captions in self.pictures.values() for text in captions}
        return images | {(TEXT, text_hash(text)) for text in texts}

    def lost_since(self, before: "Contents") -> list[str]:
        """Rows that were committed before and are gone."""
        gone = [key for key, row in before.embeddings.items() if self.embeddings.get(key) != row]
        lost = [f"{len(gone)} of {len(before.embeddings)} embeddings are gone"] if gone else []
        if self.generation < before.generation:
            lost.append(f"generation {before.generation} became {self.generation}")
        return lost


NOTHING = Contents(0, {}, {})


def contents(library: Path) -> Contents:
    """Read a catalogue with SQLite alone; `NOTHING` where there is none or it has no tables.

    It reads a copy: what a journal makes of the original is left to picfuse. Nobody may be
    writing meanwhile.
    """
    with tempfile.TemporaryDirectory() as name:
        for file in library.glob(FILE + "*"):
            if not file.name.endswith("-shm"):
                shutil.copyfile(file, Path(name) / file.name)
        with closing(sqlite3.connect(Path(name) / FILE)) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return _read(connection) if tables else NOTHING


def _read(connection: sqlite3.Connection) -> Contents:
    texts: dict[int, tuple[str, ...]] = {}
    for key, text in connection.execute("SELECT picture_id, text FROM captions ORDER BY position"):
        texts[key] = (*texts.get(key, ()), text)
    rows = connection.execute(
        "SELECT id, relative, size, content_hash FROM pictures WHERE state = 'present'"
    )
    found = {name: (size, content, texts.get(key, ())) for key, name, size, content in rows}
    rows = connection.execute("SELECT modality, hash, vector FROM embeddings")
    embeddings = {(modality, key): vector for modality, key, vector in rows}
    row = connection.execute("SELECT value FROM settings WHERE key = 'generation'").fetchone()
    return Contents(int(row[0]) if row else 0, found, embeddings)


def faults(library: Library) -> list[str]:
    """The serious findings of the doctor; empty means clean."""
    with decoding_here():
        findings = examine(library)
    return [f"{f.check}: {f.meaning} ({f.count})" for f in findings if f.serious]


Hits = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Seen:
    """All that two libraries are compared by: their contents, and their hits of some queries."""

    contents: Contents
    hits: dict[str, Hits]

    @classmethod
    def of(cls, path: Path, queries: Sequence[str] = QUERIES) -> "Seen":
        """Look at a library, and ask it."""
        with Library.open(path, read_only=True) as library:
            searcher = Searcher(library)
            answers = [searcher.search(query, k=10) for query in queries]
        hits = [[(str(hit.path), hit.score) for hit in answer.hits] for answer in answers]
        return cls(contents(path), dict(zip(queries, hits, strict=True)))

    def differences(self, reference: "Seen") -> list[str]:
        """Differences from a library that was never disturbed; empty if they are equal."""
        found, expected = self.contents, reference.contents
        names = found.pictures.keys() | expected.pictures.keys()
        different = {n for n in names if found.pictures.get(n) != expected.pictures.get(n)}
        said = [f"picture {name!r} differs" for name in sorted(different)]
        for key in sorted(expected.needed):
            if found.embeddings.get(key) != expected.embeddings[key]:
                said.append(f"embedding {key} differs")
        for query, hits in reference.hits.items():
            if not same_hits(self.hits[query], hits):
                said.append(f"the hits of {query!r} differ")
        return said


def same_hits(found: Hits, expected: Hits) -> bool:
    """Whether two answers agree: same scores, and same pictures but where scores are equal."""
    if len(found) != len(expected):
        return False
    pairs = zip(found, expected, strict=True)
    if any(abs(mine - theirs) > NEAR for (_, mine), (_, theirs) in pairs):
        return False
    return _certain(found) <= _names(expected) and _certain(expected) <= _names(found)


def _names(hits: Iterable[tuple[str, float]]) -> set[str]:
    return {name for name, _ in hits}


def _certain(hits: Hits) -> set[str]:
    """The hits that no other picture of an equal score can stand in for."""
    return _names((name, score) for name, score in hits if score > hits[-1][1] + 2 * NEAR)


class InProcessPool:
    """In the place of `DecodingPool`: decodes here, in order, and starts no process."""

    def __init__(self, transform, thumbnails, *, max_pixels, task=decode_file, **_limits) -> None:
        self._settings, self._task = DecodeSettings(transform, thumbnails, max_pixels), task

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def decode_all(self, items, known=None):
        """Decode each `(key, path)`; a file of a known content is only read."""
        for key, path in items:
            settings = replace(self._settings, known=(known or {}).get(key, frozenset()))
            yield replace(self._task(path, settings), key=key)


@contextmanager
def decoding_here() -> Iterator[None]:
    """Decode in this process: quick to start, and always in the same order."""
    with mock.patch.object(decoders, "DecodingPool", InProcessPool):
        yield
