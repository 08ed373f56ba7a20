"""Features of both towers for a captioned data set, cached: the heads are trained on these."""

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
from indexer.decoded import Decoded
from indexer.decoding import DecodingPool
from indexer.encoders.mini import TRANSFORM, Towers
from indexer.errors import DatasetError
from indexer.images import FoundPicture, scan
from indexer.report import Progress
from indexer.training.align import Features

BATCH = 64


@dataclass(slots=True)
class Extracted:
    """What `extract` has found so far; `failed` counts pictures that could not be read."""

    names: list[bytes] = field(default_factory=list)
    captions: list[tuple[str, ...]] = field(default_factory=list)
    features: Features | None = None
    failed: int = 0


def extract(
    folder: Path,
    towers: Towers,
    cache: Path,
    extracted: Extracted,
    *,
    only: Collection[bytes] | None = None,
    captions: Sequence[Path] = (),
    mirrored: bool = False,
) -> Iterator[Progress]:
    """Decode and encode a data set's captioned pictures; yields progress, fills `extracted`.

    `mirrored` adds a second view of each picture, turned left to right. What was extracted once
    is read from the cache as long as no file changed. Raises `DatasetError` without captions.
    """
    found = [f for f in scan(folder) if isinstance(f, FoundPicture)]
    beside = find_captions(folder, [f.relative for f in found], explicit=captions).captions
    chosen = [f for f in found if only is None or f.relative in only]
    path = cache / "features" / f"{_key(folder, chosen, beside, mirrored)}.npz"
    if not path.is_file():
        yield from _extract_to(path, folder, chosen, beside, towers, mirrored)
    with np.load(path, allow_pickle=False) as stored:
        extracted.names = [bytes.fromhex(name) for name in stored["names"].tolist()]
        texts, counts = stored["captions"].tolist(), stored["counts"]
        ends = np.cumsum(counts)
        rows = [np.arange(end - n, end) for end, n in zip(ends, counts, strict=True)]
        extracted.captions = [tuple(texts[r[0] : r[-1] + 1]) for r in rows]
        extracted.failed = int(stored["failed"])
        extracted.features = Features(
            stored["images"].astype(np.float32),
            stored["texts"],
            rows,
            stored["mirrored"].astype(np.float32) if mirrored else None,
        )


def _key(
    folder: Path,
    chosen: Sequence[FoundPicture],
    captions: Mapping[bytes, tuple[Caption, ...]],
    mirrored: bool,
) -> str:
    digest = hashlib.sha256(repr((str(folder), TRANSFORM, mirrored)).encode())
    for picture in chosen:
        facts = (picture, [caption.text for caption in captions.get(picture.relative, ())])
        digest.update(repr(facts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


def _extract_to(
    path: Path,
    folder: Path,
    chosen: Sequence[FoundPicture],
    beside: Mapping[bytes, tuple[Caption, ...]],
    towers: Towers,
    mirrored: bool,
) -> Iterator[Progress]:
    rows: dict[bytes, list[NDArray[np.float16]]] = {}
    captions: dict[bytes, tuple[str, ...]] = {}
    failed = 0
    items = [(f.relative, os.path.join(os.fsencode(folder), f.relative)) for f in chosen]
    yield Progress(0, len(items))
    with DecodingPool(TRANSFORM, None) as pool, closing(pool.decode_all(items)) as outcomes:
        batch: list[Decoded] = []
        for done, outcome in enumerate(outcomes, start=1):
            if isinstance(outcome, Decoded):
                key = _name(outcome)
                texts = tuple(c.text for c in united(beside.get(key, ()), outcome.captions))
                captions |= {key: texts} if texts else {}
                batch += [outcome] if texts else []
            else:
                failed += 1
            if len(batch) == BATCH or done == len(items):
                rows |= _encoded(batch, towers, mirrored)
                batch = []
                yield Progress(done, len(items))
    names = sorted(rows)
    if len(names) < 2:
        raise DatasetError(f"{folder}: needs captioned pictures to train on, has {len(names)}")
    flat = [text for name in names for text in captions[name]]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.npz")  # an interrupt leaves no half of a file
    np.savez(
        temporary,
        names=np.array([name.hex() for name in names]),
        captions=np.array(flat),
        counts=np.array([len(captions[name]) for name in names]),
        images=np.stack([rows[name][0] for name in names]),
        mirrored=np.stack([rows[name][-1] for name in names]) if mirrored else np.zeros(0),
        texts=towers.text_features(flat),
        failed=failed,
    )
    temporary.replace(path)


def _encoded(
    batch: Sequence[Decoded], towers: Towers, mirrored: bool
) -> dict[bytes, list[NDArray[np.float16]]]:
    """Features of each picture of a batch, then those of its mirror image if asked for."""
    if not batch:
        return {}
    pixels = np.stack([decoded.pixels for decoded in batch])
    views = [pixels, pixels[:, :, ::-1]] if mirrored else [pixels]
    features = [towers.image_features(view).astype(np.float16) for view in views]
    return {_name(decoded): [rows[n] for rows in features] for n, decoded in enumerate(batch)}


def _name(decoded: Decoded) -> bytes:
    assert isinstance(decoded.key, bytes)
    return decoded.key
