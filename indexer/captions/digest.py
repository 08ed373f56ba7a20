"""A digest of everything that the captions beside the pictures of a folder depend on."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from indexer.captions.nearby import FileState

VERSION = 1  # of the readers of caption files: another one reads them again
_END = b"\n\0"  # of a name: none has a NUL
GRANULE = 2 * 10**9  # nanoseconds that two changes may share, as on FAT
AHEAD = 3600 * 10**9  # by which the clock of a file server may be fast


def digest_of(
    pictures: Iterable[bytes],
    files: Mapping[bytes, FileState],
    named: Sequence[Path],
    options: Sequence[str],
) -> bytes | None:
    """The digest of pictures and caption files (relative paths), named files, and options.

    While it stays the same, so do the captions. None if a file was changed just now, since another
    change might not show in its times, or is gone.
    """
    try:
        states = dict(files) | {os.fsencode(file): FileState.of(file.stat()) for file in named}
    except OSError:  # reading it will tell why
        return None
    now = time.time_ns()
    recent = range(now - GRANULE, now + AHEAD)
    if any(state.mtime_ns in recent or state.ctime_ns in recent for state in states.values()):
        return None
    readers = f"{VERSION} {find_spec('openpyxl') is not None}"
    digest = hashlib.blake2b(repr((readers, *options)).encode("utf-8", "surrogatepass"))
    lines = (b"%b\0%d %d %d" % (name, *states[name]) for name in sorted(states))
    digest.update(_END.join(chain(sorted(pictures), [b""], lines)))
    return digest.digest()
