"""Read the text in pictures that are indexed; each content once, by the models of today."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from indexer.library.library import Library
from indexer.pipeline.decoders import reading_pool
from indexer.pipeline.report import IndexOptions, IndexReport
from indexer.progress import Progress
from indexer.recognition.models import MODELS, are_installed, check_installed
from indexer.recognition.picture_text import PictureText

AT_ONCE = 8  # pictures in one transaction: reading one can take a second
WHAT = "reading text"


def choose_reading(library: Library, reads_text: bool | None) -> None:
    """Note whether text is read from now on (None: as before).

    Raises `InputError` if it is to be read and its models are not installed.
    """
    if reads_text:
        check_installed()
    if reads_text not in (None, library.settings.reads_text):
        library.set_reads_text(bool(reads_text))


def read_texts(
    library: Library, folders: Sequence[int], options: IndexOptions, report: IndexReport
) -> Iterator[Progress]:
    """Read the text in the pictures of folders, if the library is to have it.

    Pictures that could not be read are read again only if limits are given.
    """
    if not library.settings.reads_text:
        return
    unread = library.readings.unread(folders, MODELS, again=options.limits_given)
    if not unread:
        return
    if not are_installed():
        report.problem(library.path, _not_read(len(unread)))
        return
    done, total = 0, len(unread)
    yield Progress(done, total, WHAT)
    items = ((content, os.fsencode(path)) for content, path in unread.items())
    with reading_pool(options) as pool, closing(pool.read_all(items)) as texts:
        while batch := list(islice(texts, AT_ONCE)):
            _store(library, batch, unread, report)
            done += len(batch)
            yield Progress(done, total, WHAT)


def _not_read(number: int) -> str:
    pictures = "1 picture" if number == 1 else f"{number:,} pictures"
    return (
        f"the text in {pictures} is not read: its models are not installed (to install them: pip "
        "install 'picfuse[ocr]'; to do without: --no-text)"
    )


def _store(
    library: Library,
    texts: Sequence[PictureText],
    paths: dict[bytes, Path],
    report: IndexReport,
) -> None:
    """Commit texts, and note them in the report; a file that is gone is left to the next run."""
    read = [text for text in texts if text.content_hash]
    with library.writing() as batch:
        batch.readings.put(read, MODELS)
    for text in read:
        report.texts_read += text.reason is None
        report.texts_found += bool(text.text)
        if text.reason is not None:
            report.problem(paths[text.key], text.reason)
