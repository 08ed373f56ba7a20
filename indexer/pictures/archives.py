"""Pictures in tar archives, as WebDataset keeps them: found by the headers, never unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexer.captions.candidates import CLASS, suffix_of
from indexer.captions.nearby import FileState, NearbyFiles
from indexer.kinds.folders import kind_left_out
from indexer.kinds.members import archive_at
from indexer.kinds.passed_over import PassedOver
from indexer.kinds.signatures import ARCHIVE
from indexer.kinds.suffixes import SUFFIX_KINDS, by_suffix
from indexer.pictures.exclusion import Exclusion
from indexer.pictures.formats import BYTE_SUFFIXES
from indexer.pictures.found import FoundPicture, Remembered, ScanProblem, reason_of


class FoundArchive(NamedTuple):
    """An archive that may hold pictures: its whole path, that below the folder, and its status."""

    path: bytes
    relative: bytes
    state: os.stat_result


def pictures_in(
    archive: FoundArchive, exclusion: Exclusion, beside: NearbyFiles, remembered: Remembered
) -> Iterator[FoundPicture | ScanProblem]:
    """Yield the pictures in an archive, and note its other files in `beside`.

    An archive without pictures is passed over, and is not read again while it is `remembered`.
    """
    size, mtime_ns = archive.state.st_size, archive.state.st_mtime_ns
    other = PassedOver(archive.relative, ARCHIVE, "", size, mtime_ns)
    if remembered(archive.relative, size, mtime_ns) == ARCHIVE:
        beside.passed.append(other)
        return
    try:
        listed = archive_at(archive.path)
    except OSError as error:
        yield ScanProblem(archive.path, reason_of(error))
        return
    if not any(suffix_of(name) in BYTE_SUFFIXES for name in listed.members):
        beside.passed.append(other)
        return
    if listed.flaw:
        yield ScanProblem(archive.path, listed.flaw)
    for name in sorted(listed.members):
        relative = archive.relative + b"/" + name
        if _is_left_out(archive.relative, name.split(b"/"), exclusion):
            continue
        if suffix_of(name) in BYTE_SUFFIXES:
            yield FoundPicture(relative, listed.members[name].size, mtime_ns)
        else:
            _note(relative, archive.state, beside)


def _is_left_out(archive: bytes, parts: Sequence[bytes], exclusion: Exclusion) -> bool:
    """Whether a member, or a folder above it, is left out unasked or by a pattern."""
    paths = [b"/".join([archive, *parts[: n + 1]]) for n in range(len(parts))]
    excluded = any(exclusion.leaves_out(above, folder=True) for above in paths[:-1])
    return excluded or any(map(kind_left_out, parts)) or exclusion.leaves_out(paths[-1])


def _note(relative: bytes, state: os.stat_result, beside: NearbyFiles) -> None:
    """Note a member that is no picture."""
    suffix = suffix_of(relative)
    if suffix in beside.suffixes or suffix == CLASS:
        beside.files[relative] = FileState.of(state)
    else:
        beside.passed.append(PassedOver(relative, SUFFIX_KINDS.get(suffix) or by_suffix(suffix)))
