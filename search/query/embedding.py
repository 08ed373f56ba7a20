"""Embedding: a query becomes one row, and another for each negative term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, centred_query, unit_rows
from indexer.encoders import Encoder, LimitedEncoder
from indexer.errors import QueryError
from search.query.examples import Example
from search.query.terms import Query

_SAME_COSINE = 0.9999  # of a row with itself, in float32


@dataclass(frozen=True, slots=True)
class NegativeTerm:
    """A negative term: its place in the query, its weight (positive), its centred unit row (dim,).

    `likest` is the best score that any picture of a library reaches for it; 0 until it is known.
    """

    term: int
    weight: float
    row: NDArray[np.float32]
    likest: float = 0.0


@dataclass(frozen=True, slots=True)
class EmbeddedQuery:
    """A query as one centred unit row `q` (dim,), and the contents of its pictures.

    `terms` (t, dim) are its weighted terms, which sum up to `q` unless marked pictures refine it.
    Rows of negative terms are zeros; `without` has their own.
    """

    q: NDArray[np.float32]
    content_hashes: tuple[bytes, ...]
    terms: NDArray[np.float32]
    without: tuple[NegativeTerm, ...] = ()


def embed(
    query: Query,
    encoder: Encoder,
    means: Mapping[str, NDArray[np.float32]],
    *,
    offline: bool = False,
) -> EmbeddedQuery:
    """The weighted sum of the terms of a query, centred on the mean of each modality.

    Negative terms are kept apart. A query without terms, which only marks can answer, becomes a row
    of zeros. `means` are rows (dim,) by modality. Raises `QueryError` for a picture that cannot be
    read and for terms that cancel out.
    """
    rows: list[NDArray[np.float32]] = []
    hashes: list[bytes] = []
    without: list[NegativeTerm] = []
    for term in query.terms:
        if term.picture is None:
            row, modality = encoder.encode_texts([term.read])[0], TEXT
        elif isinstance(term.picture, Example):
            row, modality = term.picture.row, IMAGE
            hashes.append(term.picture.content_hash)
        else:
            # Imported late: words need neither Pillow nor sockets.
            pictures = import_module("search.query.pictures")
            row, content_hash = pictures.encoded_picture(term.picture, encoder, offline=offline)
            modality = IMAGE
            hashes.append(content_hash)
        row = centred_query(row, modality, means)
        if term.weight < 0:
            without.append(NegativeTerm(len(rows), -term.weight, row))
        rows.append(max(0.0, term.weight) * row)
    terms = np.stack([np.zeros(encoder.dim, np.float32), *rows])[1:]
    length = float(np.linalg.norm(terms.sum(axis=0)))
    q = unit_rows(terms.sum(axis=0))
    same = any(negative.row @ q > _SAME_COSINE for negative in without)
    if rows and (same or not length > 1e-3):
        raise QueryError("the terms of the query cancel out; change their weights")
    shares = np.asarray(terms / max(length, 1e-3), np.float32)
    return EmbeddedQuery(q, tuple(hashes), shares, tuple(without))


def left_out(query: Query, encoder: Encoder) -> tuple[str, ...]:
    """The ends of the texts of a query that the encoder does not read."""
    if not isinstance(encoder, LimitedEncoder):
        return ()
    texts = [term.read for term in query.terms if term.picture is None]
    return tuple(unread for unread in map(encoder.unread, texts) if unread)
