"""Projection of tower features into the shared space, by the heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, Rows, unit_rows
from indexer.encoders.mini.heads import (
    WORDS,
    class_branch,
    class_evidence,
    class_part_of_images,
    class_part_of_texts,
    class_probabilities,
    head,
    sense_part_of_texts,
    standardised,
)
from indexer.encoders.mini.hubness import aim, with_hubness
from indexer.encoders.mini.names import named


def means_of(weights: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Mean row of each modality, and the `HUB` row of queries, from the weights of heads."""
    known = {IMAGE: weights["mean.image"], TEXT: weights["mean.text"]}
    return known | aim(len(known[IMAGE]), weights)


def project_images(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Embed image features (n, 10064): heads' part, class part, zeros as sense part, hubness."""
    classes = class_part_of_images(class_probabilities(features), weights)
    no_sense = np.zeros((len(features), len(weights["sense.bias"])), np.float32)
    rows = np.hstack([heads_part_of_images(features, weights), classes, no_sense])
    return with_hubness(unit_rows(rows), IMAGE, weights)


def project_texts(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Embed text features (n, 768): heads' part, class part, sense part, hubness."""
    names = named(features[:, :WORDS], weights)
    heads = unit_rows(heads_part_of_texts(features, weights) + names.heads)
    classes = class_part_of_texts(features, weights, names)
    rows = np.hstack([heads, classes, sense_part_of_texts(features, weights)])
    return with_hubness(unit_rows(rows), TEXT, weights)


def heads_part_of_images(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Project image features (n, 10064) by the image head and the class branch."""
    projected = head(standardised(features, IMAGE, weights), IMAGE, weights)
    return unit_rows(projected + class_branch(class_evidence(features), weights))


def heads_part_of_texts(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Project text features (n, 768) by the text head."""
    return unit_rows(head(standardised(features, TEXT, weights), TEXT, weights))
