"""What is made of trained heads in the end: fewer directions, and beside them the other parts.

Nothing here is learned from pairs; it is worked out from features and rows as they are.
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
SPREAD_KEPT = 0.3  # of the mean spread, added to all: no direction counts without end
GATE_RIDGE = 0.1  # the same, for the gate
CODES_KEPT, EVENNESS = 0.1, 0.2  # the same, for codes; how far directions are made as long: 0.5 all
CENTRES, FEW, ROUNDS = 768, 16, 15  # of questions; questions for each at least; of k-means
NAMES_COUNT = 0.4  # μ: how much nearness to what names of classes have in common is hubness
STEEPNESS = 10.0  # of the gate, by the distance from captions to class names


class Kinds(NamedTuple):
    """Hypernyms of classes: features (n, 384) of what they are called, and whose, 0/1 (n, 1000)."""

    texts: Array
    classes: Array


class Vocabulary(NamedTuple):
    """What texts may name besides the classes: what these are kinds of, and words of captions.

    `words` are text features (m, 384); `said` (m, n) is how many captions of each of the n
    training pictures say a word.
    """

    kinds: Kinds
    words: Array
    said: Array


NO_KINDS = Kinds(np.zeros((0, WORDS), np.float32), np.zeros((0, CLASSES), np.float32))
NO_NAMES = Vocabulary(NO_KINDS, np.zeros((0, WORDS), np.float32), np.zeros((0, 0), np.float32))


def narrowed(weights: Mapping[str, Array], rows: Array, width: int) -> dict[str, Array]:
    """Heads whose space is the `width` directions that carry most of `rows` (n, d).

    They are folded into the last matrices of the heads: nothing is computed twice.
    """
    directions = _turned(np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :width])
    turned = [
        f"{side}.{name}" for side in ("image", "text") for name in ("linear", "bias", "outer")
    ]
    return {**weights, **{name: weights[name] @ directions for name in (*turned, "classes")}}


def class_part(
    class_texts: Array, captions: Array, width: int, kinds: Kinds = NO_KINDS
) -> dict[str, Array]:
    """The tensors of the class part, of text features: classes (k, 1000, 384), captions (m, 384).

    Projected are the directions in which the classes differ most, measured by how much the k
    wordings of one class differ in them (as in linear discriminant analysis); the code of a class
    is the mean of its wordings, projected. Directions that many codes share are shortened, so that
    classes which look alike do not answer for each other. What several classes are ("vehicle") has
    the mean of their codes.
    """
    centre = class_texts.mean((0, 1))
    between = class_texts.mean(0) - centre  # (1000, 384)
    within = (class_texts - class_texts.mean(0)).reshape(-1, WORDS)
    whiten = _evened(within.T @ within / len(within), SPREAD_KEPT, 0.5)
    whitened = unit_rows(between @ whiten)
    linear = whiten @ _turned(np.linalg.svd(whitened, full_matrices=False)[2][:width].T)
    codes = unit_rows(between @ linear)
    even = _evened(codes.T @ codes / len(codes), CODES_KEPT, EVENNESS)
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


def word_part(texts: Array, said: Array, heads: Rows, classes: Rows) -> dict[str, Array]:
    """The tensors of words, of their text features (m, 384): what their pictures have in common.

    `said` (m, n): how many captions of each picture say a word; `heads` (n, d) and `classes`
    (n, c): the two parts of the pictures' rows. A word has the mean of its pictures, seen from
    that of all.
    """
    share = said / np.maximum(said.sum(axis=1, keepdims=True), 1)
    found = [unit_rows(share @ (rows - rows.mean(axis=0))) for rows in (heads, unit_rows(classes))]
    return {"words.names": unit_rows(texts), "words.heads": found[0], "words.classes": found[1]}


def sense_part(captions: Array, width: int) -> dict[str, Array]:
    """The tensors of the sense part, of text features (m, 384): what captions differ in most."""
    middle = captions.mean(0)
    apart = captions - middle
    linear = _turned(np.linalg.eigh(apart.T @ apart)[1][:, ::-1][:, :width])
    return {"sense.linear": linear, "sense.bias": (-middle @ linear).astype(np.float32)}


def hub_part(captions: Rows, names: Rows, others: tuple[Rows, Rows]) -> dict[str, Array]:
    """The tensors of hubness, of rows (m, v) without it.

    The questions are captions, by their centres, and names of classes. What is near to one name is
    what that name asks for, and no hub: only the mean `n` of the names counts, and the hubness of
    a row `v` is `h(v) + μ n v`, which is what centres tell that are all moved by `μ n`. `others`
    tell what hubness is usual: pictures and captions that the heads do not know.
    """
    mean = {TEXT: captions.mean(0)}
    centres, share = _centres(centred_query(captions, TEXT, mean))
    bank = centres + NAMES_COUNT * centred_query(names, TEXT, mean).mean(0)
    usual = np.array([[hubness(rows, bank, share).mean()] for rows in others], np.float32)
    taken = {"hub.usual": usual, "hub.counts": counts(COUNTS)}
    return {"hub.bank": bank, "hub.share": share} | taken


def _centres(asked: Rows) -> tuple[Array, Array]:
    """The centres (k, v) of questions by k-means, and the share of the questions around each."""
    number = max(1, min(CENTRES, len(asked) // FEW))
    means: Any = faiss.Kmeans(
        asked.shape[1],
        number,
        niter=ROUNDS,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=len(asked),
    )
    means.train(asked)
    centres: Array = means.centroids
    nearest = np.argmin((centres * centres).sum(axis=1) / 2 - asked @ centres.T, axis=1)
    around = np.bincount(nearest, minlength=number).clip(1)
    return centres, (around / around.sum()).astype(np.float32)


def _turned(directions: NDArray[np.floating]) -> Array:
    """The same space (n, k) in columns that are all alike, by a fixed rotation.

    Else the last would hold hardly more than noise, which is as loud as the first for whoever
    standardises columns or multiplies them one by one, as tag heads and learned fusions do.
    """
    width = directions.shape[1]
    normal = np.random.default_rng(0).normal(size=(width, width))
    turned: Array = (directions @ np.linalg.qr(normal)[0]).astype(np.float32)
    return turned


def _gate(captions: Array, names: Array) -> tuple[Array, float]:
    """What tells names of classes from captions: weights (384,) and bias of a logistic function.

    The direction is Fisher's, by the spread of both together; halfway between them the gate is half
    open.
    """
    means = [captions.mean(0), names.mean(0)]
    middle, apart = (means[0] + means[1]) / 2, means[1] - means[0]
    both = [rows - middle for rows in (captions, names)]
    spread = sum(rows.T @ rows / len(rows) for rows in both) / 2
    direction = np.linalg.solve(_regular(spread, GATE_RIDGE), apart / 2)
    return (STEEPNESS * direction).astype(np.float32), -STEEPNESS * float(middle @ direction)


def _evened(spread: NDArray[np.floating], kept: float, power: float) -> Array:
    """The symmetric matrix (n, n) that shortens directions by a power of their spread."""
    values, axes = np.linalg.eigh(_regular(spread, kept))
    evened: Array = axes * values**-power @ axes.T * np.mean(values) ** power
    return evened


def _regular(spread: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """A covariance (n, n) with a share of its mean variance added in every direction."""
    regular: NDArray[np.floating] = spread + share * np.trace(spread) / len(spread) * np.eye(
        len(spread), dtype=np.float32
    )
    return regular
