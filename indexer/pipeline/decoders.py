"""The pools of workers that decode pictures and read their text for an indexing run."""

from pathlib import Path

from indexer.pictures.limits import MAX_PIXELS, MEMORY_LIMIT, TIME_LIMIT
from indexer.pictures.pool import DecodingPool
from indexer.pictures.transform import ImageTransform
from indexer.pipeline.report import IndexOptions
from indexer.recognition.pool import ReadingPool


def decoding_pool(
    transform: ImageTransform, thumbnails: Path | None, options: IndexOptions
) -> DecodingPool:
    """Workers that prepare pictures for an encoder, within the limits of the options."""
    return DecodingPool(
        transform,
        thumbnails,
        workers=options.workers,
        time_limit=TIME_LIMIT if options.time_limit is None else options.time_limit,
        memory_limit=options.memory_limit or MEMORY_LIMIT,
        max_pixels=options.max_pixels or MAX_PIXELS,
    )


def reading_pool(options: IndexOptions) -> ReadingPool:
    """Workers that read the text in pictures, within the same limits."""
    return ReadingPool(
        workers=options.workers,
        time_limit=TIME_LIMIT if options.time_limit is None else options.time_limit,
        memory_limit=options.memory_limit or MEMORY_LIMIT,
        max_pixels=options.max_pixels or MAX_PIXELS,
    )
