"""Building and maintaining a library, and the foundations that searching shares.

The public names are imported when they are first used, so that a command that needs one
module does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.errors import PicfuseError
    from indexer.library.library import Library
    from indexer.pipeline.indexing import index_folder, indexing
    from indexer.pipeline.report import IndexOptions, IndexReport
    from indexer.progress import Failure, Progress

_HOMES = {
    "Failure": "indexer.progress",
    "IndexOptions": "indexer.pipeline.report",
    "IndexReport": "indexer.pipeline.report",
    "Library": "indexer.library.library",
    "PicfuseError": "indexer.errors",
    "Progress": "indexer.progress",
    "index_folder": "indexer.pipeline.indexing",
    "indexing": "indexer.pipeline.indexing",
}

__all__ = [
    "Failure",
    "IndexOptions",
    "IndexReport",
    "Library",
    "PicfuseError",
    "Progress",
    "index_folder",
    "indexing",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
