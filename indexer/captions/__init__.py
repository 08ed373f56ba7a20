"""Captions of pictures: one reader per format, behind `find_captions` and `embedded_captions`."""

from indexer.captions.caption import Caption, CaptionFile, CaptionScan, united
from indexer.captions.finder import find_captions
from indexer.captions.metadata import embedded_captions

__all__ = [
    "Caption",
    "CaptionFile",
    "CaptionScan",
    "embedded_captions",
    "find_captions",
    "united",
]
