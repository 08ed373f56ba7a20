"""Writing a caption beside its picture, where the next run of indexing finds it."""

from __future__ import annotations

from pathlib import Path

from indexer.captions.caption import clean
from indexer.errors import InputError
from indexer.kinds.members import is_member


def write_caption(picture: Path, caption: str) -> Path:
    """Write a caption into a new file beside a picture; returns the path of that file.

    It is `a.txt` for `a.jpg`, or `a.jpg.txt` if other files share the stem: one may be a picture
    too. No file is ever overwritten. Raises `InputError`.
    """
    text = clean(caption)
    if not text:
        raise InputError(f"{picture}: this caption says nothing; choose another")
    try:
        if is_member(picture):
            raise InputError(f"{picture}: is in an archive, which is only read")
        if not picture.is_file():
            raise InputError(f"{picture}: the picture is not there; update its folder")
        shares = any(one.stem == picture.stem for one in picture.parent.iterdir() if one != picture)
        file = Path(f"{picture}.txt") if shares else picture.with_suffix(".txt")
        _write_new(file, f"{text}\n".encode("utf-8", "replace"))
    except FileExistsError as error:
        raise InputError(f"{file}: exists already, and nothing is overwritten") from error
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{picture.parent}: cannot be written to ({reason})") from error
    return file


def _write_new(file: Path, content: bytes) -> None:
    """Write a file that does not exist; a full disk leaves none behind."""
    with file.open("xb") as new:
        try:
            new.write(content)
            new.flush()
        except OSError:
            file.unlink(missing_ok=True)
            raise
