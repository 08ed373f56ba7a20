"""Lines of a text file in any encoding."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from indexer.captions.caption import UnusableFile
from indexer.kinds.members import facts_of, open_file
from indexer.kinds.signatures import ARCHIVE, DOCUMENT, HEAD_BYTES, TABLE, kind_of
from indexer.metadata.texts import character_set

MAX_BYTES = 1_000_000_000
PEEK_BYTES = 4_096

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT = "it holds NUL characters, so it is not plain text; save it as UTF-8"
_NO_TEXTS = {  # kinds of contents that are given as captions, and what helps
    ARCHIVE: "it is an archive or a spreadsheet; unpack it, or save it as CSV",
    TABLE: "it is a Parquet file; name it .parquet",
    DOCUMENT: "it is a document or a spreadsheet; save it as CSV or as plain text",
}


def text_lines(stream: BinaryIO, guessed: set[str] | None = None) -> Iterator[str]:
    """Yield lines: UTF-8, UTF-16 with a byte order mark, otherwise what each line looks like.

    The character sets that had to be guessed are added to `guessed`.
    """
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if reason := _NO_TEXTS.get(kind_of(head)):
        raise UnusableFile(reason)
    utf16 = head[:2] in _UTF16
    # Bytes that are not UTF-8 survive as surrogates, so that their line can be decoded again.
    encoding, errors = ("utf-16", "replace") if utf16 else ("utf-8-sig", "surrogateescape")
    for line in io.TextIOWrapper(stream, encoding=encoding, errors=errors):
        if "\0" in line:
            raise UnusableFile(_NOT_TEXT)
        yield line if line.isascii() else _redecoded(line, guessed)


def data_lines(data: bytes, guessed: set[str] | None = None) -> Iterator[str]:
    """Yield the lines of a small file that is already in memory."""
    return text_lines(io.BytesIO(data), guessed)


def peeked(path: Path, size: int = PEEK_BYTES) -> bytes:
    """Return the first bytes of a file."""
    with open_file(path) as stream:
        return stream.read(size)


def read_limited(path: Path, limit: int) -> bytes:
    """Return the bytes of a file; raises UnusableFile if there are more than `limit`."""
    with open_file(path) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnusableFile(f"it is larger than {limit:,} bytes; split it into smaller files")
    return data


def check_size(path: Path) -> None:
    """Raise UnusableFile if the file is larger than any caption file should be."""
    if facts_of(path).size > MAX_BYTES:
        raise UnusableFile(f"it is larger than {MAX_BYTES:,} bytes; split it into smaller files")


def _redecoded(line: str, guessed: set[str] | None) -> str:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        data = line.encode("utf-8", "surrogateescape")
        looks_like = character_set(data)
        if guessed is not None:
            guessed.add(looks_like)
        try:
            return data.decode(looks_like)
        except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252
            return data.decode("latin-1")
    return line
