"""Cached features of the pictures of a captioned data set, from which heads and tails learn."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.captions import Caption, find_captions, united
from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.heads import CLASSES, TRUNK
from indexer.encoders.mini.towers import GRAPHS, Towers
from indexer.errors import DatasetError
from indexer.files import whole_file
from indexer.pictures.decoding import Decoded
from indexer.pictures.pool import DecodingPool
from indexer.pictures.scan import FoundPicture, scan
from indexer.progress import Progress
from indexer.training.mini.views import view

BATCH = 64  # pictures
MAP_SHAPE = (208, 9, 9)  # of a picture, as a tail reads it
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Features:
    """Output of the trunk for captioned pictures.

    `views`: float16 (k, n, 6504) for k views of n pictures, the first being the unchanged picture;
    (k, n, 9064) once the output of a tail is included. `maps`: input of a tail, float16
    (k, N, 208, 9, 9), on disk; those of picture i are at `places[i]`. `captions[i]`: the places of
    its captions among the m captions of the data set.
    """

    views: NDArray[np.float16]
    maps: NDArray[np.float16]
    places: Ints
    captions: list[Ints]

    def owners(self) -> Ints:
        """The picture of each caption, in the order of `captions`, shape (m,)."""
        return np.repeat(np.arange(len(self.captions)), [len(c) for c in self.captions])

    def all_captions(self) -> Ints:
        """The captions in the order of `owners`, shape (m,)."""
        return np.concatenate(self.captions)

    def subset(self, mask: NDArray[np.bool_]) -> Features:
        """The features of the pictures in a mask (n,)."""
        captions = [rows for rows, keep in zip(self.captions, mask, strict=True) if keep]
        return Features(self.views[:, mask], self.maps, self.places[mask], captions)


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


def extract(
    folder: Path,
    towers: Towers,
    cache: Path,
    extracted: ExtractedFeatures,
    *,
    only: Collection[bytes] | None = None,
    captions: Sequence[Path] = (),
    views: int = 1,
) -> Iterator[Progress]:
    """Decode and encode a data set's captioned pictures; yields progress, fills `extracted`.

    `views`: the number of views (see `view`) of each picture. Features are cached until a file
    changes; the maps take 34 KB for each view of a picture. Raises `DatasetError` without
    captions.
    """
    pictures = [f for f in scan(folder) if isinstance(f, FoundPicture)]
    beside = find_captions(folder, [f.relative for f in pictures], explicit=captions).captions
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
        extracted.features = Features(stored["views"], maps, stored["places"], rows)


def _maps(path: Path) -> Path:
    return path.with_suffix(".maps.npy")


def _key(
    folder: Path,
    pictures: Sequence[FoundPicture],
    captions: Mapping[bytes, tuple[Caption, ...]],
    views: int,
) -> str:
    digest = hashlib.sha256(repr((str(folder), TRANSFORM, GRAPHS, views)).encode())
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
        features = np.zeros((views, len(names), TRUNK + CLASSES), np.float16)
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
