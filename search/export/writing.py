"""Writing: records and embeddings of pictures, in the same order, to files that appear whole."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indexer import Progress
from indexer.catalogue.lookup.tables import chunks
from indexer.errors import InputError
from indexer.files import whole_file
from indexer.library.library import Library
from indexer.library.records import FIELDS, Record, records
from search.answer.hits import Hit
from search.export.rows import embeddings_of, rows_file, width_of
from search.export.tables import ANSWER, Table, table

BATCH_PICTURES = 2000  # between two reports of progress


@dataclass(frozen=True, slots=True)
class Files:
    """The files to write: records to a path or an open file, embeddings of a `kind` to a path."""

    output: Path | BinaryIO | None = None
    format: str = "jsonl"
    embeddings: Path | None = None
    kind: str = "picture"


def check_free(*paths: Path | None) -> None:
    """Raise `InputError` if one of the files exists."""
    for path in paths:
        if path is not None and path.exists():
            raise InputError(f"{path}: already exists; name another file, or add --overwrite")


def export_records(
    library: Library,
    ids: Sequence[int],
    files: Files,
    hits: Mapping[int, Hit] | None = None,
) -> Generator[Progress, None, int]:
    """Write the records and embeddings of pictures, in their order; returns the number written.

    Pictures that have gone are left out. `hits`, by id, are given if the pictures are the answer to
    a query. A file appears when it is whole: an interrupt leaves none, or the previous one. Raises
    `InputError`, and `OSError` for a full disk.
    """
    done = written = 0
    with ExitStack() as stack:
        lines = _table(stack, files, ANSWER if hits is not None else FIELDS)
        vectors = None
        if files.embeddings is not None:
            file = _opened(stack, files.embeddings)
            vectors = rows_file(file, files.embeddings, width_of(library, files.kind))
            stack.callback(vectors.close)
        yield Progress(0, len(ids))
        for part in chunks(ids, BATCH_PICTURES):
            rows = [record for batch in records(library, part) for record in batch]
            present = [record["id"] for record in rows]
            if hits is not None:
                rows = [record | _hit_fields(hits[record["id"]]) for record in rows]
            if lines is not None:
                lines.add(rows)
            if vectors is not None:
                vectors.add(present, embeddings_of(library, present, files.kind))
            done, written = done + len(part), written + len(present)
            yield Progress(done, len(ids))
    return written


def _hit_fields(hit: Hit) -> Record:
    return {"rank": hit.rank, "score": hit.score, "confidence": hit.confidence}


def _table(stack: ExitStack, files: Files, columns: Sequence[str]) -> Table | None:
    if files.output is None:
        return None
    output = files.output
    file = _opened(stack, output) if isinstance(output, Path) else output
    lines = table(file, files.format, columns)
    stack.callback(lines.close)
    return lines


def _opened(stack: ExitStack, path: Path) -> BinaryIO:
    try:
        temporary = stack.enter_context(whole_file(path))
        return stack.enter_context(temporary.open("wb"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({os.strerror(error.errno or 0)}); name another file"
        ) from error
