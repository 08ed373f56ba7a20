"""Whatever is done to pictures, and wherever indexing is cut off: the library agrees with a model.

The model is a dictionary of paths, and the formulas of docs/design.md written down once more.
"""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from colour_encoder import MEANS, colour_of
from faults import contents, decoding_here, faults
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)
from PIL import Image

from indexer import IndexOptions, Library, index_folder, indexing
from indexer.embedding import IMAGE, TEXT
from indexer.encoders import registry
from indexer.library import segments
from indexer.library import vector_cache as cached_index
from indexer.pictures.hashes import hash_bytes
from indexer.pipeline import indexing as pipeline
from search import Query, Searcher, Term

Entry = tuple[bytes, tuple[str, ...]]  # a picture: its bytes, its captions
ENCODER = "colour:centred"
WEIGHTS = {"concat": (0, 0.3, 0.5, 1), "mean": (0.5,)}
NAMES = ["a.png", "b.png", "c.png", "d.png", "e.png", "below/a.png", "below/f.png", "below/g.png"]
CAPTIONS = ["", "red boat", "a dog", "black cat", "blue and green", "a cat", "red wall\nblue sea"]
QUESTIONS = ["red", "blue black"]

names = st.sampled_from(NAMES)
colours = st.tuples(*[st.sampled_from([0, 90, 255])] * 3)
captions = st.sampled_from(CAPTIONS)
picks = st.integers(0, len(NAMES) - 1)


class History(RuleBasedStateMachine):
    """A folder of pictures, a library of it, and what the library must know of it."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Path(tempfile.mkdtemp())
        self.folder, self.away = self.room / "pictures", self.room / "away"
        self.folder.mkdir()
        self.patches = patched()
        self.colours: dict[bytes, tuple[int, int, int]] = {}  # by the bytes of a picture
        self.contents: dict[bytes, bytes] = {}  # by their hash
        self.told: dict[str, set[tuple[str, ...]]] = {name: {()} for name in NAMES}
        self.known: dict[str, Entry] = {}  # what the library knows
        self.ticks = self.copies = 0
        self.dropped: list[object] = []
        self.library = Library.create(self.room / "library-0", encoder=ENCODER)

    def teardown(self) -> None:
        self.library.close()
        for thing in self.dropped:
            thing.close()
        self.patches.close()
        shutil.rmtree(self.room)

    @initialize(painted=st.lists(st.tuples(names, colours, captions), min_size=3, max_size=6))
    def first_run(self, painted):
        for name, colour, caption in painted:
            self.paint(name, colour)
            self.describe(name, caption)
        index_folder(self.library, self.folder)
        self.look(self.there())

    @precondition(lambda self: self.folder.is_dir())
    @rule(name=names, colour=colours)
    def paint(self, name, colour):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (16, 12), colour).save(path)
        self.colours[path.read_bytes()] = colour
        self.contents[hash_bytes(path.read_bytes())] = path.read_bytes()
        self.stamp(path)

    @precondition(lambda self: self.folder.is_dir())
    @rule(name=names, caption=captions)
    def describe(self, name, caption):
        path = (self.folder / name).with_suffix(".txt")
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if caption:
            path.write_text(caption)

    @precondition(lambda self: self.there())
    @rule(pick=picks, name=names, with_caption=st.booleans())
    def move(self, pick, name, with_caption):
        path, target = self.picked(pick), self.folder / name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        if with_caption and path.with_suffix(".txt").exists():
            path.with_suffix(".txt").rename(target.with_suffix(".txt"))

    @precondition(lambda self: self.there())
    @rule(pick=picks, name=names)
    def copy(self, pick, name):
        path, target = self.picked(pick), self.folder / name
        target.parent.mkdir(exist_ok=True)
        if path != target:
            shutil.copyfile(path, target)
            self.stamp(target)

    @precondition(lambda self: self.there())
    @rule(pick=picks, name=names, colour=colours)
    def copy_and_edit(self, pick, name, colour):
        path = self.picked(pick)
        self.copy(pick, name)
        self.paint(str(path.relative_to(self.folder)), colour)

    @precondition(lambda self: self.there())
    @rule(pick=picks)
    def delete(self, pick):
        self.picked(pick).unlink()

    @precondition(lambda self: self.folder.is_dir())
    @rule()
    def folder_vanishes(self):
        self.folder.rename(self.away)

    @precondition(lambda self: self.away.is_dir())
    @rule()
    def folder_returns(self):
        self.away.rename(self.folder)

    @rule(prune=st.booleans())
    def index(self, prune):
        report = index_folder(self.library, options=IndexOptions(prune=prune))
        assert not report.failed
        self.look(self.there())

    @rule(steps=st.integers(0, 6))
    def index_killed(self, steps):
        """The files on disk at some moment are all that is left of a killed process."""
        now = self.there()
        run = indexing(self.library)
        for _ in zip(range(steps), run, strict=False):
            pass
        self.copies += 1
        path = self.room / f"library-{self.copies}"
        shutil.copytree(self.library.path, path)
        self.dropped += [run, self.library]
        self.library = Library.open(path)
        self.look(self.explained(now))

    @rule()
    def open_again(self):
        self.library.close()
        self.library = Library.open(self.library.path)
        self.compare(self.library)

    @rule(fusion=st.sampled_from(sorted(WEIGHTS)))
    def fuse_otherwise(self, fusion):
        self.library.set_fusion(fusion)
        self.compare(self.library)

    @rule()
    def another_process_searches(self):
        with Library.open(self.library.path, read_only=True) as library:
            self.compare(library)

    def compare(self, library: Library) -> None:
        fusion, searcher = library.settings.fusion, Searcher(library)
        for weight in WEIGHTS[fusion]:
            for question in QUESTIONS:
                query = Query((Term(text=question),), weight)
                expected = self.brute_force(question, weight, fusion)
                hits = searcher.search(query, k=len(NAMES)).hits
                found = {str(hit.path.relative_to(self.folder)): hit.score for hit in hits}
                assert found.keys() == expected.keys()
                assert all(abs(found[name] - expected[name]) < 1e-5 for name in found)
                assert [hit.score for hit in hits] == sorted(found.values(), reverse=True)
                assert all(
                    hit.captions == self.known[str(hit.path.relative_to(self.folder))][1]
                    for hit in hits
                )

    def brute_force(self, question: str, weight: float, fusion: str) -> dict[str, float]:
        """The score of each picture that can answer, by its path."""
        q = unit(unit(colour_of(question)) - MEANS[TEXT])
        found = {
            name: score(q, self.embedding(content), texts, weight, fusion)
            for name, (content, texts) in self.known.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def embedding(self, content: bytes):
        colour = np.array(self.colours[content]) / 255
        return stored(unit(np.array([*colour, 1 - colour.max(), 0])))

    def look(self, expected: dict[str, Entry]) -> None:
        """The catalogue holds what is expected, and nothing is wrong with the library."""
        self.known = expected
        found = contents(self.library.path).pictures
        assert {os.fsdecode(name): row for name, row in found.items()} == {
            name: (len(content), hash_bytes(content), texts)
            for name, (content, texts) in expected.items()
        }
        assert faults(self.library) == []
        self.compare(self.library)

    def explained(self, now: dict[str, Entry]) -> dict[str, Entry]:
        """The catalogue after a kill: each picture is as it was, or as it is."""
        rows = contents(self.library.path).pictures
        found = {
            os.fsdecode(name): (self.contents[content], texts)
            for name, (_, content, texts) in rows.items()
        }
        for name in NAMES:
            before, after = self.known.get(name), now.get(name)
            if name not in found:
                assert before is None or after is None, name
                continue
            content, texts = found[name]
            assert content in {entry[0] for entry in (before, after) if entry}
            assert texts in self.told[name]
        return found

    def there(self) -> dict[str, Entry]:
        """The pictures that are in the folder now, with the captions beside them."""
        found: dict[str, Entry] = {}
        for path in sorted(self.folder.rglob("*.png")):
            beside, name = path.with_suffix(".txt"), str(path.relative_to(self.folder))
            texts = tuple(beside.read_text().splitlines()) if beside.exists() else ()
            self.told[name].add(texts)
            found[name] = (path.read_bytes(), texts)
        return found

    def picked(self, pick: int) -> Path:
        """One of the pictures that are there."""
        there = sorted(self.there())
        return self.folder / there[pick % len(there)]

    def stamp(self, path: Path) -> None:
        """No two files are written at the same time: indexing could not tell them apart."""
        self.ticks += 1
        os.utime(path, (1_700_000_000 + self.ticks,) * 2)


def patched() -> ExitStack:
    """Small batches and segments, so that a few pictures make many; no process is started."""
    stack = ExitStack()
    opener = {"colour": "colour_encoder:open_encoder"}
    stack.enter_context(mock.patch.dict(registry.BUILT_IN, opener))
    stack.enter_context(decoding_here())
    stack.enter_context(mock.patch.object(pipeline, "PICTURES_PER_BATCH", 2))
    stack.enter_context(mock.patch.object(segments, "SEGMENT", 3))
    stack.enter_context(mock.patch.object(segments, "_FUSED_TOGETHER", 2))
    stack.enter_context(mock.patch.object(cached_index, "_FUSED_TOGETHER", 2))
    return stack


def score(q, v_i, texts: tuple[str, ...], weight: float, fusion: str) -> float | None:
    """The formulas of docs/design.md; None where a picture does not answer."""
    a, b, m_i, m_t = weight, 1 - weight, MEANS[IMAGE], MEANS[TEXT]
    if not texts:
        row = half(v_i)
        length = np.linalg.norm(row) if fusion == "concat" else 1
        return float(q @ (row - m_i) / length) if a else None
    v_t = unit(sum(stored(unit(colour_of(text))) for text in texts))
    if fusion == "mean":
        return float(q @ (half(unit(v_i + v_t)) - (m_i + m_t) / np.sqrt(2 + 2 * m_i @ m_t)))
    r_i, r_t = np.split(half(unit(np.concatenate([v_i, v_t]))) * np.sqrt(2), 2)
    pair = a * r_i + b * r_t
    return float(q @ (pair - a * m_i - b * m_t)) / float(np.linalg.norm(pair))


def half(row):
    """A row as it comes back from a file of the vector index."""
    return row.astype(np.float16).astype(np.float64)


def unit(row):
    """The row (dim,) at length 1."""
    return row / np.linalg.norm(row)


def stored(row):
    """An embedding as it comes back from the catalogue."""
    return unit(half(row))


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_copy_is_known_though_an_earlier_batch_replaced_its_original():
    history = History()
    try:
        history.first_run([(name, (255, 0, 9 * n), "") for n, name in enumerate(NAMES[:3])])
        history.copy(0, NAMES[4])
        for name in NAMES[:3]:  # two pictures are a batch: the copy is in the second one
            history.paint(name, (0, 0, 255))
        history.index(prune=False)
    finally:
        history.teardown()
