"""Evaluation: recall@k of text to image and image to text, and picture to class name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.database import is_vacant
from indexer.encoders import IMAGE, TEXT, Encoder, Rows, load_encoder, unit_rows
from indexer.errors import DatasetError
from indexer.fusion import DEFAULT_WEIGHT, Fusion, open_fusion
from indexer.settings import cache_directory
from indexer.training.datasets import ClassText, Labels
from indexer.training.recall import figures, ranks
from search.ranking import StoredRows, scores

Ints = NDArray[np.int64]
QUERIES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Embeddings of a captioned data set.

    `v_i` (n, d) of its pictures; `v_t` (m, d) of their captions, in the order of the pictures;
    `owners` (m,) the picture of each caption; `means` of the encoder by modality.
    """

    v_i: Rows
    v_t: Rows
    owners: Ints
    means: Mapping[str, NDArray[np.float32]]

    @property
    def first(self) -> Ints:
        """The first caption of each picture, as rows of `v_t`."""
        return np.unique(self.owners, return_index=True)[1].astype(np.int64)

    @property
    def others(self) -> Ints:
        """All captions but the first ones."""
        return np.setdiff1d(np.arange(len(self.owners)), self.first)


@dataclass(frozen=True, slots=True)
class Trial:
    """One ranking task: which pictures are indexed how, and which captions ask."""

    fusion: Fusion
    weight: float
    has_caption: NDArray[np.bool_]
    queries: Ints


def evaluation_library(
    folder: Path,
    only: Collection[bytes] | None,
    *,
    encoder: str,
    cache: Path | None = None,
    offline: bool = False,
) -> Library:
    """The library that holds a data set's embeddings, in the cache: a second look is quick."""
    cache = cache or cache_directory()
    made = load_encoder(encoder, cache=cache, offline=offline)
    parts = [os.fsencode(folder), made.fingerprint.encode(), *sorted(only or ())]
    path = cache / "evaluate" / hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    if is_vacant(path):
        return Library.create(path, encoder=encoder, offline=offline, cache=cache)
    return Library.open(path, offline=offline, cache=cache)


def read_embeddings(library: Library) -> Evaluated:
    """What a library knows of its captioned pictures. Raises `DatasetError` without captions."""
    catalogue = library.catalogue
    ids = catalogue.present_ids()
    dim = library.settings.dim
    owners, v_t = library.embeddings.caption_embeddings(library.encoder_id, dim, ids)
    captioned = sorted(set(owners.tolist()))
    if len(captioned) < 2:
        raise DatasetError(
            f"{library.catalogue.folders()[0].path}: needs at least two captioned pictures, has "
            f"{len(captioned)}; put captions beside the pictures or name them with --captions"
        )
    found = library.embedded(captioned)
    position = {int(key): n for n, key in enumerate(found.ids)}
    lined_up = np.array([position[owner] for owner in owners.tolist()], dtype=np.int64)
    order = np.argsort(lined_up, kind="stable")
    return Evaluated(found.v_i, v_t[order], lined_up[order], library.encoder.means)


def evaluate_captions(data: Evaluated, fusions: Sequence[str]) -> dict[str, Any]:
    """Figures of the three protocols.

    "picture" asks with every caption and ranks by the picture alone; "caption" and "fused" index
    the first caption of each picture and ask with the others.
    """
    every = np.arange(len(data.owners))
    all_captioned = np.ones(len(data.v_i), np.bool_)
    concat = open_fusion("concat")
    alone = Trial(concat, 1.0, all_captioned, every)
    protocols: dict[str, Any] = {
        "picture": {
            "text_to_image": figures(trial_ranks(data, alone)),
            "image_to_text": figures(image_to_text_ranks(data)),
        }
    }
    if len(data.others):
        caption = Trial(concat, 0.0, all_captioned, data.others)
        protocols["caption"] = {"text_to_image": figures(trial_ranks(data, caption))}
        protocols["fused"] = {
            name: {
                "text_to_image": figures(
                    trial_ranks(
                        data, Trial(open_fusion(name), DEFAULT_WEIGHT, all_captioned, data.others)
                    )
                )
            }
            for name in fusions
        }
    return {"pictures": len(data.v_i), "protocols": protocols}


def evaluate_without_captions(data: Evaluated, share: float, fusion: str) -> dict[str, Any]:
    """How fairly pictures without a caption rank beside pictures with one.

    A share of the pictures loses its caption. `lost` are the queries for these, compared with
    `lost_reference`: captions off for all; `kept` are the others, compared with all captioned.
    """
    random = np.random.default_rng(0)
    has_caption = np.ones(len(data.v_i), np.bool_)
    has_caption[random.permutation(len(data.v_i))[: round(share * len(data.v_i))]] = False
    kept = has_caption[data.owners[data.others]]
    everyone, nobody = np.ones_like(has_caption), np.zeros_like(has_caption)
    strategy = open_fusion(fusion)

    def found(captions: NDArray[np.bool_]) -> Ints:
        return trial_ranks(data, Trial(strategy, DEFAULT_WEIGHT, captions, data.others))

    mixed, full, off = found(has_caption), found(everyone), found(nobody)
    parts = {
        "lost": figures(mixed[~kept]),
        "lost_reference": figures(off[~kept]),
        "kept": figures(mixed[kept]),
        "kept_reference": figures(full[kept]),
    }
    ratios = {
        f"{side}_ratio": round(parts[side]["r@10"] / max(parts[f"{side}_reference"]["r@10"], 1), 3)
        for side in ("lost", "kept")
    }
    return {"share": share, "fusion": fusion, **parts, **ratios}


def trial_ranks(data: Evaluated, trial: Trial) -> Ints:
    """Rank of the right picture for each query of a trial, by the scores of a search."""
    v_t = data.v_t[data.first]
    rows = trial.fusion.pictures(data.v_i, v_t, trial.has_caption)
    stored = StoredRows.of(rows, trial.has_caption, trial.fusion, data.means)
    q = centred(data.v_t[trial.queries], stored.centres.means.get(TEXT))
    owners = data.owners[trial.queries]
    candidates = np.arange(len(data.v_i))
    parts = [
        ranks(
            scores(stored, q[at : at + QUERIES_AT_ONCE], trial.weight),
            owners[at : at + QUERIES_AT_ONCE, None] == candidates,
        )
        for at in range(0, len(q), QUERIES_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def image_to_text_ranks(data: Evaluated) -> Ints:
    """Rank of the best caption of its own for each picture, among all captions."""
    q = centred(data.v_i, data.means.get(IMAGE))
    return ranks(q @ data.v_t.T, np.arange(len(data.v_i))[:, None] == data.owners)


def centred(rows: Rows, mean: NDArray[np.float32] | None) -> Rows:
    """Unit rows with the mean of their modality taken off, unit length again."""
    return rows if mean is None else unit_rows(rows - mean)


def evaluate_classes(
    v_i: Rows, labels: Sequence[str], classes: Sequence[ClassText], encoder: Encoder
) -> dict[str, Any]:
    """Picture to class name: how often the right class is first, or among five, in per cent.

    `labels`: the class name of each row of `v_i`; two classes of one name count as one.
    """
    missing = set(labels) - {name for name, _ in classes}
    if missing:
        raise DatasetError(
            f"{len(missing)} labels are not among the classes, such as {min(missing)!r}; "
            "name a file of classes that holds them with --classes FILE"
        )
    t = encoder.encode_texts([text for _, text in classes])
    q = centred(v_i, encoder.means.get(IMAGE))
    names = np.array([name for name, _ in classes])
    top = figures(ranks(q @ t.T, np.array(labels)[:, None] == names), (1, 5))
    kinds = len(set(names.tolist()))
    return {"pictures": len(v_i), "classes": kinds, "top1": top["r@1"], "top5": top["r@5"]}


def labelled_embeddings(library: Library, labels: Labels) -> tuple[Rows, list[str]]:
    """Embeddings of the labelled pictures that could be read, and their labels."""
    catalogue = library.catalogue
    (folder,) = catalogue.folders()
    known = catalogue.known_pictures(folder.id)
    wanted = {known[name].id: label for name, label in labels.labels if name in known}
    found = library.embedded(sorted(wanted))
    return found.v_i, [wanted[int(key)] for key in found.ids]
