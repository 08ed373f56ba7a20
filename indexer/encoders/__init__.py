"""Encoders: turn pictures and texts into independent features of one space."""

from indexer.embedding import IMAGE, TEXT, Rows, centred_query, unit_rows
from indexer.encoders.lexicon import Lexicon
from indexer.encoders.protocol import (
    Encoder,
    LimitedEncoder,
    LocatingEncoder,
    Pixels,
    RestingEncoder,
    TranslatingEncoder,
)
from indexer.encoders.registry import load_encoder

__all__ = [
    "IMAGE",
    "TEXT",
    "Encoder",
    "Lexicon",
    "LimitedEncoder",
    "LocatingEncoder",
    "Pixels",
    "RestingEncoder",
    "Rows",
    "TranslatingEncoder",
    "centred_query",
    "load_encoder",
    "unit_rows",
]
