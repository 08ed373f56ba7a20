"""The final tensors of trained heads: fewer directions, and the other parts beside them.

Nothing here is trained on pairs; everything is computed from features and rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.embedding import TEXT, Rows, centred_query, unit_rows
from indexer.encoders.mini.heads import CLASSES, POWER, WORDS
from indexer.encoders.mini.hubness import COUNTS, counts, hubness

Array = NDArray[np.float32]
SPREAD_RIDGE = 0.3  # share of the mean spread added to all, so that no direction counts too much
GATE_RIDGE = 0.1  # the same, for the gate
CODES_RIDGE, EVENNESS = 0.1, 0.2  # the same, for codes; exponent: 0.5 makes directions equally long
QUERY_CENTRES, QUERIES_PER_CENTRE = 768, 16  # at most; at least
KMEANS_ROUNDS = 15
NAMES_WEIGHT = 0.4  # μ: weight of nearness to the mean of class names in hubness
STEEPNESS = 10.0  # of the gate, by the distance from captions to class names


class Kinds(NamedTuple):
    """Hypernyms of classes: features (n, 384) of their names, and their classes, 0/1 (n, 1000)."""

    texts: Array
    classes: Array


class Vocabulary(NamedTuple):
    """Things that texts may name besides the classes: hypernyms of these, and words of captions.

    `words` are text features (m, 384); `mentions` (m, n): the number of captions of each of the n
    training pictures that contain a word.
    """

    kinds: Kinds
    words: Array
    mentions: Array


NO_KINDS = Kinds(np.zeros((0, WORDS), np.float32), np.zeros((0, CLASSES), np.float32))
NO_NAMES = Vocabulary(NO_KINDS, np.zeros((0, WORDS), np.float32), np.zeros((0, 0), np.float32))


def narrow(weights: Mapping[str, Array], rows: Array, width: int) -> dict[str, Array]:
    """Reduce the space of heads to the `width` directions that carry most of `rows` (n, d).

    The projection is folded into the last matrices of the heads, so it costs nothing.
    """
    directions = _rotate(np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :width])
    projected = [
        f"{side}.{name}" for side in ("image", "text") for name in ("linear", "bias", "outer")
    ]
    return {**weights, **{name: weights[name] @ directions for name in (*projected, "classes")}}


def class_part(
    class_texts: Array, captions: Array, width: int, kinds: Kinds = NO_KINDS
) -> dict[str, Array]:
    """The tensors of the class part, of text features: classes (k, 1000, 384), captions (m, 384).

    The projection is onto the directions in which the classes differ most, relative to how much
    the k wordings of one class differ (as in linear discriminant analysis); the code of a class is
    the projected mean of its wordings. Directions that many codes share are shortened, so that
    similar classes do not stand for each other. The code of a hypernym ("vehicle") is the mean of
    its classes' codes.
    """
    centre = class_texts.mean((0, 1))
    between = class_texts.mean(0) - centre  # (1000, 384)
    within = (class_texts - class_texts.mean(0)).reshape(-1, WORDS)
    whiten = _evening_matrix(within.T @ within / len(within), SPREAD_RIDGE, 0.5)
    whitened = unit_rows(between @ whiten)
    linear = whiten @ _rotate(np.linalg.svd(whitened, full_matrices=False)[2][:width].T)
    codes = unit_rows(between @ linear)
    even = _evening_matrix(codes.T @ codes / len(codes), CODES_RIDGE, EVENNESS)
    linear, codes = linear @ even, unit_rows(codes @ even)
    gate, bias = _gate(captions, class_texts.reshape(-1, WORDS))
    tensors = {
        "class.codes": codes,
        "class.linear": linear,
        "class.bias": -centre @ linear,
        "class.gate": gate[:, None],
        "class.gate_bias": np.array([bias]),
        "class.power": np.array([POWER]),
        "class.names": unit_rows(np.concatenate([class_texts.mean(0), kinds.texts])),
        "class.named": unit_rows(np.concatenate([codes, kinds.classes @ codes])),
    }
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def word_part(texts: Array, mentions: Array, heads: Rows, classes: Rows) -> dict[str, Array]:
    """The tensors of words, of their text features (m, 384): the means of their pictures.

    `mentions` (m, n): the number of captions of each picture that contain a word; `heads` (n, d)
    and `classes` (n, c): the two parts of the pictures' rows. Means are relative to that of all
    pictures.
    """
    share = mentions / np.maximum(mentions.sum(axis=1, keepdims=True), 1)
    means = [unit_rows(share @ (rows - rows.mean(axis=0))) for rows in (heads, unit_rows(classes))]
    return {"words.names": unit_rows(texts), "words.heads": means[0], "words.classes": means[1]}


def sense_part(captions: Array, width: int) -> dict[str, Array]:
    """The tensors of the sense part: the directions in which captions (m, 384) differ most."""
    middle = captions.mean(0)
    apart = captions - middle
    linear = _rotate(np.linalg.eigh(apart.T @ apart)[1][:, ::-1][:, :width])
    return {"sense.linear": linear, "sense.bias": (-middle @ linear).astype(np.float32)}


def hub_part(captions: Rows, names: Rows, others: tuple[Rows, Rows]) -> dict[str, Array]:
    """The tensors of hubness, of rows (m, v) without it.

    The queries are captions, through their centres, and names of classes. A row near one name is
    simply an answer to it, and no hub: so only the mean `n` of the names counts, and the hubness
    of a row `v` is `h(v) + μ n v`. Moving all centres by `μ n` amounts to the same. `others`,
    pictures and captions that the heads do not know, give the usual hubness.
    """
    mean = {TEXT: captions.mean(0)}
    centres, share = _centres(centred_query(captions, TEXT, mean))
    bank = centres + NAMES_WEIGHT * centred_query(names, TEXT, mean).mean(0)
    usual = np.array([[hubness(rows, bank, share).mean()] for rows in others], np.float32)
    scaling = {"hub.usual": usual, "hub.counts": counts(COUNTS)}
    return {"hub.bank": bank, "hub.share": share} | scaling


def _centres(queries: Rows) -> tuple[Array, Array]:
    """The centres (k, v) of queries by k-means, and the share of the queries around each."""
    number = max(1, min(QUERY_CENTRES, len(queries) // QUERIES_PER_CENTRE))
    means: Any = faiss.Kmeans(
        queries.shape[1],
        number,
        niter=KMEANS_ROUNDS,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=len(queries),
    )
    means.train(queries)
    centres: Array = means.centroids
    nearest = np.argmin((centres * centres).sum(axis=1) / 2 - queries @ centres.T, axis=1)
    around = np.bincount(nearest, minlength=number).clip(1)
    return centres, (around / around.sum()).astype(np.float32)


def _rotate(directions: NDArray[np.floating]) -> Array:
    """Rotate a space (n, k), always in the same way, so that all columns carry equally much.

    Otherwise the last columns would hold little but noise, and tag heads and learned fusions,
    which standardise columns or multiply them one by one, would make it as loud as the first.
    """
    width = directions.shape[1]
    normal = np.random.default_rng(0).normal(size=(width, width))
    rotated: Array = (directions @ np.linalg.qr(normal)[0]).astype(np.float32)
    return rotated


def _gate(captions: Array, names: Array) -> tuple[Array, float]:
    """Weights (384,) and bias of the logistic function that tells class names from captions.

    The direction is Fisher's, from the spread of both together; halfway between them the gate is
    half open.
    """
    means = [captions.mean(0), names.mean(0)]
    middle, apart = (means[0] + means[1]) / 2, means[1] - means[0]
    both = [rows - middle for rows in (captions, names)]
    spread = sum(rows.T @ rows / len(rows) for rows in both) / 2
    direction = np.linalg.solve(_add_ridge(spread, GATE_RIDGE), apart / 2)
    return (STEEPNESS * direction).astype(np.float32), -STEEPNESS * float(middle @ direction)


def _evening_matrix(spread: NDArray[np.floating], share: float, power: float) -> Array:
    """The symmetric matrix (n, n) that shortens each direction by a power of its spread."""
    values, axes = np.linalg.eigh(_add_ridge(spread, share))
    matrix: Array = axes * values**-power @ axes.T * np.mean(values) ** power
    return matrix


def _add_ridge(spread: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """Add a share of the mean variance of a covariance (n, n) to every direction."""
    regular: NDArray[np.floating] = spread + share * np.trace(spread) / len(spread) * np.eye(
        len(spread), dtype=np.float32
    )
    return regular
