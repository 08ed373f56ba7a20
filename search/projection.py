"""Projections: embeddings as points on a plane, near ones near each other."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.errors import InputError

METHODS = ("auto", "pca", "umap")
NEIGHBOURS = 15  # of each picture that UMAP keeps near; fewer pictures are projected by PCA
Points = NDArray[np.float32]


def method_of(named: str) -> str:
    """The named method; "auto" is UMAP if `umap-learn` is installed. Raises `InputError`."""
    installed = find_spec("umap") is not None
    if named == "umap" and not installed:
        raise InputError("umap is not installed; run 'pip install umap-learn', or use pca")
    if named == "auto":
        return "umap" if installed else "pca"
    return named


def projected(rows: Rows, method: str) -> Points:
    """Points (n, 2) of rows (n, dim), scaled so that the farthest coordinate is 1.

    `pca` is linear: the two directions in which the rows differ most (Pearson 1901), by the
    eigenvectors of their covariance. `umap` keeps neighbours together (McInnes, Healy and Melville
    2018). Both give the same points for the same rows.
    """
    points = _umap(rows) if method == "umap" and len(rows) > NEIGHBOURS else principal(rows)
    points = points - points.mean(axis=0) if len(points) else points
    farthest = max(float(np.abs(points).max(initial=0)), 1e-9)
    return np.asarray(points / farthest, np.float32)


def principal(rows: Rows) -> Points:
    """The coordinates (n, 2) of rows on their two principal axes, the wider one first."""
    centred = rows.astype(np.float64) - (rows.mean(axis=0) if len(rows) else 0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    principal_axes = axes[:, ::-1][:, :2]
    largest = principal_axes[np.abs(principal_axes).argmax(axis=0), [0, 1]]
    return np.asarray(centred @ (principal_axes * np.where(largest < 0, -1, 1)), np.float32)


def _umap(rows: Rows) -> Points:
    """Imports `umap` when it is used, since that compiles for some seconds."""
    umap = import_module("umap")
    layout = umap.UMAP(n_neighbors=NEIGHBOURS, metric="cosine", random_state=0, n_jobs=1)
    return np.asarray(layout.fit_transform(rows), np.float32)
