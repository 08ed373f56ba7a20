"""Extraction: decode and encode the captioned pictures of a data set, once; cached on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.captions import Caption, find_captions, united
from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.heads import SHOWN, TRUNK
from indexer.encoders.mini.tensors import WEIGHTS_SHA256
from indexer.encoders.mini.towers import Towers
from indexer.errors import DatasetError
from indexer.files import whole_file
from indexer.pictures.decoding import Decoded
from indexer.pictures.found import FoundPicture
from indexer.pictures.pool import DecodingPool
from indexer.pictures.scan import scan
from indexer.progress import Progress
from indexer.training.mini.features import MAP_SHAPE, Features, joined
from indexer.training.mini.sources import Source
from indexer.training.mini.views import view

BATCH = 64  # pictures


@dataclass(slots=True)
class ExtractedFeatures:
    """The result of `extract`; `failed` counts pictures that could not be read."""

    names: list[bytes] = field(default_factory=list)
    captions: list[tuple[str, ...]] = field(default_factory=list)
    features: Features | None = None
    failed: int = 0

    def texts(self) -> list[str]:
        """All captions, in the order in which the features number them."""
        return [text for own in self.captions for text in own]


def together(parts: Sequence[ExtractedFeatures]) -> ExtractedFeatures:
    """Join the pictures of several data sets."""
    return ExtractedFeatures(
        [name for part in parts for name in part.names],
        [texts for part in parts for texts in part.captions],
        joined([part.features for part in parts if part.features is not None]),
        sum(part.failed for part in parts),
    )


def extract(
    source: Source, towers: Towers, cache: Path, extracted: ExtractedFeatures, *, views: int = 1
) -> Iterator[Progress]:
    """Decode and encode a data set's captioned pictures; yields progress, fills `extracted`.

    `views`: the number of views (see `view`) of each picture. Features are cached until a file
    changes; the maps take 42 KB for each view of a picture. Raises `DatasetError` without
    captions.
    """
    folder, only = source.folder, source.names()
    pictures = [f for f in scan(folder) if isinstance(f, FoundPicture)]
    names = [f.relative for f in pictures]
    beside = find_captions(folder, names, explicit=source.captions).captions
    pictures = [f for f in pictures if only is None or f.relative in only]
    path = cache / "features" / f"{_key(folder, pictures, beside, views)}.npz"
    if not path.is_file():
        yield from _extract_to(path, folder, pictures, beside, towers, views)
    with np.load(path, allow_pickle=False) as stored:
        extracted.names = [bytes.fromhex(name) for name in stored["names"].tolist()]
        texts, counts = stored["captions"].tolist(), stored["counts"]
        ends = np.cumsum(counts)
        rows = [np.arange(end - n, end) for end, n in zip(ends, counts, strict=True)]
        extracted.captions = [tuple(texts[r[0] : r[-1] + 1]) for r in rows]
        extracted.failed = int(stored["failed"])
        maps = np.load(_maps(path), mmap_mode="r")
        places = np.column_stack([np.zeros_like(stored["places"]), stored["places"]])
        weights = np.full(len(rows), source.weight, np.float32)
        extracted.features = Features(stored["views"], [maps], places, rows, weights)


def _maps(path: Path) -> Path:
    return path.with_suffix(".maps.npy")


def _key(
    folder: Path,
    pictures: Sequence[FoundPicture],
    captions: Mapping[bytes, tuple[Caption, ...]],
    views: int,
) -> str:
    digest = hashlib.sha256(repr((str(folder), TRANSFORM, WEIGHTS_SHA256, views)).encode())
    for picture in pictures:
        facts = (picture, [caption.text for caption in captions.get(picture.relative, ())])
        digest.update(repr(facts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


def _extract_to(
    path: Path,
    folder: Path,
    pictures: Sequence[FoundPicture],
    beside: Mapping[bytes, tuple[Caption, ...]],
    towers: Towers,
    views: int,
) -> Iterator[Progress]:
    captions: dict[bytes, tuple[str, ...]] = {}
    failed = 0
    items = [(f.relative, os.path.join(os.fsencode(folder), f.relative)) for f in pictures]
    yield Progress(0, len(items))
    with (
        whole_file(_maps(path)) as unfinished,
        DecodingPool(TRANSFORM, None) as pool,
        closing(pool.decode_all(items)) as outcomes,
    ):
        store = _Store.in_file(unfinished, [f.relative for f in pictures], views)
        batch: list[Decoded] = []
        for done, outcome in enumerate(outcomes, start=1):
            if not isinstance(outcome, Decoded):
                failed += 1
            elif texts := _texts(outcome, beside):
                captions[_name(outcome)] = texts
                batch.append(outcome)
            if done % BATCH == 0 or done == len(items):
                store.put(batch, towers)
                batch = []
                yield Progress(done, len(items))
        if len(captions) < 2:
            raise DatasetError(
                f"{folder}: needs captioned pictures to train on, has {len(captions)}"
            )
    _write(path, store, captions, failed)


@dataclass(frozen=True, slots=True)
class _Store:
    """Arrays for the features of pictures: each picture at its place, in each view."""

    places: Mapping[bytes, int]
    features: NDArray[np.float16]
    maps: NDArray[np.float16]

    @classmethod
    def in_file(cls, file: Path, names: Sequence[bytes], views: int) -> _Store:
        """Allocate space for these pictures; the maps are in a file."""
        features = np.zeros((views, len(names), TRUNK + SHOWN), np.float16)
        maps = np.lib.format.open_memmap(file, "w+", np.float16, (views, len(names), *MAP_SHAPE))
        return cls({name: place for place, name in enumerate(names)}, features, maps)

    def put(self, batch: Sequence[Decoded], towers: Towers) -> None:
        """Encode and store all views of some pictures."""
        if not batch:
            return
        pixels, names = np.stack([d.pixels for d in batch]), [_name(d) for d in batch]
        at = [self.places[name] for name in names]
        for number in range(len(self.maps)):
            features, maps = towers.trunk_features(view(pixels, names, number))
            self.features[number, at], self.maps[number, at] = features, maps


def _texts(picture: Decoded, beside: Mapping[bytes, tuple[Caption, ...]]) -> tuple[str, ...]:
    """The captions beside a picture and in it."""
    captions = united(beside.get(_name(picture), ()), picture.content.captions)
    return tuple(caption.text for caption in captions)


def _write(
    path: Path,
    store: _Store,
    captions: Mapping[bytes, tuple[str, ...]],
    failed: int,
) -> None:
    names = sorted(captions)
    flat = [text for name in names for text in captions[name]]
    places = np.array([store.places[name] for name in names])
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            names=np.array([name.hex() for name in names]),
            captions=np.array(flat),
            counts=np.array([len(captions[name]) for name in names]),
            views=store.features[:, places],
            places=places,
            failed=failed,
        )


def _name(decoded: Decoded) -> bytes:
    assert isinstance(decoded.key, bytes)
    return decoded.key
