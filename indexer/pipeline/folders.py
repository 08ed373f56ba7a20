"""The folders of a library: a folder inside an indexed one belongs to it, one above absorbs it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from indexer.captions import find_captions
from indexer.captions.candidates import SIDECARS
from indexer.captions.named_columns import NamedColumns
from indexer.catalogue.database import FILE
from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.errors import CaptionFileError, InputError
from indexer.kinds.folders import kind_left_out
from indexer.library.library import Library
from indexer.pictures.exclusion import Exclusion, pattern_for
from indexer.pictures.formats import SUFFIXES
from indexer.pipeline.report import IndexOptions


def name_folders(
    library: Library, folders: Sequence[str | Path], options: IndexOptions
) -> list[IndexedFolder]:
    """The library's folders for a run, with new ones added (none named: all its folders).

    Raises `InputError` if a folder does not exist, if there is none yet and none is named, if one
    lies in another that leaves it out unasked, or for a wrong pattern, and `CaptionFileError` if a
    named caption file does not exist or cannot be used.
    """
    named = [existing_folder(Path(folder)) for folder in folders]
    files = None
    if options.captions is not None:
        files = [usable_caption_file(file, options.columns) for file in options.captions]
    known = library.catalogue.folders()
    if not named and not known:
        raise InputError("no folder to index: name one, as in 'picfuse index ~/Pictures'")
    paths: list[Path] = [] if named else [folder.path for folder in known]
    for path in sorted(named):
        owner = _owner(path, [*paths, *(folder.path for folder in known)])
        _check_entered(owner, path, known, options)
        paths += [] if owner in paths else [owner]
    for path in paths:
        inner = [folder for folder in known if path in folder.path.parents]
        is_new = path not in {folder.path for folder in known}
        if is_new or inner or files is not None or options.exclude or options.include:
            _put(library, path, inner, options, files)
    return [folder for folder in library.catalogue.folders() if folder.path in paths]


def _check_entered(
    owner: Path, path: Path, known: Sequence[IndexedFolder], options: IndexOptions
) -> None:
    """Raise `InputError` if a folder belongs to another one that would never enter it."""
    include = [pattern for folder in known if folder.path == owner for pattern in folder.included]
    given = [pattern_for(owner, pattern, "--include") for pattern in options.include if pattern]
    exclusion = Exclusion((), given or include)
    below = path.relative_to(owner)
    for part in reversed([below, *below.parents][:-1]):
        relative, above = os.fsencode(part), os.fsencode((owner / part).parent.name)
        kind = kind_left_out(os.fsencode(part.name), above)
        if kind and not exclusion.brings_back(relative, folder=True):
            raise InputError(
                f"{path}: {owner} is indexed and leaves it out ({kind}); to index it: picfuse index"
                f" {shlex.quote(str(owner))} --include {shlex.quote(str(part))}"
            )


def _put(
    library: Library,
    path: Path,
    inner: Sequence[IndexedFolder],
    options: IndexOptions,
    files: Sequence[Path] | None,
) -> None:
    exclude, include = (
        [pattern_for(path, pattern, option) if pattern else "" for pattern in patterns]
        for option, patterns in (("--exclude", options.exclude), ("--include", options.include))
    )
    with library.writing() as batch:
        folder_id = batch.folders.put(
            path,
            exclude=exclude,
            include=include,
            caption_files=files,
            columns=options.columns,
        )
        for folder in inner:
            prefix = os.fsencode(folder.path.relative_to(path))
            batch.folders.absorb(folder.id, folder_id, prefix)


def absolute(path: Path) -> Path:
    """The path as the user sees it: links are kept, and an unknown `~name` is just a name."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH111


def existing_folder(path: Path) -> Path:
    """The absolute path of a folder. Raises `InputError` if it does not exist."""
    folder = absolute(path)
    try:
        if folder.is_dir():
            return folder
        kind = "a file, not a folder" if folder.exists() else "no such folder"
    except OSError as error:  # no permission, a name that is too long, a dead network drive
        kind = f"cannot be read ({error.strerror})"
    raise InputError(f"{path}: {kind}; name a folder of pictures")


def usable_caption_file(path: Path, columns: str | None = None) -> Path:
    """The absolute path of a caption file. Raises `CaptionFileError` if it cannot be used.

    `columns` are those of its table, if a user has named them.
    """
    file = absolute(path)
    if not os.path.isfile(file):  # noqa: PTH113 - False also without permission to look
        raise CaptionFileError(f"{path}: no such caption file; check the name after --captions")
    named = NamedColumns.parse(columns) if columns else None
    is_sidecar = named is None and os.fsencode(file.suffix.lower()) in SIDECARS
    if not (is_sidecar and any(file.with_suffix(suffix).exists() for suffix in SUFFIXES)):
        # raises, before a bad file is remembered
        find_captions(file, (), explicit=[file], columns=named)
    return file


def _owner(path: Path, known: Sequence[Path]) -> Path:
    """The indexed folder that contains a path, or the path itself."""
    return next((folder for folder in known if folder in path.parents), path)


def inside_library(folder: Path, library: Path) -> Callable[[bytes], bool]:
    """A test whether a directory below the folder belongs to a library, through whatever links."""
    root, own = os.fsencode(folder), os.path.realpath(os.fsencode(library)) + b"/"

    @cache
    def inside(directory: bytes) -> bool:
        path = os.path.join(root, directory)
        if (os.path.realpath(path) + b"/").startswith(own):
            return True
        another = os.path.isfile(os.path.join(path, os.fsencode(FILE)))  # noqa: PTH113 - bytes
        return another or (bool(directory) and inside(os.path.dirname(directory)))  # noqa: PTH120

    return inside
