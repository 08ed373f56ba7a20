"""What changes a library, and what both sides stand on."""

from indexer.errors import PicfuseError
from indexer.library import Library
from indexer.pipeline import index_folder
from indexer.report import Failure, IndexOptions, IndexReport, Progress

__all__ = [
    "Failure",
    "IndexOptions",
    "IndexReport",
    "Library",
    "PicfuseError",
    "Progress",
    "index_folder",
]
