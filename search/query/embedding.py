"""A query becomes one row, and one for each negative term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, centred_query, unit_rows
from indexer.encoders import Encoder
from indexer.errors import QueryError
from search.query.examples import Example
from search.query.terms import Query

_SAME = 0.9999  # the cosine of a row to itself, as float32 has it


@dataclass(frozen=True, slots=True)
class NegativeTerm:
    """What is taken away: which term of the query, its weight, and its centred unit row (dim,).

    `likest` is the best score of all pictures for it, which a library has yet to say.
    """

    term: int
    weight: float
    row: NDArray[np.float32]
    likest: float = 0.0


@dataclass(frozen=True, slots=True)
class EmbeddedQuery:
    """A query as one unit row `q` (dim,), centred; and the contents of its pictures.

    `terms` (t, dim) are its terms with their weights: they sum up to `q`, but for marked pictures.
    Rows of terms that are taken away are zeros; `without` has their own.
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
    """The weighted sum of a query's terms, each centred by the mean of its modality, and apart from
    it those that are taken away.

    Of a query without terms, which only marks can answer, the row is zeros. `means` are rows
    (dim,) by modality. Raises `QueryError` for a picture that cannot be read and for terms that
    cancel out.
    """
    rows: list[NDArray[np.float32]] = []
    hashes: list[bytes] = []
    without: list[NegativeTerm] = []
    for term in query.terms:
        if term.picture is None:
            row, modality = encoder.encode_texts([term.text])[0], TEXT
        elif isinstance(term.picture, Example):
            row, modality = term.picture.row, IMAGE
            hashes.append(term.picture.content_hash)
        else:
            # Words need neither Pillow nor sockets.
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
    same = any(negative.row @ q > _SAME for negative in without)
    if rows and (same or not length > 1e-3):
        raise QueryError("the terms of the query cancel out; change their weights")
    shares = np.asarray(terms / max(length, 1e-3), np.float32)
    return EmbeddedQuery(q, tuple(hashes), shares, tuple(without))
