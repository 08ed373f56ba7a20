"""A library of the built-in encoder with many pictures that were never anywhere.

Their embeddings are mixtures of those of real sentences, so that scores spread as they do in a
library of photographs; every other picture has a caption. Nothing is decoded and only the
sentences are encoded, so 100,000 pictures take a minute.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.captions import Caption
from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.changes.pictures import PictureFacts
from indexer.catalogue.lookup.contents import ContentFacts
from indexer.catalogue.values import SCHEMA, text_hash
from indexer.embedding import IMAGE, TEXT, Rows, unit_rows
from indexer.encoders import Encoder, load_encoder
from indexer.locations import cache_directory

BATCH = 5_000
FOLDERS = 100
MIXED = 3  # sentences in a picture
NOISE = 0.5  # its length, beside that of the mixture
_WHO = ("a brown dog", "two children", "an old man", "a red boat", "a white horse", "some birds",
        "a woman in blue", "a football team")  # fmt: skip
_DOES = ("running", "resting", "jumping", "waiting", "playing", "moving slowly")
_WHERE = ("on a beach", "in the snow", "in a busy street", "beside a lake", "on a green meadow",
          "in front of a house", "below a bridge", "in a forest")  # fmt: skip
SENTENCES = [" ".join(words) for words in product(_WHO, _DOES, _WHERE)]
QUESTIONS = ("a dog in the snow", "children playing at the sea", "a boat on calm water",
             "people waiting for a train", "a horse on a meadow")  # fmt: skip


def many_pictures(count: int) -> Path:
    """The library of `count` pictures in the user's cache, made where it is not there yet."""
    room = cache_directory() / "benchmarks"
    encoder = load_encoder("mini", offline=True)
    ready = room / f"many-{count}-{SCHEMA}-{encoder.fingerprint[:12]}"
    if not ready.exists():
        making = room / f"making-{count}-{os.getpid()}"
        room.mkdir(parents=True, exist_ok=True)
        try:
            with Library.create(making, offline=True) as library:
                _fill(library, count)
            making.rename(ready)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return ready


def _fill(library: Library, count: int) -> None:
    """Store pictures in batches, then write the vector index."""
    mixer = _Mixer(library.encoder)
    with library.writing() as batch:
        folder = batch.folders.put(Path("/pictures"))
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        with library.writing() as batch:
            _store(batch, library.encoder_id, folder, numbers, mixer)
    library.save_vectors()


def _store(
    batch: Batch, encoder_id: int, folder: int, numbers: Sequence[int], mixer: _Mixer
) -> None:
    hashes = [content_hash(number) for number in numbers]
    said = {number: f"{mixer.sentence(number)}, number {number}" for number in numbers[::2]}
    for number, content in zip(numbers, hashes, strict=True):
        facts = PictureFacts(
            relative=f"{number % FOLDERS:02}/{number:07}.jpg".encode(),
            size=number + 1,
            mtime_ns=1,
            content_hash=content,
            content=ContentFacts(4000, 3000, "JPEG"),
        )
        (key,) = batch.pictures.put(folder, [facts])
        if number in said:
            captions = {key: [Caption(said[number], "made")]}
            batch.pictures.put_captions(captions, embedded=False)
    images, texts = mixer.rows(len(numbers))
    batch.embeddings.put(encoder_id, IMAGE, hashes, images)
    words = [text_hash(text) for text in said.values()]
    batch.embeddings.put(encoder_id, TEXT, words, texts[: len(words)])


def content_hash(number: int) -> bytes:
    """The hash of the bytes of picture `number`, which nobody has."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


class _Mixer:
    """Embeddings of pictures and captions, mixed from those of sentences."""

    def __init__(self, encoder: Encoder) -> None:
        self._mean = {modality: encoder.means[modality] for modality in (IMAGE, TEXT)}
        self._centred = unit_rows(encoder.encode_texts(SENTENCES) - self._mean[TEXT])
        self._random = np.random.default_rng(1)

    def sentence(self, number: int) -> str:
        return SENTENCES[number % len(SENTENCES)]

    def rows(self, count: int) -> tuple[Rows, Rows]:
        """`v_i` and `v_t` of as many pictures, (count, dim) each."""
        chosen = self._random.integers(len(SENTENCES), size=(count, MIXED))
        shares = self._random.dirichlet(np.ones(MIXED), count).astype(np.float32)
        mixed = unit_rows(np.einsum("nm,nmd->nd", shares, self._centred[chosen]))
        return self._of(mixed, IMAGE), self._of(mixed, TEXT)

    def _of(self, mixed: Rows, modality: str) -> Rows:
        noise = unit_rows(self._random.standard_normal(mixed.shape, np.float32))
        return unit_rows(self._mean[modality] + _spread(self._mean[modality], mixed, noise))


def _spread(mean: NDArray[np.float32], mixed: Rows, noise: Rows) -> Rows:
    """What is added to the mean row of a modality, so that the sum has about unit length."""
    length = np.sqrt(max(1 - float(mean @ mean), 0.1))
    return np.asarray(length * unit_rows(mixed + NOISE * noise), dtype=np.float32)
